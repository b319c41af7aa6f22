"""Neighbours as the kernel writes them, through pyroute2's encoder. No socket is opened."""

from __future__ import annotations

import pytest
from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.ndmsg import ndmsg

from tonekeeper.edge.netlink.exchange import Message, split
from tonekeeper.edge.netlink.neighbour_messages import Neighbour, read_neighbour

AF_INET, AF_INET6, AF_BRIDGE = 2, 10, 7
INCOMPLETE, REACHABLE, STALE, FAILED, NOARP, PERMANENT = 0x01, 0x02, 0x04, 0x20, 0x40, 0x80
MAC = "00:15:65:aa:bb:cc"


def neighbour(host="192.0.2.20", mac=MAC, state=REACHABLE, family=AF_INET, confirmed=None, kind=rtnl.RTM_NEWNEIGH):
    message = ndmsg()
    message["family"], message["ifindex"], message["state"] = family, 7, state
    attributes = [("NDA_DST", host)] if host else []
    attributes += [("NDA_LLADDR", mac)] if mac else []
    if confirmed is not None:
        times = {"ndm_confirmed": confirmed, "ndm_used": 0, "ndm_updated": 0, "ndm_refcnt": 0}
        attributes.append(("NDA_CACHEINFO", times))
    message["attrs"] = attributes
    message["header"]["type"] = kind
    message.encode()
    (read,) = split(bytes(message.data))
    return read


def test_a_neighbour_has_an_address_a_mac_and_an_age():
    assert read_neighbour(neighbour(confirmed=4200)) == Neighbour(7, "192.0.2.20", MAC, 42.0)


def test_a_neighbour_of_either_family_is_read():
    read = read_neighbour(neighbour("2001:db8::20", family=AF_INET6, state=STALE))
    assert read == Neighbour(7, "2001:db8::20", MAC, 0.0)


@pytest.mark.parametrize(
    "message",
    [
        neighbour(state=INCOMPLETE, mac=""),
        neighbour(state=FAILED),
        neighbour(state=NOARP),
        neighbour(mac=""),
        neighbour(mac="00:00:00:00:00:00"),
        neighbour("", family=AF_BRIDGE),
        neighbour(kind=rtnl.RTM_DELNEIGH),
        Message(rtnl.RTM_NEWNEIGH, 0, b"\x10\0\0\0" + bytes(12)),
    ],
    ids=["incomplete", "failed", "noarp", "no mac", "null mac", "bridge", "deleted", "cut short"],
)
def test_who_is_not_there_or_shows_no_mac_is_left_out(message):
    assert read_neighbour(message) is None
