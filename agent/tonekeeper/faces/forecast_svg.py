"""A forecast as a drawing: three lanes over the first five minutes, in one `<svg>` element that stands alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tonekeeper.faces.http.page.markup import escape
from tonekeeper.phones.forecast import Forecast
from tonekeeper.phones.phone_machine import WINDOW_S
from tonekeeper.phones.timeline import MomentKind, State, shown_seconds

_LABEL, _WIDTH, _LANE, _GAP, _TOP = 110, 600, 22, 8, 24
_COLOURS = {
    State.WORKS: "#2e7d32",
    State.SLOW: "#f9a825",
    State.TRYING: "#90a4ae",
    State.FAILS: "#c62828",
    State.UNKNOWN: "#9e9e9e",
}
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
    """Colours are never the only sign: each stretch says in a tooltip what it is, for screen readers as well."""
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
    return f"<p>{' &nbsp; '.join(shown)}</p>"


def _minutes(height: int) -> Iterator[str]:
    for minute in range(6):
        x = _x(60.0 * minute)
        yield f'<line x1="{x:g}" y1="{_TOP - 6}" x2="{x:g}" y2="{height - 16}" stroke="#ccc"/>'
        yield f'<text x="{x:g}" y="{_TOP - 10}" text-anchor="middle" fill="currentColor">{minute} min</text>'


def _stretches(forecast: Forecast) -> Iterator[str]:
    for row, lane in enumerate(LANES):
        y = _TOP + row * (_LANE + _GAP)
        yield f'<text x="0" y="{y + 15}" fill="currentColor">{lane}</text>'
        for each in getattr(forecast.lanes, lane, ()):
            end = min(each.end_s, WINDOW_S)
            told = f"{lane}: {_SAID[each.state]}, {shown_seconds(each.begin_s)} to {shown_seconds(end)}"
            yield (
                f'<rect x="{_x(each.begin_s):g}" y="{y}" width="{_x(end) - _x(each.begin_s):g}" height="{_LANE}" '
                f'fill="{_COLOURS[each.state]}"><title>{escape(told)}</title></rect>'
            )


def _marks(forecast: Forecast, height: int) -> Iterator[str]:
    for moment in forecast.timeline:
        if moment.kind in _MARKED and math.isfinite(moment.at_s) and moment.at_s <= WINDOW_S:
            told = escape(f"{shown_seconds(moment.at_s)}: {moment.text}")
            place = f"M{_x(moment.at_s):g} {height - 18} l-5 10 h10 z"
            yield f'<path d="{place}" fill="currentColor"><title>{told}</title></path>'


def _x(seconds: float) -> float:
    return round(_LABEL + _WIDTH * seconds / WINDOW_S, 1)
