"""How the document looks: as the agent's page, with drawings, and on A4 or Letter as well as on a screen."""

from __future__ import annotations

import pkgutil

_OWN = """
body { max-width: 64rem; }
header { align-items: baseline; }
.sentence { font-size: 1.35rem; }
.card + .card, .overview { margin-top: .6rem; }
.cards .card { margin: 0; }
.evidence span, .scale { color: var(--quiet); }
.evidence span::after { content: ":"; }
.consequences li + li, .notes li + li { margin-top: .35rem; }
.notes { list-style: disc; padding-left: 1.25rem; }
.outcomes th:first-child { width: 9rem; }
.outcomes td:nth-child(2) { width: 8.5rem; }

.list tbody th { min-width: 11rem; }
.paths { table-layout: fixed; }
.paths thead th { width: 20%; }
.paths thead th:first-child { width: 25%; }
.paths thead th:nth-child(2) { width: 15%; }
.paths .functions { display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; }
.paths tbody + tbody .group th { border-top: 3px solid var(--line); }
.paths .group th { padding-top: .7rem; white-space: normal; }
.paths tr:not(.group) th { padding-left: 1rem; }
.measure { display: flex; align-items: center; gap: .6rem; white-space: nowrap; }
.bar { width: 6rem; height: .6rem; flex: none; border-radius: 3px; }
.bar rect { fill: var(--unknown-ground); }
.rtt rect + rect { fill: var(--accent); }
.loss rect + rect { fill: var(--bad); }

figure { margin: .7rem 0 0; }
figcaption { font-weight: 600; }
figure svg, .chart > svg { display: block; width: 100%; max-width: 56rem; }
.chart text { fill: currentColor; font: 13px system-ui, sans-serif; }
.chart .name { font-weight: 600; }
.chart .tick, .chart .aside { fill: var(--quiet); font-size: 12px; }
.grid { stroke: var(--line); }
.sure { fill: var(--good); }
.between { fill: var(--warning-ground); stroke: var(--warning); }
.beyond { fill: var(--good); fill-opacity: .35; }
line.keepalive { stroke: var(--accent); stroke-width: 2; }
.chart text.keepalive { fill: var(--accent); }
text.keepalive, text.phone { paint-order: stroke; stroke: var(--card); stroke-width: 5px; }
line.phone { stroke: currentColor; stroke-dasharray: 4 3; }
line.late { stroke: var(--bad); }
.chart text.late { fill: var(--bad); font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.5rem; margin-top: .6rem; font-size: .8125rem;
  color: var(--quiet); }
.legend svg { display: inline-block; width: 1.6rem; height: .6rem; margin-right: .4rem; }
#forecasts > p { font-size: .8125rem; margin-bottom: .5rem; }
.times { width: auto; margin-top: .7rem; }
.times thead th { border-top: 0; padding-top: 0; padding-bottom: .1rem; }
.times thead [colspan] { font-weight: 600; color: var(--text); }
.times th, .times td { padding-right: 1.75rem; }

@media (max-width: 46rem) {
  .list tbody th { min-width: 0; }
  .paths tr:not(.group) th { padding-left: 0; }
  .chart, figure { overflow-x: auto; }
  .chart > svg, figure svg { min-width: 34rem; }
  .times, .times tbody, .times tr, .times th, .times td { display: revert; }
  .times thead { display: table-header-group; }
  .times th, .times td { padding: .3rem .8rem .3rem 0; }
  .times { font-size: .8125rem; overflow-wrap: normal; }
}
@page { margin: 15mm 14mm 17mm; @bottom-right { content: counter(page) " of " counter(pages); font: 8pt sans-serif; } }
@media print {
  body { font-size: 9.5pt; background: #fff; }
  section { margin-top: 1.1rem; }
  .card { border-radius: 0; border-width: 1px 0 0; padding: .4rem 0 0; break-inside: auto; }
  .finding { border-width: 0 0 0 4px; padding: 0 0 .1rem .7rem; }
  .cards { grid-template-columns: 1fr 1fr; }
  small { font-size: 7.5pt; }
  thead th { overflow-wrap: normal; }
  .bar { width: 4rem; }
  .verdict::before, .state::before, svg { print-color-adjust: exact; }
  h2, h3, .head, figcaption, .group { break-after: avoid; }
  .finding, .chart, .cards .card, figure, .times { break-inside: avoid; }
}
"""


def style() -> str:
    """The page's sheet, and what only the document has."""
    source = pkgutil.get_data("tonekeeper.faces.http.page", "page.css")
    assert source is not None
    return source.decode() + _OWN
