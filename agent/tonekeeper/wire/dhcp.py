"""DHCP (RFC 2131, RFC 2132): the DISCOVER of somebody who only looks, and the offers that come back.

Nothing here can ask for a lease: of the messages of a client, DHCPDISCOVER is the only one that is written.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import for_people

SERVER_PORT, CLIENT_PORT = 67, 68

_FIXED = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
_COOKIE = bytes.fromhex("63825363")
_REQUEST, _REPLY = 1, 2
_ETHERNET, _MAC_OCTETS = 1, 6
_BROADCAST = 0x8000
"""The flag that has servers answer to all (section 4.1): who has no address yet cannot be sent anything else."""
_PAD, _END = 0, 255
_MASK, _ROUTER, _DNS, _NTP, _LEASE_TIME, _OVERLOAD, _TYPE, _SERVER = 1, 3, 6, 42, 51, 52, 53, 54
_ASKED_FOR, _TFTP_NAME, _TFTP_ADDRESSES, _PROVISIONING = 55, 66, 150, 160
_DISCOVER = 1
_IN_FILE, _IN_NAME = 1, 2
"""What option 52 says: more options stand in the field of the boot file, of the server's name, or (3) both."""
_WANTED = bytes((_MASK, _ROUTER, _DNS, _NTP, _LEASE_TIME, _SERVER, _TFTP_NAME, _TFTP_ADDRESSES, _PROVISIONING))
_LEAST = 300
"""Octets: old relays drop what is shorter than a BOOTP message (RFC 1542 section 2.1)."""

OFFER = 2


@dataclass(frozen=True, slots=True)
class DhcpReply:
    """What a server says. Empty and None where it did not say it."""

    transaction: int
    """32 bits"""
    client: str
    """MAC address, as 00:15:65:aa:bb:cc."""
    kind: int
    """Of message (option 53): 2 is an offer."""
    offered: str
    """Numeric address, "0.0.0.0" where none is offered."""
    server: str
    routers: tuple[str, ...]
    resolvers: tuple[str, ...]
    lease_s: int | None
    provisioning: tuple[tuple[int, str], ...]
    """Where phones are told to get their configuration: option 66, 150 or 160, and what stands there."""


def encode_discover(transaction: int, mac: str) -> bytes:
    """`mac` as 00:15:65:aa:bb:cc. Answers are asked for as broadcasts."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    fixed = _FIXED.pack(
        *(_REQUEST, _ETHERNET, _MAC_OCTETS, 0, transaction, 0, _BROADCAST),
        *(bytes(4),) * 4,
        *(hardware, b"", b"", _COOKIE),
    )
    options = bytes((_TYPE, 1, _DISCOVER, _ASKED_FOR, len(_WANTED))) + _WANTED + bytes((_END,))
    return (fixed + options).ljust(_LEAST, b"\0")


def decode_dhcp_reply(data: bytes) -> DhcpReply:
    """The message of a server in one datagram; `DecodeError` for anything else, that of a client included."""
    if len(data) < _FIXED.size:
        raise DecodeError("DHCP reply", f"{len(data)} octets are fewer than the {_FIXED.size} of its fixed part")
    operation, medium, size, _, transaction, _, _, _, offered, _, _, hardware, name, file, cookie = _FIXED.unpack_from(
        data
    )
    if operation != _REPLY:
        raise DecodeError("DHCP reply", f"its operation is {operation}, and a server's is {_REPLY}")
    if (medium, size) != (_ETHERNET, _MAC_OCTETS):
        raise DecodeError("DHCP reply", f"hardware of type {medium} with {size} octets is no Ethernet")
    if cookie != _COOKIE:
        raise DecodeError("DHCP reply", "it has no options, so it is BOOTP")
    options = _options(data[_FIXED.size :], file, name)
    return DhcpReply(
        transaction=transaction,
        client=hardware[:_MAC_OCTETS].hex(":"),
        kind=_number(options, _TYPE, 1) or 0,
        offered=str(ipaddress.IPv4Address(offered)),
        server=next(iter(_addresses(options, _SERVER)), ""),
        routers=_addresses(options, _ROUTER),
        resolvers=_addresses(options, _DNS),
        lease_s=_number(options, _LEASE_TIME, 4),
        provisioning=_provisioning(options),
    )


def _options(data: bytes, file: bytes, name: bytes) -> dict[int, bytes]:
    """By number. What stands in several pieces is one value (RFC 3396)."""
    found: dict[int, bytes] = {}
    _read_options(data, found)
    overloaded = _number(found, _OVERLOAD, 1) or 0
    if overloaded & _IN_FILE:
        _read_options(file, found)
    if overloaded & _IN_NAME:
        _read_options(name, found)
    return found


def _read_options(data: bytes, found: dict[int, bytes]) -> None:
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else -1
        value = data[at + 2 : at + 2 + length]
        if len(value) != length:
            raise DecodeError("DHCP reply", f"its option {data[at]} is cut off")
        found[data[at]] = found.get(data[at], b"") + value
        at += 2 + length


def _number(options: dict[int, bytes], option: int, octets: int) -> int | None:
    value = options.get(option)
    if value is None:
        return None
    if len(value) != octets:
        raise DecodeError("DHCP reply", f"its option {option} has {len(value)} octets, not {octets}")
    return int.from_bytes(value, "big")


def _addresses(options: dict[int, bytes], option: int) -> tuple[str, ...]:
    value = options.get(option, b"")
    if len(value) % 4:
        raise DecodeError("DHCP reply", f"its option {option} has {len(value)} octets, and an address has 4")
    return tuple(str(ipaddress.IPv4Address(value[at : at + 4])) for at in range(0, len(value), 4))


def _provisioning(options: dict[int, bytes]) -> tuple[tuple[int, str], ...]:
    found = []
    for option in (_TFTP_NAME, _PROVISIONING):
        if text := options.get(option, b"").rstrip(b"\0"):
            found.append((option, for_people(text.decode("latin-1"))))
    if servers := _addresses(options, _TFTP_ADDRESSES):
        found.append((_TFTP_ADDRESSES, ", ".join(servers)))
    return tuple(found)
