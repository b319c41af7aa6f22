"""The report as one HTML file to hand over: complete in itself, on a screen or on paper, without JavaScript.

The answer first, then each finding with what follows from it, then everything that was looked at and what nobody could
look at, then the measurements with their drawings. Everything inserted is escaped, and should markup slip in all the
same, the document's own policy lets it load and run nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tonekeeper.core.examination import Examination
from tonekeeper.core.report import Report
from tonekeeper.faces import wording
from tonekeeper.faces.html_report.bindings import bindings
from tonekeeper.faces.html_report.checks import checks, tally
from tonekeeper.faces.html_report.findings import findings
from tonekeeper.faces.html_report.forecasts import PhoneForecast, forecasts_of_phones
from tonekeeper.faces.html_report.paths import paths
from tonekeeper.faces.html_report.style import style
from tonekeeper.faces.http.page import surroundings
from tonekeeper.faces.http.page.markup import escape, facts, quiet, section
from tonekeeper.faces.http.page.wans import wans

__all__ = ["PhoneForecast", "render_html_report"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render_html_report(
    report: Report,
    verdict: str,
    produced_at: str,
    examination: Examination | None = None,
    forecasts: Sequence[PhoneForecast] = (),
    notes: Iterable[str] = (),
) -> str:
    """The whole document. `verdict`: in one sentence. `examination`: of the diagnosis that this is the report of, or
    None. `notes`: what was assumed and what could not be seen, a sentence each."""
    told = wording.verdict(report)
    title = f"{told.word}: {report.agent.name}, {produced_at}"
    parts = (
        f'<div class="verdict {told.tone}"><p class="word">{told.word}</p>'
        f'<p class="sentence">{escape(verdict)}</p></div>',
        _overview(report, examination),
        findings(report),
        checks(report, examination),
        paths(report),
        bindings(report),
        wans(report),
        forecasts_of_phones(forecasts),
        surroundings.firewall(report),
        surroundings.egress(report),
        surroundings.phones(report),
        surroundings.changes(report),
        _notes(notes),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{style()}</style></head>\n"
        f"<body>{_head(report, produced_at)}<main>\n{_joined(parts)}\n</main></body></html>\n"
    )


def _joined(parts: Iterable[str]) -> str:
    """Without the sections that the page hides."""
    return "\n".join(part for part in parts if part and not part.endswith("hidden></section>"))


def _head(report: Report, produced_at: str) -> str:
    agent = report.agent
    uptime = wording.duration(agent.uptime_s)
    told = f"{agent.role}, mode {agent.mode}, tonekeeper {agent.version}, running for {uptime}"
    when = f"<p>{escape(produced_at)}</p>"
    return f"<header><div><h1>{escape(agent.name)}</h1>{quiet(told)}</div>{when}</header>"


def _overview(report: Report, examination: Examination | None) -> str:
    active = report.active
    where = f"{active.sbc} over {active.wan}, for {wording.duration(active.since_s)}"
    why = "; ".join(part for part in (active.reason, wording.failback_wait(report)) if part)
    told = {
        "Calls go to": escape(where) if active.sbc else "no path is chosen yet",
        "Because": escape(why),
        "Voicemail": escape(wording.voicemail_elsewhere(report)),
        "Steering": escape(wording.steering(report)),
        "Storm guard": escape(wording.storm_guard(report)),
        "Checks": escape(tally(report, examination)),
    }
    return f'<div class="card overview">{facts(told)}</div>'


def _notes(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return section("notes", "Notes", f'<ul class="notes">{items}</ul>' if items else "")
