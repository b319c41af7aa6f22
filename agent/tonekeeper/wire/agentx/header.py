"""What every AgentX PDU begins with (RFC 2741 section 6.1), and how its numbers are written."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

VERSION = 1
HEADER_OCTETS = 20
MOST_PAYLOAD = 1 << 20
"""Octets: what claims to be longer is no PDU of any master."""
INTERNET = (1, 3, 6, 1)
"""What an OID with a prefix begins with (section 5.1)."""


class Kind(IntEnum):
    OPEN = 1
    CLOSE = 2
    REGISTER = 3
    GET = 5
    GET_NEXT = 6
    GET_BULK = 7
    TEST_SET = 8
    COMMIT_SET = 9
    UNDO_SET = 10
    CLEANUP_SET = 11
    NOTIFY = 12
    PING = 13
    RESPONSE = 18


class Flag(IntEnum):
    NON_DEFAULT_CONTEXT = 0x08
    NETWORK_BYTE_ORDER = 0x10


class Header(NamedTuple):
    kind: Kind
    session: int
    transaction: int
    packet: int
    """What a Response repeats."""
    payload: int
    """Octets behind the header."""
    flags: int


class ByteOrder(NamedTuple):
    """How each kind of number is written."""

    header: Struct
    short: Struct
    word: Struct
    long: Struct
    signed: Struct


def _byte_order(mark: str) -> ByteOrder:
    return ByteOrder(*(Struct(mark + layout) for layout in ("BBBBIIII", "H", "I", "Q", "i")))


NETWORK, LITTLE_ENDIAN = _byte_order(">"), _byte_order("<")
