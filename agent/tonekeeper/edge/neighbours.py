"""Who is on the LAN, from the kernel's neighbour table."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from tonekeeper.edge.netlink.exchange import Exchange
from tonekeeper.edge.netlink.neighbour_messages import ALL_NEIGHBOURS, RTM_GETNEIGH, read_neighbour
from tonekeeper.errors import EdgeError

LATELY = 3600.0
"""Seconds: an entry that was not confirmed since says nothing of today."""
MOST_NEIGHBOURS = 4096


@dataclass(frozen=True, slots=True)
class LanNeighbour:
    address: str
    mac: str
    interface: str


def read_neighbours(interfaces: Iterable[str]) -> tuple[LanNeighbour, ...]:
    """Those on `interfaces` that were there lately; `EdgeError` where netlink fails. Takes a dump of the table."""
    names = _indexes(interfaces)
    if not names:
        return ()
    try:
        with Exchange(socket.NETLINK_ROUTE) as kernel:
            messages = kernel.dump(RTM_GETNEIGH, ALL_NEIGHBOURS)
    except OSError as error:
        raise EdgeError("read the neighbours over netlink", error) from None
    read = (read_neighbour(message) for message in messages)
    found = (one for one in read if one is not None and one.interface in names and one.confirmed_s < LATELY)
    return tuple(
        LanNeighbour(one.address, one.mac, names[one.interface])
        for one, _ in zip(found, range(MOST_NEIGHBOURS), strict=False)
    )


def _indexes(interfaces: Iterable[str]) -> dict[int, str]:
    """Of those that exist now."""
    names: dict[int, str] = {}
    for name in interfaces:
        with suppress(OSError):
            names[socket.if_nametoindex(name)] = name
    return names
