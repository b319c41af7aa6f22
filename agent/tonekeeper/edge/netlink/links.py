"""Interfaces, their addresses and their ways out, as the kernel tells them, whenever something changes.

Of routes and rules it is told that they changed, and whether ours were among them (routing_news.py).

`LinkWatch` keeps one netlink socket: subscribed first, then asked for everything, so that in the order of its queue no
change can fall between the two. Each message about a link or an address is applied at once, so that short flaps are
seen too. When the kernel had to drop messages (ENOBUFS), or a dump was disturbed (NLM_F_DUMP_INTR), the socket is
thrown away and everything is read again with a new one; only what then differs is told.

Gateways are not put together from messages: with a link the kernel drops its IPv4 routes without a word. So whatever
may have touched a default route is a reason to read those of the watched interfaces again, LOOK_EVERY seconds after the
last look at the earliest.

Reading needs no privilege; with CAP_NET_ADMIN the receive buffer may exceed the system's limit (rmem_max).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable

from tonekeeper.core.events import GatewayChanged, LinkChanged, ReversePathFilterRead, RoutingChanged
from tonekeeper.edge.default_routes import gateway_of
from tonekeeper.edge.link_table import LinkTable, WatchedNames
from tonekeeper.edge.netlink.default_routes import read_default_routes
from tonekeeper.edge.netlink.exchange import (
    HEADER,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    ROOM,
    Exchange,
    Message,
    split,
)
from tonekeeper.edge.netlink.link_messages import ALL_ADDRESSES, ALL_LINKS, RTM_GETADDR, RTM_GETLINK, learn
from tonekeeper.edge.netlink.policy_routing import RTM_DELRULE, RTM_NEWRULE
from tonekeeper.edge.netlink.route_messages import RTM_DELROUTE, RTM_NEWROUTE, is_about_default_route
from tonekeeper.edge.netlink.routing_news import RoutingNews
from tonekeeper.edge.sysctl import reverse_path_filter
from tonekeeper.errors import EdgeError

RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes. 20,000 events in a second overflow the default."""
MOST_AT_ONCE = 64
"""Batches of messages read before the loop serves others."""
REREAD_AFTER = 0.1
"""Seconds between the failure of a socket and the next one: what overflowed it may still be going on."""
LOOK_EVERY = 0.05
"""Seconds from one look at the default routes to the next."""

_SO_RCVBUFFORCE = 33
_RTM_NEWNETCONF = 80
_GROUPS = sum(
    1 << number - 1
    for number in (
        1,  # RTNLGRP_LINK
        5,  # RTNLGRP_IPV4_IFADDR
        7,  # RTNLGRP_IPV4_ROUTE
        8,  # RTNLGRP_IPV4_RULE
        9,  # RTNLGRP_IPV6_IFADDR
        11,  # RTNLGRP_IPV6_ROUTE
        19,  # RTNLGRP_IPV6_RULE
        24,  # RTNLGRP_IPV4_NETCONF
    )
)

Report = Callable[[LinkChanged | GatewayChanged | ReversePathFilterRead | RoutingChanged], None]


class LinkWatch:
    """Tells the state of each watched interface, present or not, at the start and whenever it changes.

    In this order: `LinkChanged`, then `GatewayChanged`, and `ReversePathFilterRead` where the interface is present.
    `RoutingChanged` tells what happened since, and nothing at the start.
    """

    def __init__(
        self,
        interfaces: Iterable[str],
        report: Report,
        *,
        receive_buffer: int = RECEIVE_BUFFER,
    ) -> None:
        self._watched = WatchedNames(interfaces)
        self._report = report
        self._receive_buffer = receive_buffer
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | None = None
        self._again: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        self._looked_at = self._loop.time() - LOOK_EVERY
        self._gateways: dict[str, GatewayChanged] = {}
        self._filters: dict[str, tuple[int, int]] = {}
        """Name: index of the interface and mode, as told."""
        self._routing = RoutingNews(report)
        self._missed = False
        """Messages were lost since everything was read last."""
        self._table = LinkTable()
        self._complete = False
        self._disturbed = False
        self._dumps_left: list[tuple[int, bytes]] = []

    def start(self) -> None:
        """Begin; the first reports come from the loop. `EdgeError` where the kernel gives no netlink socket."""
        self.close()
        self._table = LinkTable()
        self._complete, self._disturbed = False, False
        self._dumps_left = [(RTM_GETADDR, ALL_ADDRESSES), (RTM_GETLINK, ALL_LINKS)]
        try:
            self._sock = _open_socket(self._receive_buffer)
            self._ask_next(self._sock)
        except OSError as error:
            self.close()
            raise EdgeError("read the interfaces over netlink", error) from None
        self._loop.add_reader(self._sock.fileno(), self._wake)

    def watch(self, interfaces: Iterable[str]) -> None:
        """These names from now on; those that are new are reported, as soon as everything has been read."""
        self._watched.watch(interfaces)
        for told in (self._gateways, self._filters):
            for name in told.keys() - set(self._watched.names):
                del told[name]
        self._tell()
        self._look_soon()

    def close(self) -> None:
        """Nothing is told from now on."""
        for timer in (self._again, self._look):
            if timer is not None:
                timer.cancel()
        self._again = self._look = None
        self._routing.close()
        if self._sock is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None

    # --- messages

    def _wake(self) -> None:
        try:
            for _ in range(MOST_AT_ONCE):
                sock = self._sock
                if sock is None:
                    return
                for message in split(sock.recv(ROOM)):
                    if self._sock is sock:
                        self._take(sock, message)
        except BlockingIOError:
            return
        except OSError:
            self._read_again()

    def _take(self, sock: socket.socket, message: Message) -> None:
        if not self._complete:
            self._disturbed |= bool(message.flags & NLM_F_DUMP_INTR) or message.kind == NLMSG_ERROR
        if message.kind in (NLMSG_DONE, NLMSG_ERROR):
            self._end_dump(sock)
        elif message.kind in (RTM_NEWROUTE, RTM_DELROUTE):
            self._routing.take(message)
            if is_about_default_route(message):
                self._look_soon()
        elif message.kind in (RTM_NEWRULE, RTM_DELRULE):
            self._routing.take(message)
        elif learn(self._table, message):
            self._tell()
            self._look_soon()
        elif message.kind == _RTM_NEWNETCONF:
            self._look_soon()

    def _end_dump(self, sock: socket.socket) -> None:
        if self._dumps_left:
            self._ask_next(sock)
            return
        self._complete = True
        self._tell()
        if self._missed:
            self._missed = False
            self._routing.suspect_all()
        if self._disturbed and self._sock is sock:
            self._read_again()
        else:
            self._look_soon()

    def _ask_next(self, sock: socket.socket) -> None:
        """The kernel runs one dump of a socket at a time."""
        kind, body = self._dumps_left.pop()
        sock.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, 0, 0) + body)

    def _tell(self) -> None:
        if self._sock is None or not self._complete:
            return
        for state in self._watched.news(self._table):
            self._report(state)

    def _read_again(self) -> None:
        self._missed = True
        self.close()
        self._again = self._loop.call_later(REREAD_AFTER, self._try_again)

    def _try_again(self) -> None:
        try:
            self.start()
        except EdgeError:
            self._read_again()

    # --- ways out

    def _look_soon(self) -> None:
        if self._look is None and self._sock is not None and self._complete:
            self._look = self._loop.call_at(self._looked_at + LOOK_EVERY, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        self._looked_at = self._loop.time()
        indexes = {name: self._table.index_of(name) for name in self._watched.names}
        try:
            with Exchange(socket.NETLINK_ROUTE) as kernel:
                gateways = [_gateways(kernel, name, index) for name, index in indexes.items()]
        except OSError:  # too much going on in the tables just now, or no descriptor left
            self._look_soon()
            return
        for gateway in gateways:
            if self._gateways.get(gateway.interface) != gateway:
                self._gateways[gateway.interface] = gateway
                self._report(gateway)
        for name, index in indexes.items():
            self._tell_filter(name, index)

    def _tell_filter(self, name: str, index: int | None) -> None:
        mode = reverse_path_filter(name)
        if index is None or mode is None:
            self._filters.pop(name, None)
        elif self._filters.get(name) != (index, mode):
            self._filters[name] = (index, mode)
            self._report(ReversePathFilterRead(name, mode))


def _gateways(kernel: Exchange, name: str, index: int | None) -> GatewayChanged:
    routes = [] if index is None else read_default_routes(kernel, index)
    v4, v6 = (None if index is None else gateway_of(index, version, routes) for version in (4, 6))
    return GatewayChanged(name, v4, v6)


def _open_socket(receive_buffer: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        with contextlib.suppress(PermissionError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, receive_buffer)
        sock.bind((0, _GROUPS))
    except BaseException:
        sock.close()
        raise
    return sock
