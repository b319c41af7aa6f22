"""A forecast as a drawing: three lanes over the first five minutes, in one `<svg>` element that stands alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tonekeeper.faces.http.page.markup import escape
from tonekeeper.phones.forecast import Forecast
from tonekeeper.phones.phone_machine import WINDOW_S
from tonekeeper.phones.timeline import MomentKind, State, Stretch, shown_seconds

_LABEL, _WIDTH, _LANE, _GAP, _TOP = 110, 600, 22, 8, 24
_COLOURS = {
    State.WORKS: "#2e7d32",
    State.SLOW: "#f9a825",
    State.TRYING: "#90a4ae",
    State.FAILS: "#c62828",
    State.UNKNOWN: "#9e9e9e",
}
_HEIGHTS = {State.WORKS: 1.0, State.SLOW: 0.75, State.TRYING: 0.35, State.FAILS: 0.2, State.UNKNOWN: 0.5}
"""Shares of the lane, for who sees no colours."""
_ON_COLOUR = {State.WORKS: "#fff", State.SLOW: "#000"}
"""Text that stands on a stretch; on the lower ones it stands above."""
_SIGN = 7
"""Width of a letter, generously."""
_SAID = {
    State.WORKS: "works",
    State.SLOW: "works after a silence",
    State.TRYING: "asks in vain",
    State.FAILS: "does not work",
    State.UNKNOWN: "nobody knows",
}
_MARKED = (MomentKind.NOTICED, MomentKind.REGISTERED, MomentKind.STOPPED, MomentKind.UNKNOWN, MomentKind.MENDED)
LANES = ("registration", "outgoing", "incoming")


def draw(forecast: Forecast, title: str) -> str:
    """Colours are never the only sign: a stretch is as high as it is good, and says in words what it is."""
    height = _TOP + len(LANES) * (_LANE + _GAP) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LABEL + _WIDTH + 20} {height}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{escape(title)}</title>',
        *_minutes(height),
        *_stretches(forecast),
        *_marks(forecast, height),
        "</svg>",
    ]
    return "".join(parts)


def legend() -> str:
    """The colours in words, as HTML."""
    shown = (f'<span style="color:{colour}">&#9632;</span> {_SAID[state]}' for state, colour in _COLOURS.items())
    marks = "&#9650; its own request fails, it is registered again, it stops"
    return f"<p>{' &nbsp; '.join((*shown, marks))}</p>"


def _minutes(height: int) -> Iterator[str]:
    for minute in range(6):
        x = _x(60.0 * minute)
        yield f'<line x1="{x:g}" y1="{_TOP - 6}" x2="{x:g}" y2="{height - 16}" stroke="currentColor" opacity=".2"/>'
        yield f'<text x="{x:g}" y="{_TOP - 10}" text-anchor="middle" fill="currentColor">{minute} min</text>'


def _stretches(forecast: Forecast) -> Iterator[str]:
    for row, lane in enumerate(LANES):
        y = _TOP + row * (_LANE + _GAP)
        yield f'<text x="0" y="{y + 15}" fill="currentColor">{lane}</text>'
        for each in getattr(forecast.lanes, lane, ()):
            yield _stretch(each, lane, y)


def _stretch(each: Stretch, lane: str, y: int) -> str:
    """As high as it is good; what it is stands on it where there is room."""
    end = min(each.end_s, WINDOW_S)
    x, width = _x(each.begin_s), _x(end) - _x(each.begin_s)
    height = _LANE * _HEIGHTS[each.state]
    said = _SAID[each.state]
    told = f"{lane}: {said}, {shown_seconds(each.begin_s)} to {shown_seconds(end)}"
    label = ""
    if width > _SIGN * len(said):
        middle, colour = x + width / 2, _ON_COLOUR.get(each.state, "currentColor")
        base = y + _LANE - height / 2 + 4 if each.state in _ON_COLOUR else y + 12
        label = f'<text x="{middle:g}" y="{base:g}" text-anchor="middle" font-size="11" fill="{colour}">{said}</text>'
    return (
        f'<rect x="{x:g}" y="{y + _LANE - height:g}" width="{width:g}" height="{height:g}" '
        f'fill="{_COLOURS[each.state]}"><title>{escape(told)}</title></rect>{label}'
    )


def _marks(forecast: Forecast, height: int) -> Iterator[str]:
    for moment in forecast.timeline:
        if moment.kind in _MARKED and math.isfinite(moment.at_s) and moment.at_s <= WINDOW_S:
            told = escape(f"{shown_seconds(moment.at_s)}: {moment.text}")
            place = f"M{_x(moment.at_s):g} {height - 18} l-5 10 h10 z"
            yield f'<path d="{place}" fill="currentColor"><title>{told}</title></path>'


def _x(seconds: float) -> float:
    return round(_LABEL + _WIDTH * seconds / WINDOW_S, 1)
