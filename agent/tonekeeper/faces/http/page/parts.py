"""All parts of the page, by the ids of their elements: the page is made of them, and an event renews some of them."""

from __future__ import annotations

from tonekeeper.core.examination import Examination
from tonekeeper.core.report import Report
from tonekeeper.faces import wording
from tonekeeper.faces.http.page import surroundings
from tonekeeper.faces.http.page.examination import examination_part
from tonekeeper.faces.http.page.markup import escape, quiet
from tonekeeper.faces.http.page.matrix import paths
from tonekeeper.faces.http.page.verdict import findings, place, verdict
from tonekeeper.faces.http.page.wans import wans
from tonekeeper.faces.wording import Tone

_ICON = {Tone.GOOD: "1a7f4b", Tone.WARNING: "b7791f", Tone.BAD: "c4213c", Tone.UNKNOWN: "6b7785"}


def report_parts(report: Report) -> dict[str, str]:
    return {
        "title": _title(report),
        "icon": _icon(report),
        "site": _site(report),
        "verdict": verdict(report),
        "place": place(report),
        "findings": findings(report),
        "paths": paths(report),
        "wans": wans(report),
        "firewall": surroundings.firewall(report),
        "egress": surroundings.egress(report),
        "phones": surroundings.phones(report),
        "checks": surroundings.checks(report),
        "changes": surroundings.changes(report),
    }


def diagnosis_part(examination: Examination | None) -> dict[str, str]:
    return {"diagnosis": examination_part(examination)}


def _title(report: Report) -> str:
    return f'<title id="title" data-part>{wording.verdict(report).word}: {escape(report.agent.name)}</title>'


def _icon(report: Report) -> str:
    """In the colour of the verdict, for who has many sites open."""
    colour = _ICON[wording.verdict(report).tone]
    return (
        '<link id="icon" data-part rel="icon" href="data:image/svg+xml,'
        "%3Csvg xmlns=%27http://www.w3.org/2000/svg%27 viewBox=%270 0 16 16%27%3E"
        f'%3Ccircle cx=%278%27 cy=%278%27 r=%277%27 fill=%27%23{colour}%27/%3E%3C/svg%3E">'
    )


def _site(report: Report) -> str:
    agent = report.agent
    uptime = wording.duration(agent.uptime_s)
    told = f"{agent.role}, mode {agent.mode}, tonekeeper {agent.version}, running for {uptime}"
    return f'<div id="site" data-part><h1>{escape(agent.name)}</h1>{quiet(told)}</div>'
