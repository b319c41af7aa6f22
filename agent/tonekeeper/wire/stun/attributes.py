"""The attributes in use, as a table: type, field of the message, how its value is read and written.

RFC 8489 section 14, RFC 5780 section 7, and one of RFC 8656. A reader gets the value without padding and the
transaction id, and raises `DecodeError`; a writer is its inverse.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, NamedTuple

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import ChangeRequest, ErrorCode

MAGIC_COOKIE = bytes.fromhex("2112a442")
MESSAGE_INTEGRITY = 0x0008
MESSAGE_INTEGRITY_SHA256 = 0x001C
FINGERPRINT = 0x8028

_FAMILY_LENGTHS = {1: 4, 2: 16}
_CHANGE_ADDRESS, _CHANGE_PORT = 0x4, 0x2
_MOST_TEXT = 763
"""Octets of a text: 127 characters of UTF-8 (RFC 8489 section 14.14)."""
_MOST_SHOWN = 127


class AttributeKind(NamedTuple):
    type: int
    name: str
    field: str
    """Of StunMessage."""
    read: Callable[[bytes, bytes], Any]
    write: Callable[[Any, bytes], bytes]


def _read_address(value: bytes, _transaction_id: bytes) -> Endpoint:
    length = _FAMILY_LENGTHS.get(value[1]) if len(value) >= 4 else None
    if length is None or len(value) != 4 + length:
        raise DecodeError("STUN address", f"{value[:20].hex()} is neither an IPv4 nor an IPv6 address and a port")
    return Endpoint(str(ipaddress.ip_address(value[4:])), int.from_bytes(value[2:4], "big"))


def _write_address(endpoint: Endpoint, _transaction_id: bytes) -> bytes:
    address = ipaddress.ip_address(endpoint.host)
    return bytes((0, 1 if address.version == 4 else 2)) + endpoint.port.to_bytes(2, "big") + address.packed


def _xored(value: bytes, transaction_id: bytes) -> bytes:
    """The port with the first half of the cookie, the address with cookie and transaction id (section 14.2)."""
    mask = bytes(2) + MAGIC_COOKIE[:2] + MAGIC_COOKIE + transaction_id
    return bytes(octet ^ with_ for octet, with_ in zip(value, mask, strict=False))


def _read_xor_address(value: bytes, transaction_id: bytes) -> Endpoint:
    if len(value) > 20:
        raise DecodeError("STUN address", f"{len(value)} octets are too many for an address and a port")
    return _read_address(_xored(value, transaction_id), transaction_id)


def _write_xor_address(endpoint: Endpoint, transaction_id: bytes) -> bytes:
    return _xored(_write_address(endpoint, transaction_id), transaction_id)


def _read_change_request(value: bytes, _transaction_id: bytes) -> ChangeRequest:
    if len(value) != 4:
        raise DecodeError("CHANGE-REQUEST", f"{len(value)} octets instead of 4")
    return ChangeRequest(bool(value[3] & _CHANGE_ADDRESS), bool(value[3] & _CHANGE_PORT))


def _write_change_request(change: ChangeRequest, _transaction_id: bytes) -> bytes:
    return bytes((0, 0, 0, _CHANGE_ADDRESS * change.address | _CHANGE_PORT * change.port))


def _read_response_port(value: bytes, _transaction_id: bytes) -> int:
    """The two octets after the port belong to the value (RFC 5780 section 7.5); some senders count them as padding."""
    if len(value) not in (2, 4):
        raise DecodeError("RESPONSE-PORT", f"{len(value)} octets instead of 4")
    return int.from_bytes(value[:2], "big")


def _write_response_port(port: int, _transaction_id: bytes) -> bytes:
    return port.to_bytes(2, "big") + bytes(2)


def _read_requested_transport(value: bytes, _transaction_id: bytes) -> int:
    if len(value) != 4:
        raise DecodeError("REQUESTED-TRANSPORT", f"{len(value)} octets instead of 4")
    return value[0]


def _write_requested_transport(protocol: int, _transaction_id: bytes) -> bytes:
    return bytes((protocol, 0, 0, 0))


def _read_padding(value: bytes, _transaction_id: bytes) -> int:
    return len(value)


def _write_padding(octets: int, _transaction_id: bytes) -> bytes:
    return bytes(octets)


def _read_text(value: bytes, _transaction_id: bytes) -> str:
    if len(value) > _MOST_TEXT:
        raise DecodeError("STUN text", f"{len(value)} octets are more than {_MOST_TEXT}")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise DecodeError("STUN text", f"{value[:20].hex()} is not UTF-8") from None


def _write_text(text: str, _transaction_id: bytes) -> bytes:
    return text.encode()


def _for_people(value: bytes) -> str:
    """What a stranger wrote, fit for a terminal and a log: bounded, and nothing in it that is not printed."""
    text = value[:_MOST_TEXT].decode(errors="replace")[:_MOST_SHOWN]
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _read_software(value: bytes, _transaction_id: bytes) -> str:
    return _for_people(value)


def _read_error_code(value: bytes, _transaction_id: bytes) -> ErrorCode:
    if len(value) < 4:
        raise DecodeError("ERROR-CODE", f"{len(value)} octets are too few")
    hundreds, rest = value[2] & 0x7, value[3]
    if not (3 <= hundreds <= 6 and rest <= 99):
        raise DecodeError("ERROR-CODE", f"class {hundreds} and number {rest} make no code between 300 and 699")
    return ErrorCode(hundreds * 100 + rest, _for_people(value[4:]))


def _write_error_code(error: ErrorCode, _transaction_id: bytes) -> bytes:
    return bytes((0, 0, *divmod(error.code, 100))) + error.reason.encode()


def _read_unknown_attributes(value: bytes, _transaction_id: bytes) -> tuple[int, ...]:
    if len(value) % 2:
        raise DecodeError("UNKNOWN-ATTRIBUTES", f"{len(value)} octets are no list of types")
    return tuple(int.from_bytes(value[at : at + 2], "big") for at in range(0, len(value), 2))


def _write_unknown_attributes(types: tuple[int, ...], _transaction_id: bytes) -> bytes:
    return b"".join(type_.to_bytes(2, "big") for type_ in types)


KINDS = (
    AttributeKind(0x8022, "SOFTWARE", "software", _read_software, _write_text),
    AttributeKind(0x0009, "ERROR-CODE", "error", _read_error_code, _write_error_code),
    AttributeKind(
        0x000A, "UNKNOWN-ATTRIBUTES", "unknown_attributes", _read_unknown_attributes, _write_unknown_attributes
    ),
    AttributeKind(0x0020, "XOR-MAPPED-ADDRESS", "xor_mapped_address", _read_xor_address, _write_xor_address),
    AttributeKind(0x0001, "MAPPED-ADDRESS", "mapped_address", _read_address, _write_address),
    AttributeKind(0x802B, "RESPONSE-ORIGIN", "response_origin", _read_address, _write_address),
    AttributeKind(0x802C, "OTHER-ADDRESS", "other_address", _read_address, _write_address),
    AttributeKind(0x0003, "CHANGE-REQUEST", "change_request", _read_change_request, _write_change_request),
    AttributeKind(0x0027, "RESPONSE-PORT", "response_port", _read_response_port, _write_response_port),
    AttributeKind(
        0x0019, "REQUESTED-TRANSPORT", "requested_transport", _read_requested_transport, _write_requested_transport
    ),
    AttributeKind(0x0026, "PADDING", "padding", _read_padding, _write_padding),
    AttributeKind(0x0006, "USERNAME", "username", _read_text, _write_text),
    AttributeKind(0x0014, "REALM", "realm", _read_text, _write_text),
    AttributeKind(0x0015, "NONCE", "nonce", _read_text, _write_text),
)
"""In the order they are written."""

BY_TYPE = {kind.type: kind for kind in KINDS}
