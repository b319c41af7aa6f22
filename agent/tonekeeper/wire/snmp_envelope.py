"""The outside of an SNMP message: as much of it as tells whether the rest is worth the work of reading it.

BER as RFC 3417 section 8 restricts it: definite lengths, tags of one octet. RFC 1901 and RFC 3412 section 6 say what
stands in it.
"""

from __future__ import annotations

from typing import NamedTuple

from tonekeeper.errors import DecodeError

V2C, V3 = 1, 3
_INTEGER, _OCTET_STRING, _SEQUENCE = 0x02, 0x04, 0x30
_LONGEST_LENGTH = 4
"""Octets of a length in its long form."""


class Envelope(NamedTuple):
    version: int
    """1: SNMPv2c; 3: SNMPv3."""
    community: bytes = b""
    """Of SNMPv2c."""
    engine_id: bytes = b""
    """Of SNMPv3: which engine is asked; empty where that is to be found out (RFC 3414 section 4)."""


class _Element(NamedTuple):
    tag: int
    content: bytes
    rest: bytes
    """What stands behind it."""


def decode_envelope(datagram: bytes) -> Envelope:
    """`DecodeError` for what is no message of a version that we know."""
    message = _expect(_SEQUENCE, datagram)
    if message.rest:
        raise DecodeError("SNMP message", "octets behind its end")
    version = _expect(_INTEGER, message.content)
    match version.content:
        case b"\x01":
            return Envelope(V2C, community=_expect(_OCTET_STRING, version.rest).content)
        case b"\x03":
            header = _expect(_SEQUENCE, version.rest)
            security = _expect(_SEQUENCE, _expect(_OCTET_STRING, header.rest).content)
            return Envelope(V3, engine_id=_expect(_OCTET_STRING, security.content).content)
        case other:
            raise DecodeError("SNMP message", f"version {other.hex() or 'missing'}")


def _expect(tag: int, data: bytes) -> _Element:
    element = _element(data)
    if element.tag != tag:
        raise DecodeError("SNMP message", f"tag {element.tag:#04x} instead of {tag:#04x}")
    return element


def _element(data: bytes) -> _Element:
    if len(data) < 2:
        raise DecodeError("SNMP message", "it ends too early")
    length, at = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count <= _LONGEST_LENGTH or len(data) < at + count:
            raise DecodeError("SNMP message", f"a length of {count} octets")
        length, at = int.from_bytes(data[at : at + count]), at + count
    if len(data) < at + length:
        raise DecodeError("SNMP message", "it ends too early")
    return _Element(data[0], data[at : at + length], data[at + length :])
