"""Reading the journal on from a place: places, and the marks between its lines that say where an answer stands.

    {"cursor":"8:0","older_gone":false}     the first line: what follows begins here
    {"journal":3,...}  {"at":...}  ...      lines of the journal, as they are
    {"dropped":117,"segment":8}             so many bytes: the end of a segment was broken, or it was removed meanwhile
    {"cursor":"8:512","more":true}          the last line: go on from here

A place is a segment and how many of its lines come before; it never means another line, whatever is written or removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from tonekeeper.errors import DecodeError

_PLACE = re.compile(r"([0-9]{1,12}):([0-9]{1,12})")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    segment: int
    line: int

    def __str__(self) -> str:
        return f"{self.segment}:{self.line}"


Since = Place | float | None
"""A place; or seconds back from now; or all that is left."""


class JournalReader(Protocol):
    """Gives lines and marks, without newlines. To be walked over in a thread of its own."""

    def __call__(self, since: Since) -> Iterator[bytes]: ...


def read_since(text: str) -> Since:
    """`3600`, `8:512`, or nothing; DecodeError otherwise."""
    if not text:
        return None
    if place := _PLACE.fullmatch(text):
        return Place(int(place[1]), int(place[2]))
    if _SECONDS.fullmatch(text):
        return float(text)
    raise DecodeError("since", f"{text[:40]!r} is neither seconds, such as 3600, nor a cursor, such as 8:512")


def write_beginning(place: Place, *, older_gone: bool) -> bytes:
    return msgspec.json.encode({"cursor": str(place), "older_gone": older_gone})


def write_dropped(segment: int, size: int) -> bytes:
    return msgspec.json.encode({"dropped": size, "segment": segment})


def write_end(place: Place, *, more: bool) -> bytes:
    return msgspec.json.encode({"cursor": str(place), "more": more})
