"""The WANs: what damping holds against each, and what its NAT was measured to do.

The columns stand in the order of their worth; those at the end go where the screen has no room for them.
"""

from __future__ import annotations

from tonekeeper.core.nat.result import NOT_CHECKED
from tonekeeper.core.report import NatReport, WanReport
from tonekeeper.faces.watch.cells import Charset, Line, Span, breadth
from tonekeeper.faces.watch.lines import plain, rule, state
from tonekeeper.faces.watch.sight import Sight

_KINDS = ("replied", "stream", "tcp", "unreplied")
"""Of idle NAT bindings, in the order of what phones live on."""
_TITLES = ("WAN", "state", "penalty", "lost 1 h", "keepalive", *_KINDS)
_INDENT = 2


def wan_table(sight: Sight, columns: int, room: int, charset: Charset) -> list[Line]:
    """At most `room` lines, a title among them. Where not all WANs have room, those in the worst state are shown."""
    report = sight.report
    if report is None or room < 2:
        return []
    wans = report.wans
    if len(wans) >= room:
        worst = sorted(wans, key=lambda wan: (wan.state == "up", -wan.penalty))[: max(room - 2, 1)]
        wans = tuple(wan for wan in wans if wan in worst)
    nats = {nat.wan: nat for nat in report.nat}
    rows = [_row(sight, wan, nats.get(wan.name), columns, charset) for wan in wans]
    widths = [max(map(breadth, column)) for column in zip(_TITLES, *rows, strict=True)]
    places = [_INDENT + sum(widths[:index]) + 2 * index for index in range(len(widths))]
    fitting = sum(place + width <= columns for place, width in zip(places, widths, strict=True))
    lines = [rule(list(zip(places, _TITLES, strict=True))[:fitting], columns, charset)]
    lines += [_line(row[:fitting], widths, charset) for row in rows]
    left_out = len(report.wans) - len(wans)
    return lines + ([plain(f"  and {left_out} more")] if left_out and len(lines) < room else [])


def _row(sight: Sight, wan: WanReport, nat: NatReport | None, columns: int, charset: Charset) -> tuple[str, ...]:
    trusted = f" until {sight.time_of(-wan.suppressed_s)}" if wan.suppressed_s is not None else ""
    keepalive = "-" if nat is None or nat.keepalive_s is None else f"{nat.keepalive_s:g} s"
    name = charset.cut(wan.name, columns // 5)
    return (name, str(wan.state), f"{wan.penalty:.0f}{trusted}", str(wan.losses_1h), keepalive, *_lifetimes(nat))


def _lifetimes(nat: NatReport | None) -> list[str]:
    known = {} if nat is None else nat.lifetime_s
    told = [_interval(known.get(kind)) for kind in _KINDS]
    return told if any(one != "-" for one in told) else [NOT_CHECKED, *told[1:]]


def _interval(bounds: tuple[float, float | None] | None) -> str:
    """`28-30 s`, `>300 s`, `<2 s`."""
    if bounds is None:
        return "-"
    low, high = bounds
    if high is None:
        return f">{round(low, 1):g} s"
    return f"{round(low, 1):g}-{round(high, 1):g} s" if low else f"<{round(high, 1):g} s"


def _line(row: tuple[str, ...], widths: list[int], charset: Charset) -> Line:
    name, health, *others = row
    before = f"{' ' * _INDENT}{charset.padded(name, widths[0])}  "
    after = "".join(f"  {text:{width}}" for text, width in zip(others, widths[2:], strict=False))
    return (Span(before), Span(health, state(health)), Span(" " * (widths[1] - len(health)) + after))
