"""Every path with its round trip and its loss, as numbers and as bars on one scale."""

from __future__ import annotations

from collections.abc import Iterator

from tonekeeper.core.report import FunctionReport, PathReport, PathState, Report, SbcReport
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, quiet, row, section, state

_TITLES = ("Path", "State", "Round trip", "Loss", "Latest reply")
_BAR = 100
"""Units of a bar that is as long as any."""
_LEAST_RTT_MS, _LEAST_LOSS = 20.0, 0.1
"""Scales are no finer, or a trifle would look like a trouble."""


def paths(report: Report) -> str:
    known = [path for sbc in report.sbcs for path in sbc.paths]
    if not known:
        return ""
    rtt_ms = max([_LEAST_RTT_MS, *(path.rtt_ms or 0.0 for path in known)])
    loss = max([_LEAST_LOSS, *(path.loss or 0.0 for path in known)])
    head = "".join(f'<th scope="col">{title}</th>' for title in _TITLES)
    groups = "".join(f"<tbody>{_sbc(sbc)}{''.join(_rows(sbc, report, rtt_ms, loss))}</tbody>" for sbc in report.sbcs)
    scale = f"bars: round trip up to {rtt_ms:.0f} ms, loss up to {wording.share(loss)}"
    body = (
        '<div class="card"><table class="list paths"><caption class="unseen">Paths by SBC</caption>'
        f"<thead><tr>{head}</tr></thead>{groups}</table></div>"
    )
    return section("paths", "Paths", body, quiet(scale))


def _sbc(sbc: SbcReport) -> str:
    told = "; ".join(part for part in (sbc.reason, wording.damping(sbc), wording.sbc_facts(sbc)) if part)
    functions = "".join(f"<li>{_function(one)}</li>" for one in wording.functions(sbc))
    return (
        f'<tr class="group"><th scope="rowgroup" colspan="{len(_TITLES)}"><span class="name">{escape(sbc.name)}</span> '
        f'{state(sbc.state)} <span class="scale">{escape(sbc.uri)}</span>{quiet(told)}'
        f"{f'<ul class=functions>{functions}</ul>' if functions else ''}</th></tr>"
    )


def _function(one: FunctionReport) -> str:
    failure = wording.failure(one)
    return f"{state(one.state)} {escape(one.function)}, passed {wording.passed(one)}{quiet(failure)}"


def _rows(sbc: SbcReport, report: Report, longest_ms: float, most: float) -> Iterator[str]:
    for path in sbc.paths:
        is_active = sbc.active and path.wan == report.active.wan
        here = '<p class="here">calls go here</p>' if is_active else ""
        cells = (
            escape(path.wan) + quiet(f"{path.transport} {path.address}") + here,
            state(path.state) + quiet(f"for {wording.duration(path.since_s)}"),
            _measure(path.rtt_ms, longest_ms, wording.rtt(path), "rtt"),
            _measure(path.loss, most, wording.loss(path), "loss"),
            _reply(path),
        )
        yield row(_TITLES, cells)


def _reply(path: PathReport) -> str:
    when = f", {wording.duration(path.last_reply_s)} ago" if path.last_reply_s is not None else ""
    return escape((path.last_reply or "none yet") + when) + quiet(path.reason if path.state is not PathState.UP else "")


def _measure(value: float | None, whole: float, said: str, kind: str) -> str:
    """The bar says nothing that the number does not say."""
    length = 0.0 if value is None else min(value / whole, 1.0) * _BAR
    return (
        f'<span class="measure"><svg class="bar {kind}" viewBox="0 0 {_BAR} 8" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect width="{_BAR}" height="8"/><rect width="{length:.4g}" height="8"/></svg>'
        f"<span>{said}</span></span>"
    )
