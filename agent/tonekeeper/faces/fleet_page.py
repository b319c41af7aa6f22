"""A fleet as one HTML page: nothing to load, nothing to run, to be printed or sent."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tonekeeper.fleet.summary import Polled, SiteState, Summary, worst_first, worst_of

_STYLE = """
:root { color-scheme: light dark; --bad: #b3261e; --warn: #8a5a00; --good: #1b6e3c; --off: #4a5568; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --warn: #ffc56b; --good: #7bd99a; --off: #a0aec0; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .75rem; }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); } td.n { text-align: right; }
.critical { color: var(--bad); } .warning { color: var(--warn); } .fine { color: var(--good); }
.unreachable { color: var(--off); } small { opacity: .8; }
"""


def render_fleet_page(polled: Sequence[Polled], summary: Summary, made_at: str) -> str:
    """`made_at`: when, for people."""
    told = ", ".join(f'<b class="{state}">{summary.states[state]} {state}</b>' for state in SiteState)
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Fleet</title>',
            f"<style>{_STYLE}</style></head><body><main>",
            f"<h1>{len(polled)} sites</h1><p>{told} <small>({escape(made_at)})</small></p>",
            _causes(summary),
            _sites(polled),
            "</main></body></html>\n",
        )
    )


def _causes(summary: Summary) -> str:
    rows = [
        f'<tr><td class="n">{len(cause.sites)}</td><td class="{cause.state}">{cause.state}</td>'
        f"<td>{escape(cause.code)} {escape(cause.about)}<br><small>{escape(cause.summary)}"
        f"{escape('; in common: ' + ', '.join(cause.also)) if cause.also else ''}</small></td></tr>"
        for cause in summary.causes
    ]
    return _table("What sites share", ("Sites", "State", "Cause"), rows)


def _sites(polled: Sequence[Polled]) -> str:
    rows = []
    for one in worst_first(polled):
        worst = worst_of(one.report) if one.report is not None else None
        said = worst.summary if worst is not None else one.error
        rows.append(
            f'<tr><td>{escape(one.host.name)}</td><td class="{one.state}">{one.state}</td><td>{escape(said)}</td></tr>'
        )
    return _table("Sites, worst first", ("Site", "State", "Finding"), rows)


def _table(title: str, columns: Sequence[str], rows: Sequence[str]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return f"<h2>{title}</h2><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
