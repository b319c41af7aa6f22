"""The matrix: every path, SBC by WAN, and what is known of each SBC beside its paths."""

from __future__ import annotations

from tonekeeper.core.report import FunctionReport, PathReport, PathState, Report, SbcReport, WanReport
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, quiet, section, state


def paths(report: Report) -> str:
    heads = "".join(f'<th scope="col">{escape(wan.name)} {state(wan.state)}</th>' for wan in report.wans)
    rows = "".join(_sbc(sbc, report) for sbc in report.sbcs)
    body = (
        '<div class="scroll card" role="group" aria-labelledby="h-paths" tabindex="0"><table class="matrix">'
        '<caption class="unseen">One row for each SBC, one column for each WAN</caption>'
        f'<thead><tr><th scope="col">SBC</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
    return section("paths", "Paths", body)


def _sbc(sbc: SbcReport, report: Report) -> str:
    cells = "".join(_cell(sbc, wan, report) for wan in report.wans)
    return (
        f'<tr><th scope="row"><p class="name">{escape(sbc.name)} {state(sbc.state)}</p>'
        f"{quiet(sbc.uri)}{quiet(sbc.reason)}{quiet(wording.damping(sbc))}{quiet(wording.sbc_facts(sbc))}"
        f"{_functions(sbc)}</th>{cells}</tr>"
    )


def _functions(sbc: SbcReport) -> str:
    told = "".join(f"<li>{_function(one)}</li>" for one in wording.functions(sbc))
    return f'<ul class="functions">{told}</ul>' if told else ""


def _function(one: FunctionReport) -> str:
    outage = f", latest outage {wording.duration(one.recovery_s)}" if one.recovery_s is not None else ""
    known = f"{one.function}, passed {wording.passed(one)}{outage}"
    return f"{state(one.state)} {escape(known)}{quiet(wording.failure(one))}"


def _cell(sbc: SbcReport, wan: WanReport, report: Report) -> str:
    own = [path for path in sbc.paths if path.wan == wan.name]
    is_active = (report.active.sbc, report.active.wan) == (sbc.name, wan.name)
    told = "".join(map(_path, own)) or "<small>no path</small>"
    marked = '<p class="here">calls go here</p>' if is_active else ""
    # Where the columns are gone, on a narrow screen, each cell names its WAN itself.
    return f'<td{" class=active" if is_active else ""} data-th="{escape(wan.name)}">{marked}{told}</td>'


def _path(path: PathReport) -> str:
    reply = f"last reply {path.last_reply or 'none'}"
    if path.last_reply_s is not None:
        reply += f", {wording.duration(path.last_reply_s)} ago"
    reason = path.reason if path.state is not PathState.UP else ""
    return (
        f'<div class="path"><p>{state(path.state)} <span class="figure">RTT {wording.rtt(path)}</span> '
        f'<span class="figure">loss {wording.loss(path)}</span></p>'
        f"{quiet(f'{path.transport} {path.address}')}{quiet(f'for {wording.duration(path.since_s)}; {reply}')}"
        f"{quiet(reason)}</div>"
    )
