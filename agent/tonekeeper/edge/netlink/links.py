"""Interfaces and addresses as the kernel tells them: the one module that talks to pyroute2 (and pays 8 MiB for it).

`LinkWatch` keeps one netlink socket: subscribed first, then asked for everything, so that in the order of its queue no
change can fall between the two. Each message is applied at once, so that short flaps are seen too. When the kernel had
to drop messages (ENOBUFS), or a dump was disturbed (NLM_F_DUMP_INTR), the socket is thrown away and everything is read
again with a new one; only what then differs is told.

Of pyroute2's sockets this is `IPRSocket`, made for a loop of one's own. Reading needs no privilege; with CAP_NET_ADMIN
the receive buffer may exceed the system's limit (rmem_max).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from pyroute2 import IPRSocket
from pyroute2.netlink import NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, rtnl
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from tonekeeper.core.events import LinkChanged
from tonekeeper.edge.link_table import Address, Link, LinkTable, WatchedNames
from tonekeeper.errors import EdgeError

RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes. 20,000 events in a second overflow the default."""
MOST_AT_ONCE = 64
"""Batches of messages read before the loop serves others."""
REREAD_AFTER = 0.1
"""Seconds between the failure of a socket and the next one: what overflowed it may still be going on."""

_DUMP_TIMEOUT = 2.0
_SO_RCVBUFFORCE = 33
_GROUPS = rtnl.RTMGRP_LINK | rtnl.RTMGRP_IPV4_IFADDR | rtnl.RTMGRP_IPV6_IFADDR
_NLM_F_DUMP_INTR = 0x10

_AF_BRIDGE = 7
_IFF_RUNNING = 0x40
_IFF_LOWER_UP = 0x10000
_CARRIER = _IFF_RUNNING | _IFF_LOWER_UP
_SCOPE_UNIVERSE = 0
_IFA_F_DADFAILED = 0x08
_IFA_F_DEPRECATED = 0x20
_IFA_F_TENTATIVE = 0x40
_UNUSABLE_IPV6 = _IFA_F_DADFAILED | _IFA_F_DEPRECATED | _IFA_F_TENTATIVE
_RT_TABLE_MAIN = 254
_RTN_UNICAST = 1

Message = Any
"""What pyroute2 decodes: fields by subscript, attributes by `get_attr`."""


class LinkWatch:
    """Tells the state of each watched interface, present or not, at the start and whenever it changes."""

    def __init__(
        self,
        interfaces: Iterable[str],
        report: Callable[[LinkChanged], None],
        *,
        receive_buffer: int = RECEIVE_BUFFER,
    ) -> None:
        self._watched = WatchedNames(interfaces)
        self._report = report
        self._receive_buffer = receive_buffer
        self._loop = asyncio.get_running_loop()
        self._sock: IPRSocket | None = None
        self._again: asyncio.TimerHandle | None = None
        self._table = LinkTable()
        self._complete = False
        self._disturbed = False
        self._dumps_left: list[tuple[int, Message]] = []

    def start(self) -> None:
        """Begin; the first reports come from the loop. `EdgeError` where the kernel gives no netlink socket."""
        self.close()
        self._table = LinkTable()
        self._complete, self._disturbed = False, False
        self._dumps_left = [(rtnl.RTM_GETADDR, ifaddrmsg()), (rtnl.RTM_GETLINK, ifinfmsg())]
        try:
            self._sock = _open_socket(_GROUPS, self._receive_buffer)
            self._ask_next(self._sock)
        except OSError as error:
            self.close()
            raise EdgeError("read the interfaces over netlink", error) from None
        self._loop.add_reader(self._sock.fileno(), self._wake)

    def watch(self, interfaces: Iterable[str]) -> None:
        """These names from now on; those that are new are reported, as soon as everything has been read."""
        self._watched.watch(interfaces)
        self._tell()

    def close(self) -> None:
        """Nothing is told from now on."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._sock is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def _wake(self) -> None:
        try:
            for _ in range(MOST_AT_ONCE):
                sock = self._sock
                if sock is None:
                    return
                for message in sock.get():
                    if self._sock is sock:
                        self._take(sock, message)
        except BlockingIOError:
            return
        except OSError:
            self._read_again()

    def _take(self, sock: IPRSocket, message: Message) -> None:
        header = message["header"]
        if not self._complete:
            self._disturbed |= bool(header["flags"] & _NLM_F_DUMP_INTR) or header["type"] == NLMSG_ERROR
        if header["type"] in (NLMSG_DONE, NLMSG_ERROR):
            self._end_dump(sock)
        elif learn(self._table, message):
            self._tell()

    def _end_dump(self, sock: IPRSocket) -> None:
        if self._dumps_left:
            self._ask_next(sock)
            return
        self._complete = True
        self._tell()
        if self._disturbed and self._sock is sock:
            self._read_again()

    def _ask_next(self, sock: IPRSocket) -> None:
        """The kernel runs one dump of a socket at a time."""
        kind, request = self._dumps_left.pop()
        _ask_for_all(sock, kind, request)

    def _tell(self) -> None:
        if self._sock is None or not self._complete:
            return
        for state in self._watched.news(self._table):
            self._report(state)

    def _read_again(self) -> None:
        self.close()
        self._again = self._loop.call_later(REREAD_AFTER, self._try_again)

    def _try_again(self) -> None:
        try:
            self.start()
        except EdgeError:
            self._read_again()


def learn(table: LinkTable, message: Message) -> bool:
    """Apply one message about a link or an address to `table`; whether it was one."""
    match message["header"]["type"]:
        case rtnl.RTM_NEWLINK | rtnl.RTM_DELLINK:
            return _learn_link(table, message)
        case rtnl.RTM_NEWADDR | rtnl.RTM_DELADDR:
            return _learn_address(table, message)
        case _:
            return False


def _learn_link(table: LinkTable, message: Message) -> bool:
    name = message.get_attr("IFLA_IFNAME")
    if message["family"] == _AF_BRIDGE or not name:
        return False  # about a bridge's port: its RTM_DELLINK says that the port left, not that the link is gone
    if message["header"]["type"] == rtnl.RTM_DELLINK:
        table.remove_link(message["index"])
    else:
        table.put_link(Link(message["index"], name, carrier=message["flags"] & _CARRIER == _CARRIER))
    return True


def _learn_address(table: LinkTable, message: Message) -> bool:
    host = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    if not host:
        return False
    address = Address(message["index"], host, message["prefixlen"])
    if message["header"]["type"] == rtnl.RTM_DELADDR:
        table.remove_address(address)
        return True
    flags = message.get_attr("IFA_FLAGS") or message["flags"]
    usable = message["family"] == socket.AF_INET or not flags & _UNUSABLE_IPV6
    table.put_address(address, is_global=message["scope"] == _SCOPE_UNIVERSE, usable=usable)
    return True


class _DefaultRoute(NamedTuple):
    """In the order of preference."""

    is_ipv6: bool
    metric: int
    interface: int


def default_route_interface() -> str | None:
    """The interface of the main table's default route, of the best metric, IPv4 before IPv6; None where there is none.

    Blocks for the time of a route dump: for the start, not for the running loop. `EdgeError` where netlink fails.
    """
    try:
        with contextlib.closing(_open_socket(0, RECEIVE_BUFFER)) as sock:
            sock.socket.settimeout(_DUMP_TIMEOUT)
            routes = [route for message in _all_routes(sock) if (route := _default_route(message))]
        return socket.if_indextoname(min(routes).interface) if routes else None
    except OSError as error:
        raise EdgeError("find the default route over netlink", error, remedy="name the WANs with [[wan]]") from None


def _default_route(message: Message) -> _DefaultRoute | None:
    table = message.get_attr("RTA_TABLE") or message["table"]
    if message["dst_len"] != 0 or message["type"] != _RTN_UNICAST or table != _RT_TABLE_MAIN:
        return None
    hops = message.get_attr("RTA_MULTIPATH")
    interface = hops[0]["oif"] if hops else message.get_attr("RTA_OIF")
    metric = message.get_attr("RTA_PRIORITY") or 0
    return _DefaultRoute(message["family"] == socket.AF_INET6, metric, interface) if interface else None


def _all_routes(sock: IPRSocket) -> Iterator[Message]:
    """Family by family: asked for both at once, some kernels stop after the first."""
    for family in (socket.AF_INET, socket.AF_INET6):
        request = rtmsg()
        request["family"] = family
        _ask_for_all(sock, rtnl.RTM_GETROUTE, request)
        yield from _answers(sock)


def _answers(sock: IPRSocket) -> Iterator[Message]:
    while True:
        for message in sock.get():
            if message["header"]["type"] in (NLMSG_DONE, NLMSG_ERROR):
                return
            yield message


def _open_socket(groups: int, receive_buffer: int) -> IPRSocket:
    sock = IPRSocket(rcvbuf=receive_buffer)
    try:
        sock.bind(groups=groups)
        with contextlib.suppress(PermissionError):
            sock.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, receive_buffer)
        sock.socket.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _ask_for_all(sock: IPRSocket, kind: int, request: Message) -> None:
    sock.put(request, kind, NLM_F_REQUEST | NLM_F_DUMP)
