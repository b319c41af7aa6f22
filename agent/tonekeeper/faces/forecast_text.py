"""A forecast as text: when what works again, and a drawing of the first five minutes, in 80 columns without colour."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from tonekeeper.faces.profile_text import printable_lines
from tonekeeper.phones.forecast import Forecast, Span
from tonekeeper.phones.phone_machine import WINDOW_S
from tonekeeper.phones.timeline import Moment, State, Stretch, shown_seconds

WIDTH = 80
MARKS = 60
_LABEL = 14
_SIGNS = {State.WORKS: "#", State.SLOW: "~", State.TRYING: ":", State.FAILS: ".", State.UNKNOWN: "?"}
_LEGEND = "# works   ~ after a silence   : asks in vain   . does not work   ? nobody knows"
ROWS = {
    "noticed_s": "its own request fails",
    "registered_again_s": "registered again",
    "outgoing_s": "an outgoing call rings",
    "incoming_s": "incoming calls work",
}
NOT_BY_ITSELF = "not by itself"
"""Somebody has to mend something."""
NEVER = {"noticed_s": "not at all"}


def render_forecasts(forecasts: Sequence[tuple[str, Forecast]]) -> str:
    """Each under its title: as it is, and as tuned."""
    lines: list[str] = []
    for title, each in forecasts:
        if lines:
            lines.append("")
        lines += _one(title, each)
    return printable_lines(lines)


def _one(title: str, forecast: Forecast) -> Iterator[str]:
    expiry = "unknown" if forecast.expiry_s is None else shown_seconds(forecast.expiry_s)
    yield title.upper()
    servers = f"{len(forecast.servers)} server{'s' if len(forecast.servers) != 1 else ''}"
    yield f"{forecast.profile}, {servers}, expiry {expiry}; {forecast.incident.kind}"
    yield ""
    yield f"{'':26}{'luckiest':>14}{'half of them':>16}{'unluckiest':>14}"
    for name, label in ROWS.items():
        yield f"{label:26}{_span(getattr(forecast, name), NEVER.get(name, NOT_BY_ITSELF))}"
    if forecast.lanes is not None:
        yield ""
        yield from _drawing(forecast)
        yield ""
        yield "A PHONE IN THE MIDDLE"
        for moment in forecast.timeline:
            yield from _moment(moment)
    yield from _basis(forecast)


def _span(span: Span | None, never: str) -> str:
    if span is None:
        return f"{'unknown':>14}"
    return "".join(f"{shown_time(each, never):>{width}}" for each, width in zip(_of(span), (14, 16, 14), strict=True))


def _of(span: Span) -> tuple[float, float, float]:
    return (span.least, span.median, span.worst)


def shown_time(seconds: float, never: str) -> str:
    """`never`: what to say of a time that does not come."""
    if math.isinf(seconds):
        return never
    return "at once" if seconds < 1.0 else shown_seconds(seconds)


def _drawing(forecast: Forecast) -> Iterator[str]:
    assert forecast.lanes is not None
    minutes = "".join(f"{minute:<{MARKS // 5}}" for minute in range(5))
    yield f"{'minutes':{_LABEL}}{minutes}5"
    for label in ("registration", "outgoing", "incoming"):
        yield f"{label:{_LABEL}}{marks(getattr(forecast.lanes, label))}"
    yield _LEGEND


def marks(stretches: Sequence[Stretch]) -> str:
    """One sign for each five seconds: the state at their end, when everything in them has happened."""
    signs = []
    for index in range(MARKS):
        at = (index + 1) * WINDOW_S / MARKS - 1e-6
        state = next((each.state for each in stretches if each.begin_s <= at < each.end_s), State.UNKNOWN)
        signs.append(_SIGNS[state])
    return "".join(signs)


def _moment(moment: Moment) -> list[str]:
    return textwrap.wrap(f"{shown_seconds(moment.at_s):>12}  {moment.text}", WIDTH, subsequent_indent=" " * 14)


def _basis(forecast: Forecast) -> Iterator[str]:
    told = {
        "NO FAILOVER WITHOUT": forecast.lacking,
        "UNKNOWN": forecast.unknown,
        "ASSUMED": forecast.assumed,
        "LEANS ON WEAK FACTS": forecast.weak,
    }
    for heading, texts in told.items():
        if texts:
            yield ""
            yield heading
        for text in texts:
            yield from textwrap.wrap(f"  {text}", WIDTH, subsequent_indent="  ")
