"""A STUN message as a value (RFC 8489), with the attributes of behaviour discovery (RFC 5780)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from tonekeeper.wire.endpoint import Endpoint

BINDING = 0x001
"""The only method in use here (RFC 8489 section 18.2)."""
TCP = 6
"""In REQUESTED-TRANSPORT."""


class StunClass(IntEnum):
    """RFC 8489 section 5."""

    REQUEST = 0b00
    INDICATION = 0b01
    SUCCESS = 0b10
    ERROR = 0b11


class ChangeRequest(NamedTuple):
    """From where the answer shall come instead (RFC 5780 section 7.2)."""

    address: bool
    port: bool


class ErrorCode(NamedTuple):
    """RFC 8489 section 14.8."""

    code: int
    """300-699"""
    reason: str


class Attribute(NamedTuple):
    """One that has no field of its own."""

    type: int
    value: bytes


@dataclass(frozen=True, slots=True)
class StunMessage:
    """Of an attribute that occurs more than once, the first counts (RFC 8489 section 14)."""

    stun_class: StunClass
    transaction_id: bytes
    """12 octets."""
    method: int = BINDING
    mapped_address: Endpoint | None = None
    xor_mapped_address: Endpoint | None = None
    change_request: ChangeRequest | None = None
    response_port: int | None = None
    requested_transport: int | None = None
    """IANA protocol number (RFC 8656 section 18.7)."""
    padding: int | None = None
    """Octets of PADDING."""
    response_origin: Endpoint | None = None
    other_address: Endpoint | None = None
    username: str | None = None
    realm: str | None = None
    nonce: str | None = None
    software: str | None = None
    error: ErrorCode | None = None
    unknown_attributes: tuple[int, ...] = ()
    """What the server did not understand (420)."""
    others: tuple[Attribute, ...] = ()
    """In the order they came, without MESSAGE-INTEGRITY, FINGERPRINT and what followed them."""

    @property
    def not_understood(self) -> tuple[int, ...]:
        """Types of attributes that must be understood and are not (section 6.3.1): what a server answers 420 with."""
        return tuple(other.type for other in self.others if other.type < 0x8000)

    @property
    def mapped(self) -> Endpoint | None:
        """Our address as the server saw it: XOR-MAPPED-ADDRESS, from an old server MAPPED-ADDRESS."""
        return self.xor_mapped_address or self.mapped_address


def binding_request(
    transaction_id: bytes,
    *,
    change_request: ChangeRequest | None = None,
    response_port: int | None = None,
    requested_transport: int | None = None,
) -> StunMessage:
    """With `requested_transport` the answer is wanted over the connection from `response_port` of the same host: what
    our reflector does, and what a server that knows RFC 8489 and 5780 alone answers 420 to."""
    return StunMessage(
        StunClass.REQUEST,
        transaction_id,
        change_request=change_request,
        response_port=response_port,
        requested_transport=requested_transport,
    )
