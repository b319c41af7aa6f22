"""Screens as a person sees them: the characters of a frame, and a terminal that shows what was written to it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pyte

from tests.unit.faces import reports
from tonekeeper.core.report import Report
from tonekeeper.faces.watch.cells import Charset, Frame, charset_of
from tonekeeper.faces.watch.screen import Size, draw
from tonekeeper.faces.watch.sight import Sight
from tonekeeper.faces.watch.view import View

UTF8, ASCII = charset_of("utf-8"), charset_of("ascii")
ONE_O_CLOCK = 1_700_010_000.0
"""Tuesday, 2023-11-14 01:00 UTC: when the report was given."""


def sight(report: Report) -> Sight:
    return Sight("http://127.0.0.1:8642", 2.0, 0).answered(report, ONE_O_CLOCK)


def text(frame: Frame) -> str:
    return "\n".join("".join(sign for sign, _ in row).rstrip() for row in frame.rows) + "\n"


def screen(report: Report, columns: int = 80, rows: int = 24, charset: Charset = UTF8, view: View | None = None) -> str:
    return text(draw(sight(report), view or View(), Size(columns, rows), charset))


def crowded(sbcs: int = 8, wans: int = 4) -> Report:
    """A large site: the first SBC is silent, the second one active, one path of the last one down."""
    start = reports.large(sbcs)
    names = ["fibre", "lte", "cable", "satellite", *(f"wan-{number}" for number in range(5, wans + 1))][:wans]
    all_wans = tuple(replace(start.wans[0], name=name) for name in names)
    all_sbcs = tuple(
        replace(sbc, active=sbc.name == "sbc-1", paths=tuple(replace(sbc.paths[0], wan=name) for name in names))
        for sbc in start.sbcs
    )
    last = all_sbcs[-1]
    bad = replace(last.paths[0], state=start.sbcs[0].paths[0].state, loss=1.0)
    all_sbcs = (*all_sbcs[:-1], replace(last, paths=(bad, *last.paths[1:])))
    return replace(start, wans=all_wans, sbcs=all_sbcs, active=replace(start.active, sbc="sbc-1"))


PACE = {"uptime_s": 1, "since_s": 1, "ago_s": 1, "age_s": 1, "last_reply_s": 1, "failback_s": -1, "suppressed_s": -1}
"""What time does to a number of the report."""


def later(report: Report, seconds: float) -> Report:
    """The same report `seconds` later, when nothing has happened."""
    return msgspec.convert(_aged(msgspec.to_builtins(report), seconds), Report)


def _aged(document: object, seconds: float, pace: int = 0) -> object:
    match document:
        case dict():
            return {key: _aged(value, seconds, PACE.get(key, 0)) for key, value in document.items()}
        case list() | tuple():
            return [_aged(value, seconds) for value in document]
        case float():
            return document + seconds * pace
        case _:
            return document


class Glass:
    """A terminal, as pyte imitates one: bytes in, characters and their colours out."""

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, received: bytes) -> None:
        self._stream.feed(received)

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display) + "\n"

    def colour(self, row: int, column: int) -> str:
        return self._screen.buffer[row][column].fg
