"""How an HTTP answer begins: status and the header fields that give an interceptor away (RFC 9112).

Not for serving anybody: faces speak HTTP by a library. Here a stranger has answered in the name of an address where
nobody can be, and only the first lines of that are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.http_date import parse_date
from tonekeeper.wire.sip.grammar import for_people

LONGEST_HEAD = 8192
"""Octets."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: ([^\r\n]*))?")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    """100-599"""
    reason: str
    location: str
    """Empty where there is none; so are these two."""
    server: str
    via: str
    date: int | None
    """Unix seconds; None where there is none, or none that can be read."""


def is_whole_head(data: bytes) -> bool:
    """Whether more octets could not change what `decode_http_answer` reads."""
    return b"\r\n\r\n" in data or b"\n\n" in data or len(data) >= LONGEST_HEAD


def decode_http_answer(data: bytes) -> HttpAnswer:
    """What `data` begins with; `DecodeError` where that is no answer of HTTP/1. A head that breaks off is read."""
    head = data[:LONGEST_HEAD].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    first, *fields = head.split(b"\n")
    found = _STATUS_LINE.fullmatch(first)
    if found is None:
        raise DecodeError("HTTP answer", f"{first[:32]!r} is no status line")
    return HttpAnswer(
        status=int(found[1]),
        reason=for_people((found[2] or b"").decode("latin-1")),
        location=_field(fields, b"location"),
        server=_field(fields, b"server"),
        via=_field(fields, b"via"),
        date=_date(_field(fields, b"date")),
    )


def _field(fields: Sequence[bytes], name: bytes) -> str:
    """The first value, fit to be shown."""
    for field in fields:
        key, colon, value = field.partition(b":")
        if colon and key.lower() == name:
            return for_people(value.strip(b" \t").decode("latin-1"))
    return ""


def _date(text: str) -> int | None:
    try:
        return parse_date(text)
    except DecodeError:
        return None
