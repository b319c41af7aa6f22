"""CSeq: the number and the method of a transaction (RFC 3261 section 20.16)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import TOKEN, parse_number, shown

_CSEQ = re.compile(rf"([0-9]++)[ \t]++({TOKEN})")
_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    """0 to 2**31 - 1"""
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_cseq(text: str) -> CSeq:
    """`text` as number and method; `DecodeError` for a number of 2**31 or more (section 8.1.1.5)."""
    found = _CSEQ.fullmatch(text)
    if found is None:
        raise DecodeError("CSeq", f"{shown(text)} is not NUMBER METHOD")
    return CSeq(parse_number("CSeq", found[1], _MOST), found[2])
