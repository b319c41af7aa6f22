"""Messages about routes, read without detours: a router may have a million of them, and announce each change.

What struct rtmsg says stands at fixed places, so that a route of no interest costs a look at some bytes of it.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from tonekeeper.edge.netlink.exchange import HEADER, Message, attribute, attributes, packed_attribute

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTN_UNICAST = 1
RTPROT_KERNEL = 2

_RTMSG = struct.Struct("=BBBBBBBBI")
_RTNEXTHOP = struct.Struct("=HBBi")
_NUMBER = struct.Struct("=I")
_FAMILY_SIZE = 2
_PREFIX_LENGTH_AT = HEADER.size + 1
_TABLE_AT = HEADER.size + 4
_PROTOCOL_AT = HEADER.size + 5
_RT_TABLE_COMPAT = 252
"""In one byte: the table's number does not fit, see the attribute."""

_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_MULTIPATH, _RTA_TABLE, _RTA_VIA = 1, 4, 5, 6, 9, 15, 18


class Hop(NamedTuple):
    interface: int
    """Its index; 0 for none."""
    gateway: str
    """ "" where the link needs none. An IPv4 route may have an IPv6 gateway (RFC 8950)."""


class RouteMessage(NamedTuple):
    family: int
    prefix_length: int
    destination: bytes
    """Empty for a default route."""
    table: int
    protocol: int
    type: int
    metric: int
    hops: tuple[Hop, ...]


def is_about_default_route(message: Message) -> bool:
    return message.data[_PREFIX_LENGTH_AT : _PREFIX_LENGTH_AT + 1] == b"\0"


def maker_of(message: Message) -> int:
    """The protocol number of who made the route; RTPROT_KERNEL where the message is too short to say."""
    return message.data[_PROTOCOL_AT] if len(message.data) > _PROTOCOL_AT else RTPROT_KERNEL


def table_of(message: Message) -> int:
    """Of a message that `maker_of` could read."""
    table = message.data[_TABLE_AT]
    if table != _RT_TABLE_COMPAT:
        return table
    return _number(attribute(message.data, HEADER.size + _RTMSG.size, _RTA_TABLE))


def read_route(message: Message) -> RouteMessage | None:
    """None where the message is too short to be about a route."""
    if len(message.data) < HEADER.size + _RTMSG.size:
        return None
    family, prefix_length, _, _, table, protocol, _, kind, _ = _RTMSG.unpack_from(message.data, HEADER.size)
    found = attributes(message.data, HEADER.size + _RTMSG.size)
    several = found.get(_RTA_MULTIPATH)
    return RouteMessage(
        family=family,
        prefix_length=prefix_length,
        destination=found.get(_RTA_DST, b""),
        table=_number(found.get(_RTA_TABLE)) or table,
        protocol=protocol,
        type=kind,
        metric=_number(found.get(_RTA_PRIORITY)),
        hops=(Hop(_number(found.get(_RTA_OIF)), _gateway(found)),) if several is None else _hops(several),
    )


def routes_request(family: int, *, protocol: int = 0, interface: int = 0) -> bytes:
    """Ask for the routes of this family with this protocol, or through this interface (its index); 0 for any.

    The kernel picks them itself since Linux 4.20. Before that it sends all of the family.
    """
    body = _RTMSG.pack(family, 0, 0, 0, 0, protocol, 0, 0, 0)
    return body + (packed_attribute(_RTA_OIF, _NUMBER.pack(interface)) if interface else b"")


def lookup_request(family: int, address: bytes) -> bytes:
    """Ask which way a packet to `address` takes."""
    return _RTMSG.pack(family, 8 * len(address), 0, 0, 0, 0, 0, 0, 0) + packed_attribute(_RTA_DST, address)


def _hops(several: bytes) -> tuple[Hop, ...]:
    found = []
    offset = 0
    while offset + _RTNEXTHOP.size <= len(several):
        length, _, _, interface = _RTNEXTHOP.unpack_from(several, offset)
        if length < _RTNEXTHOP.size:
            break
        found.append(Hop(interface, _gateway(attributes(several[offset : offset + length], _RTNEXTHOP.size))))
        offset += (length + 3) & ~3
    return tuple(found)


def _gateway(found: dict[int, bytes]) -> str:
    address = found.get(_RTA_GATEWAY) or found.get(_RTA_VIA, b"")[_FAMILY_SIZE:]
    match len(address):
        case 4:
            return socket.inet_ntop(socket.AF_INET, address)
        case 16:
            return socket.inet_ntop(socket.AF_INET6, address)
        case _:
            return ""


def _number(data: bytes | None) -> int:
    return _NUMBER.unpack(data)[0] if data is not None and len(data) == _NUMBER.size else 0
