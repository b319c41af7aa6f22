"""Messages about neighbours: which MAC answers for which address, and when that was seen last."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from tonekeeper.edge.netlink.exchange import HEADER, Message, attributes

RTM_NEWNEIGH, RTM_GETNEIGH = 28, 30

_NDMSG = struct.Struct("=BxxxiHBB")
_CACHEINFO = struct.Struct("=IIII")
"""confirmed, used, updated (ticks ago), reference count"""
_NDA_DST, _NDA_LLADDR, _NDA_CACHEINFO = 1, 2, 3
_ADDRESS_SIZES = {socket.AF_INET: 4, socket.AF_INET6: 16}
_MAC_SIZE = 6
_REACHABLE, _STALE, _DELAY, _PROBE, _PERMANENT = 0x02, 0x04, 0x08, 0x10, 0x80
_KNOWN = _REACHABLE | _STALE | _DELAY | _PROBE | _PERMANENT
TICKS = 100
"""USER_HZ, in a second."""

ALL_NEIGHBOURS = bytes(_NDMSG.size)


class Neighbour(NamedTuple):
    interface: int
    """Its index."""
    address: str
    mac: str
    confirmed_s: float
    """Seconds since the kernel was last sure of it."""


def read_neighbour(message: Message) -> Neighbour | None:
    """None for one whose MAC is not known, or that has failed to answer."""
    if message.kind != RTM_NEWNEIGH or len(message.data) < HEADER.size + _NDMSG.size:
        return None
    family, interface, state, _, _ = _NDMSG.unpack_from(message.data, HEADER.size)
    found = attributes(message.data, HEADER.size + _NDMSG.size)
    packed, mac = found.get(_NDA_DST, b""), found.get(_NDA_LLADDR, b"")
    if not state & _KNOWN or len(packed) != _ADDRESS_SIZES.get(family) or len(mac) != _MAC_SIZE or not any(mac):
        return None
    return Neighbour(interface, socket.inet_ntop(family, packed), mac.hex(":"), _confirmed(found))


def _confirmed(found: dict[int, bytes]) -> float:
    packed = found.get(_NDA_CACHEINFO, b"")
    if len(packed) < _CACHEINFO.size:
        return 0.0
    confirmed: int = _CACHEINFO.unpack_from(packed)[0]
    return confirmed / TICKS
