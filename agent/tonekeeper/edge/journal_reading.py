"""The journal of a running agent, read from where somebody left off, while it goes on being written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from tonekeeper.core.journal_reading import Place, Since, write_beginning, write_dropped, write_end
from tonekeeper.edge.files import JournalView, Segment, TornLine, read_segment
from tonekeeper.errors import EdgeError

MOST_BYTES = 1024 * 1024
"""Of one answer, before compression; a line more at most."""


@dataclass(frozen=True, slots=True)
class _Dated:
    wall: float


def read_on(view: JournalView, since: Since, now: float) -> Iterator[bytes]:
    """Lines and marks (core/journal_reading.py). `now`: seconds since 1970. What cannot be read is told as dropped.

    With seconds it begins at the head of the segment that holds that moment, so that it can be replayed.
    """
    begin, older_gone = _begin(view, since, now)
    yield write_beginning(begin, older_gone=older_gone)
    place, left = begin, MOST_BYTES
    for segment in view.segments:
        if segment.number < begin.segment:
            continue
        place = begin if segment.number == begin.segment else Place(segment.number, 0)
        for number, line in enumerate(_lines(view, segment)):
            if isinstance(line, TornLine):
                yield write_dropped(segment.number, line.size)
            elif number >= place.line:
                if left <= 0:
                    yield write_end(place, more=True)
                    return
                yield line
                place = Place(segment.number, number + 1)
                left -= len(line) + 1
    yield write_end(place, more=False)


def _begin(view: JournalView, since: Since, now: float) -> tuple[Place, bool]:
    """Where to begin, and whether something before it was asked for and is gone."""
    if not view.segments:
        return (since, False) if isinstance(since, Place) else (Place(1, 0), False)
    oldest = view.segments[0].number
    match since:
        case Place():
            if oldest <= since.segment <= view.segments[-1].number:
                return since, False
            return Place(oldest, 0), True
        case float():
            return _begin_at(view, now - since)
        case None:
            return Place(oldest, 0), oldest > 1


def _begin_at(view: JournalView, wanted: float) -> tuple[Place, bool]:
    for segment in reversed(view.segments):
        head = next(iter(_lines(view, segment)), None)
        if isinstance(head, bytes) and _wall(head) <= wanted:
            return Place(segment.number, 0), False
    oldest = view.segments[0].number
    return Place(oldest, 0), oldest > 1


def _wall(head: bytes) -> float:
    try:
        return msgspec.json.decode(head, type=_Dated).wall
    except msgspec.MsgspecError:
        return float("inf")


def _lines(view: JournalView, segment: Segment) -> Iterator[bytes | TornLine]:
    """What was written of it when `view` was taken, then what waited in memory, where it is the latest one."""
    try:
        yield from read_segment(segment.path, segment.size)
    except EdgeError:
        yield TornLine(segment.size)  # removed meanwhile to make room
    if segment is view.segments[-1]:
        yield from view.waiting.split(b"\n")[:-1]
