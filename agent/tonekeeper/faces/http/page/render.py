"""The report as a page: one self-contained document, complete without JavaScript. Everything inserted is escaped."""

from __future__ import annotations

import pkgutil
from string import Template

from tonekeeper.core.report import (
    ChangeReport,
    FindingReport,
    FunctionReport,
    NatReport,
    PathReport,
    Report,
    SbcReport,
    WanReport,
)
from tonekeeper.faces import wording

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; "
    "style-src 'sha256-ebAcdW+LauqoneDQDEn9EzL+a/ZhqFGWrEj+iWuVebo='; "
    "script-src 'sha256-9Ox03m3JtwrNXnPHDGuTvfocxtCXGyuK4tVALp6Q6O4='"
)
"""Only the one style and the one script of page.html, by their hash: markup that slipped in would stay inert."""

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def render_page(report: Report) -> str:
    """The whole document."""
    verdict = wording.verdict(report)
    return _template().substitute(
        title=escape(f"{verdict.word}: {report.agent.name}"),
        name=escape(report.agent.name),
        agent=escape(_agent(report)),
        tone=verdict.tone,
        word=verdict.word,
        sentence=escape(verdict.sentence),
        active=escape(_active(report)),
        notes=_notes(report),
        wans="".join(_wan(wan) for wan in report.wans),
        sbcs="\n".join(_sbc(sbc, report.wans) for sbc in report.sbcs),
        findings="\n".join(_finding(finding) for finding in report.findings) or "<p>None.</p>",
        nat=_nat(report.nat),
        changes=_changes(report.changes),
    )


def escape(text: str) -> str:
    """`text` for element content and quoted attributes."""
    return wording.printable(text).translate(_ESCAPES)


def _template() -> Template:
    source = pkgutil.get_data("tonekeeper.faces.http.page", "page.html")
    assert source is not None
    return Template(source.decode())


def _agent(report: Report) -> str:
    agent = report.agent
    uptime = wording.duration(agent.uptime_s)
    return f"{agent.role}, mode {agent.mode}, tonekeeper {agent.version}, running for {uptime}"


def _active(report: Report) -> str:
    active = report.active
    if not active.sbc:
        return "no path is chosen yet"
    parts = (f"{active.sbc} over {active.wan} for {wording.duration(active.since_s)}", active.reason)
    return "; ".join(part for part in (*parts, wording.failback_wait(report)) if part)


def _notes(report: Report) -> str:
    """What there is to say of the site beside where it is."""
    told = {
        "Voicemail": wording.voicemail_elsewhere(report),
        "Steering": wording.steering(report),
        "Storm guard": wording.storm_guard(report),
    }
    return "\n".join(f"<p><strong>{of}:</strong> {escape(said)}</p>" for of, said in told.items() if said)


def _state(state: str) -> str:
    return f'<span class="state {wording.tone_of(state)}">{escape(state)}</span>'


def _quiet(text: str) -> str:
    return f'<p class="quiet">{escape(text)}</p>' if text else ""


def _wan(wan: WanReport) -> str:
    notes = [f"on {wan.interface}", f"carrier {wan.carrier}", *wan.addresses, *wording.wan_notes(wan)]
    return (
        f'<th scope="col"><p><strong>{escape(wan.name)}</strong> {_state(wan.state)}</p>'
        f"{_quiet(wording.damping(wan))}{_quiet(', '.join(notes))}</th>"
    )


def _sbc(sbc: SbcReport, wans: tuple[WanReport, ...]) -> str:
    cells = "".join(_cell([path for path in sbc.paths if path.wan == wan.name]) for wan in wans)
    active = " (active)" if sbc.active else ""
    return (
        f'<tr><th scope="row"><p><strong>{escape(sbc.name)}</strong>{active} {_state(sbc.state)}</p>'
        f"{_quiet(wording.damping(sbc))}{_quiet(sbc.uri)}{_quiet(sbc.reason)}{_quiet(wording.sbc_facts(sbc))}"
        f"{''.join(_function(one) for one in wording.functions(sbc))}</th>{cells}</tr>"
    )


def _function(one: FunctionReport) -> str:
    outage = f", latest outage {wording.duration(one.recovery_s)}" if one.recovery_s is not None else ""
    known = f"{one.function}, passed {wording.passed(one)}{outage}"
    return f"<p>{_state(one.state)} {escape(known)}</p>{_quiet(wording.failure(one))}"


def _cell(paths: list[PathReport]) -> str:
    return f"<td>{''.join(_path(path) for path in paths) or '-'}</td>"


def _path(path: PathReport) -> str:
    reply = f"last reply {path.last_reply or 'none'}"
    if path.last_reply_s is not None:
        reply += f", {wording.duration(path.last_reply_s)} ago"
    numbers = f"{path.transport} {path.address}, round trip {wording.rtt(path)}, loss {wording.loss(path)}, {reply}"
    return f"<p>{_state(path.state)} for {wording.duration(path.since_s)}</p>{_quiet(numbers)}{_quiet(path.reason)}"


def _finding(finding: FindingReport) -> str:
    measured = wording.evidence(finding)
    return (
        f"<article><p>{_state(finding.severity)} <strong>{escape(finding.summary)}</strong></p>"
        + (f"<p>What to do: {escape(finding.remedy)}</p>" if finding.remedy else "")
        + (_quiet(f"Measured: {measured}") if measured else "")
        + f'<p class="quiet"><code>{escape(finding.code)}</code> {escape(finding.subject)}, '
        f"for {wording.duration(finding.since_s)}</p></article>"
    )


def _nat(nats: tuple[NatReport, ...]) -> str:
    lines = [f"<p><strong>{escape(nat.wan)}:</strong> {escape(wording.nat(nat))}</p>" for nat in nats]
    return "\n".join(["<h2>NAT</h2>", *lines]) if lines else ""


def _changes(changes: tuple[ChangeReport, ...]) -> str:
    if not changes:
        return "<p>None since the agent started.</p>"
    rows = "\n".join(
        f"<tr><td>{wording.duration(change.ago_s)} ago</td><td>{escape(change.subject)}</td>"
        f"<td>{escape(change.before)} &rarr; {escape(change.after)}</td><td>{escape(change.reason)}</td></tr>"
        for change in reversed(changes)
    )
    head = "".join(f'<th scope="col">{title}</th>' for title in ("When", "What", "Change", "Why"))
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'
