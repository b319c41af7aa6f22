"""Messages about links and addresses, applied to a table of them."""

from __future__ import annotations

import socket
import struct

from tonekeeper.edge.link_table import Address, Link, LinkTable
from tonekeeper.edge.netlink.exchange import HEADER, Message, attribute, attributes

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22

_IFINFOMSG = struct.Struct("=BxHiII")
_IFADDRMSG = struct.Struct("=BBBBI")
_NUMBER = struct.Struct("=I")
_IFLA_IFNAME = 3
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8

ALL_LINKS = bytes(_IFINFOMSG.size)
ALL_ADDRESSES = bytes(_IFADDRMSG.size)
"""What the requests for everything say: nothing in particular."""

_AF_BRIDGE = 7
_IFF_RUNNING = 0x40
_IFF_LOWER_UP = 0x10000
_CARRIER = _IFF_RUNNING | _IFF_LOWER_UP
_SCOPE_UNIVERSE = 0
_IFA_F_DADFAILED = 0x08
_IFA_F_DEPRECATED = 0x20
_IFA_F_TENTATIVE = 0x40
_UNUSABLE_IPV6 = _IFA_F_DADFAILED | _IFA_F_DEPRECATED | _IFA_F_TENTATIVE
_FAMILY_OF_LENGTH = {4: socket.AF_INET, 16: socket.AF_INET6}


def learn(table: LinkTable, message: Message) -> bool:
    """Apply one message about a link or an address to `table`; whether it was one."""
    if message.kind in (RTM_NEWLINK, RTM_DELLINK):
        return _learn_link(table, message)
    if message.kind in (RTM_NEWADDR, RTM_DELADDR):
        return _learn_address(table, message)
    return False


def _learn_link(table: LinkTable, message: Message) -> bool:
    if len(message.data) < HEADER.size + _IFINFOMSG.size:
        return False
    family, _, index, flags, _ = _IFINFOMSG.unpack_from(message.data, HEADER.size)
    if family == _AF_BRIDGE:
        return False  # about a bridge's port: its RTM_DELLINK says that the port left, not that the link is gone
    name = attribute(message.data, HEADER.size + _IFINFOMSG.size, _IFLA_IFNAME)
    if not name:
        return False
    if message.kind == RTM_DELLINK:
        table.remove_link(index)
    else:
        shown = name.rstrip(b"\0").decode(errors="surrogateescape")
        table.put_link(Link(index, shown, carrier=flags & _CARRIER == _CARRIER))
    return True


def _learn_address(table: LinkTable, message: Message) -> bool:
    if len(message.data) < HEADER.size + _IFADDRMSG.size:
        return False
    _, prefix, flags, scope, index = _IFADDRMSG.unpack_from(message.data, HEADER.size)
    found = attributes(message.data, HEADER.size + _IFADDRMSG.size)
    packed = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS) or b""
    family = _FAMILY_OF_LENGTH.get(len(packed))
    if family is None:
        return False
    address = Address(index, socket.inet_ntop(family, packed), prefix)
    if message.kind == RTM_DELADDR:
        table.remove_address(address)
        return True
    if len(found.get(_IFA_FLAGS, b"")) == _NUMBER.size:
        (flags,) = _NUMBER.unpack(found[_IFA_FLAGS])
    usable = family == socket.AF_INET or not flags & _UNUSABLE_IPV6
    table.put_address(address, is_global=scope == _SCOPE_UNIVERSE, usable=usable)
    return True
