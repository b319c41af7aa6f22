"""How long idle NAT bindings live: an interval for each WAN and kind, with the keepalive that holds them.

The axis is logarithmic: what matters lies between a second and some hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from tonekeeper.core.report import NatReport, Report
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, section
from tonekeeper.faces.http.page.wans import BINDINGS

_LABEL, _PLOT, _VALUE, _ROW, _TOP = 120, 470, 130, 24, 30
_LEFT, _RIGHT = _LABEL, _LABEL + _PLOT
_THIN = 10
_TICKS_S = (1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, 432000)
_LEAST_AXIS_S = 120
_LEGEND = (
    ("sure", "still lived when tried"),
    ("between", "dies somewhere in here"),
    ("beyond", "outlived the measurement"),
)


def bindings(report: Report) -> str:
    nats = [nat for nat in report.nat if any(nat.lifetime_s.get(kind) is not None for kind in BINDINGS)]
    if not nats:
        return ""
    legend = "".join(f"<li>{_swatch(name)}{said}</li>" for name, said in _LEGEND)
    body = f'<div class="card chart">{_drawing(nats, _slowest_phone(report))}<ul class="legend">{legend}</ul></div>'
    return section("bindings", "How long idle NAT bindings live", body)


def _swatch(name: str) -> str:
    return f'<svg viewBox="0 0 26 10" aria-hidden="true"><rect class="{name}" x="1" y="1" width="24" height="8"/></svg>'


def _slowest_phone(report: Report) -> float | None:
    """Seconds between the keepalives of the phone that leaves most time between them."""
    return max((phone.keepalive_s for phone in report.phones if phone.keepalive_s is not None), default=None)


def _drawing(nats: list[NatReport], phone_s: float | None) -> str:
    axis = _Axis(nats, phone_s)
    height = _TOP + sum(_height(nat) for nat in nats) + (_ROW if phone_s is not None else 4)
    parts = [
        f'<svg viewBox="0 0 {_LABEL + _PLOT + _VALUE} {height}" role="img">',
        "<title>How long idle NAT bindings live, by WAN</title>",
        f"<desc>{escape('; '.join(map(_told, nats)))}</desc>",
        *axis.drawing(height),
    ]
    if phone_s is not None:
        late = [nat.wan for nat in nats if nat.keepalive_s is not None and nat.keepalive_s < phone_s]
        parts += _phones(phone_s, late, height - _ROW, axis)
    y = _TOP
    for nat in nats:
        parts += _wan(nat, y, axis)
        y += _height(nat)
    return "".join([*parts, "</svg>"])


def _told(nat: NatReport) -> str:
    lives = [
        f"{name} {wording.interval(bounds)}" for kind, name in BINDINGS.items() if (bounds := nat.lifetime_s.get(kind))
    ]
    keepalive = f", keepalive {nat.keepalive_s:g} s" if nat.keepalive_s is not None else ""
    return f"{nat.wan}: {', '.join(lives)}{keepalive}"


class _Axis:
    """Where a time is, from 1 s at the left to somewhat more than the longest one at the right."""

    def __init__(self, nats: list[NatReport], phone_s: float | None) -> None:
        known = [second for nat in nats for bounds in nat.lifetime_s.values() if bounds for second in bounds if second]
        known += [nat.keepalive_s for nat in nats if nat.keepalive_s is not None]
        longest = max([_LEAST_AXIS_S, phone_s or 0.0, *known])
        self._end_s = next((tick for tick in _TICKS_S if tick > longest), longest * 2)

    def x(self, seconds: float) -> float:
        share = math.log(max(seconds, 1.0)) / math.log(self._end_s)
        return round(_LEFT + _PLOT * min(share, 1.0), 1)

    def drawing(self, height: int) -> Iterator[str]:
        for tick in (tick for tick in _TICKS_S if tick <= self._end_s):
            x = self.x(tick)
            yield f'<line class="grid" x1="{x:g}" y1="{_TOP - 8}" x2="{x:g}" y2="{height - 2}"/>'
            yield f'<text class="tick" x="{x:g}" y="{_TOP - 14}" text-anchor="middle">{_short(tick)}</text>'


def _short(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _height(nat: NatReport) -> int:
    return _ROW * (1 + len(BINDINGS)) + 6


def _wan(nat: NatReport, y: int, axis: _Axis) -> Iterator[str]:
    yield f'<text class="name" x="0" y="{y + 16}">{escape(nat.wan)}</text>'
    for row, (kind, name) in enumerate(BINDINGS.items(), start=1):
        yield f'<text x="12" y="{y + row * _ROW + 15}">{name}</text>'
        yield from _kind(nat, kind, y + row * _ROW, axis)
    if nat.keepalive_s is not None:
        yield from _keepalive(nat.keepalive_s, y, axis)


def _kind(nat: NatReport, kind: str, y: int, axis: _Axis) -> Iterator[str]:
    bounds = nat.lifetime_s.get(kind)
    if bounds is None:
        why = nat.reasons.get(kind, "")
        yield f'<text class="aside" x="{_LEFT + 6}" y="{y + 15}">not checked{f": {escape(why)}" if why else ""}</text>'
        return
    low, high = bounds
    begin, end = axis.x(low), axis.x(high) if high is not None else _RIGHT
    middle = y + (_ROW - _THIN) // 2
    if begin > _LEFT:
        yield f'<rect class="sure" x="{_LEFT}" y="{middle}" width="{begin - _LEFT:g}" height="{_THIN}"/>'
    name = "beyond" if high is None else "between"
    width = max(end - begin, 2.0)
    yield f'<rect class="{name}" x="{begin:g}" y="{middle}" width="{width:g}" height="{_THIN}"/>'
    yield f'<text class="value" x="{_RIGHT + 10}" y="{y + 15}">{wording.interval(bounds)}</text>'


def _keepalive(seconds: float, y: int, axis: _Axis) -> Iterator[str]:
    x = axis.x(seconds)
    yield f'<line class="keepalive" x1="{x:g}" y1="{y + 20}" x2="{x:g}" y2="{y + (1 + len(BINDINGS)) * _ROW}"/>'
    yield _at(x, y + 16, f"keepalive at most {seconds:g} s", "keepalive")


def _phones(seconds: float, late: list[str], y: int, axis: _Axis) -> Iterator[str]:
    """`late`: the WANs whose bindings do not live as long."""
    x, name = axis.x(seconds), "phone late" if late else "phone"
    yield f'<line class="{name}" x1="{x:g}" y1="{_TOP}" x2="{x:g}" y2="{y}"/>'
    said = f", too seldom for {' and '.join(late)}" if late else ""
    yield _at(x, y + 15, f"slowest phone seen: every {seconds:g} s{said}", name)


def _at(x: float, y: int, said: str, name: str) -> str:
    """A label over or under a mark, inside the drawing at both ends."""
    anchor = "start" if x < _LEFT + 80 else "end" if x > _RIGHT - 80 else "middle"
    return f'<text class="{name}" x="{x:g}" y="{y}" text-anchor="{anchor}">{escape(said)}</text>'
