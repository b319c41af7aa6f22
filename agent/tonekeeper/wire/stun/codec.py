"""STUN messages from and to octets (RFC 8489 section 5)."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from typing import Any

from tonekeeper.errors import DecodeError
from tonekeeper.wire.stun.attributes import (
    BY_TYPE,
    FINGERPRINT,
    KINDS,
    MAGIC_COOKIE,
    MESSAGE_INTEGRITY,
    MESSAGE_INTEGRITY_SHA256,
)
from tonekeeper.wire.stun.message import Attribute, StunClass, StunMessage

HEADER = 20
_FINGERPRINT_LENGTH = 8
_FINGERPRINT_XOR = 0x5354554E


def looks_like_stun(data: bytes) -> bool:
    """Whether a datagram on a shared socket belongs to this codec (RFC 8489 section 6.3, RFC 7983)."""
    return len(data) >= HEADER and data[0] < 0x40 and data[4:8] == MAGIC_COOKIE


def decode_stun(data: bytes) -> StunMessage:
    """The message in one datagram. `DecodeError` for anything else, and where a FINGERPRINT is wrong."""
    _check_header(data)
    stun_class, method = _class_and_method(int.from_bytes(data[:2], "big"))
    transaction_id = data[8:HEADER]
    fields: dict[str, Any] = {}
    others: list[Attribute] = []
    for type_, value in _covered_attributes(data):
        kind = BY_TYPE.get(type_)
        if kind is None:
            others.append(Attribute(type_, value))
        elif kind.field not in fields:
            fields[kind.field] = kind.read(value, transaction_id)
    return StunMessage(stun_class, transaction_id, method, others=tuple(others), **fields)


def encode_stun(message: StunMessage, *, integrity_key: bytes | None = None, fingerprint: bool = True) -> bytes:
    """The octets of a message; with MESSAGE-INTEGRITY (section 14.5) where a key is given."""
    body = b"".join(_encoded_attributes(message))
    if integrity_key is not None:
        from tonekeeper.wire.stun.integrity import message_integrity  # noqa: PLC0415 - loads OpenSSL, rarely needed

        covered = _header(message, len(body) + 24) + body
        body += _attribute(MESSAGE_INTEGRITY, message_integrity(covered, integrity_key))
    if fingerprint:
        covered = _header(message, len(body) + _FINGERPRINT_LENGTH) + body
        body += _attribute(FINGERPRINT, _fingerprint(covered))
    return _header(message, len(body)) + body


def attributes_of(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, place of the attribute's own header, and value, of all attributes, in order."""
    at = HEADER
    while at < len(data):
        if at + 4 > len(data):
            raise DecodeError("STUN message", "the last attribute has no complete header")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 4 + length
        if end + -length % 4 > len(data):
            raise DecodeError("STUN message", f"an attribute of {length} octets goes beyond the end")
        yield int.from_bytes(data[at : at + 2], "big"), at, data[at + 4 : end]
        at = end + -length % 4


def _check_header(data: bytes) -> None:
    if len(data) < HEADER:
        raise DecodeError("STUN message", f"{len(data)} octets are fewer than a header")
    if data[0] & 0xC0 or data[4:8] != MAGIC_COOKIE:
        raise DecodeError("STUN message", f"it begins with {data[:8].hex()}, which no STUN message does")
    length = int.from_bytes(data[2:4], "big")
    if length % 4 or length != len(data) - HEADER:
        raise DecodeError("STUN message", f"length {length} does not fit the {len(data) - HEADER} octets that follow")


def _class_and_method(type_: int) -> tuple[StunClass, int]:
    """The class is bits 8 and 4, the method all others (section 5, figure 3)."""
    stun_class = StunClass((type_ >> 7) & 0b10 | (type_ >> 4) & 0b01)
    return stun_class, (type_ & 0x3E00) >> 2 | (type_ & 0x00E0) >> 1 | type_ & 0x000F


def _type(stun_class: StunClass, method: int) -> int:
    in_place = (method & 0xF80) << 2 | (method & 0x070) << 1 | method & 0x00F
    return in_place | (stun_class & 0b10) << 7 | (stun_class & 0b01) << 4


def _covered_attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Those that count: after MESSAGE-INTEGRITY only a FINGERPRINT is looked at, and it must be right and last."""
    integrity_seen = False
    for type_, at, value in attributes_of(data):
        if type_ == FINGERPRINT:
            _check_fingerprint(data, at, value)
        elif type_ in (MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256):
            integrity_seen = True
        elif not integrity_seen:
            yield type_, value


def _check_fingerprint(data: bytes, at: int, value: bytes) -> None:
    if at + _FINGERPRINT_LENGTH != len(data):
        raise DecodeError("FINGERPRINT", "it is not the last attribute")
    if value != _fingerprint(data[:at]):
        raise DecodeError(
            "FINGERPRINT", f"{value.hex()} does not fit the message, {_fingerprint(data[:at]).hex()} does"
        )


def _fingerprint(covered: bytes) -> bytes:
    return (crc32(covered) ^ _FINGERPRINT_XOR).to_bytes(4, "big")


def _header(message: StunMessage, length: int) -> bytes:
    type_ = _type(message.stun_class, message.method)
    return type_.to_bytes(2, "big") + length.to_bytes(2, "big") + MAGIC_COOKIE + message.transaction_id


def _encoded_attributes(message: StunMessage) -> Iterator[bytes]:
    for kind in KINDS:
        value = getattr(message, kind.field)
        if value is not None and value != ():
            yield _attribute(kind.type, kind.write(value, message.transaction_id))
    for other in message.others:
        yield _attribute(other.type, other.value)


def _attribute(type_: int, value: bytes) -> bytes:
    return type_.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + bytes(-len(value) % 4)
