"""Which routers are on the way: packets with rising TTL over one WAN, and who says "time exceeded" (RFC 792, RFC 4443).

Each TTL has a socket of its own, so whose packet an answer belongs to is never a guess, however late it comes. (Routers
that share load by port numbers may so show one path here and another there; the first hops of a site do not.) Packets
leave one after the other, not in a burst, and no more leave once the SBC itself has answered, or once MOST_SILENT
hops in a row have not. Over UDP they are plain OPTIONS, for some firewalls let nothing else through; over TCP they are
SYN, which the kernel repeats after a second by itself.

A kernel before 5.17 does not say whose word it was that ended a connection attempt: such a hop is called UNNAMED.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress

from tonekeeper.core.commands import OpenPath, WalkPath
from tonekeeper.core.egress.messages import Walked
from tonekeeper.core.egress.result import Icmp
from tonekeeper.core.events import PathWalked
from tonekeeper.core.site import Path, Transport
from tonekeeper.edge.bound_socket import bound_socket
from tonekeeper.edge.entropy import token
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, ExtendedError, read_errors
from tonekeeper.edge.packet_length import headers_of, send_whole
from tonekeeper.edge.sockets import open_socket
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.render import render_options

MOST_HOPS = 16
MOST_SILENT = 6
"""Hops in a row that may stay silent before no further one is asked."""
PACE = 0.05
"""Seconds between two packets."""
AGAIN = 1.0
"""Seconds after the last one until silent hops are asked once more, over UDP."""
GRACE = 0.5
"""Seconds that routers still have to answer once the SBC has."""
LONGEST = 3.0
"""Seconds a walk takes at most."""
UNNAMED = "(a router that the kernel does not name)"

_TIME_EXCEEDED = {socket.AF_INET: 11, socket.AF_INET6: 3}
_MOST_ERRORS = 8
_LARGEST_DATAGRAM = 65535

Report = Callable[[PathWalked], None]


class TtlWalk:
    """All walks that are under way. To be made, used and closed inside the running loop."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._under_way: dict[Path, Walk] = {}

    def execute(self, command: WalkPath) -> None:
        """Begin; one of the same path that is under way begins anew. Answered within LONGEST, by no hops at worst."""
        self._drop(command.path)
        path = command.path._replace(transport=Transport.UDP)
        walk = Walk(path, command.interface, command.source, lambda walked: self._arrived(command.path, walked))
        self._under_way[command.path] = walk

    def close(self) -> None:
        """Nothing is reported from now on."""
        for path in list(self._under_way):
            self._drop(path)

    def _drop(self, path: Path) -> None:
        walk = self._under_way.pop(path, None)
        if walk is not None:
            walk.close()

    def _arrived(self, path: Path, walked: Walked) -> None:
        self._drop(path)
        self._report(PathWalked(path, walked.hops))


class Walk:
    """One walk, begun by being made; `arrived` is called from the loop, once.

    `octets`: length of each packet over UDP, in one piece; 0: as long as an OPTIONS is.
    """

    def __init__(
        self, path: Path, interface: str, source: str, arrived: Callable[[Walked], None], *, octets: int = 0
    ) -> None:
        self._path = path
        self._interface = interface
        self._source = source
        self._arrived = arrived
        self._octets = octets
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[int, socket.socket] = {}
        self._hops: dict[int, str] = {}
        self._end: int | None = None
        """The lowest TTL with which a packet got as far as packets get, the SBC as a rule."""
        self._answered = False
        self._icmp: Icmp | None = None
        self._asked = 0
        """Hops."""
        self._packets = 0
        self._timers = [self._loop.call_later(LONGEST, self._finish), self._loop.call_soon(self._send_next)]

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for ttl in list(self._sockets):
            self._forget(ttl)

    # --- out

    def _send_next(self) -> None:
        ttl = self._asked + 1
        silent = self._asked - max(self._hops, default=0)
        if self._end is not None:
            return
        if ttl > MOST_HOPS or silent >= MOST_SILENT:
            self._timers.append(self._loop.call_later(AGAIN, self._ask_again))
            return
        try:
            sock = self._sockets[ttl] = self._open(ttl)
        except EdgeError:
            self._finish()
            return
        self._asked = ttl
        self._send(ttl, sock)
        self._timers.append(self._loop.call_later(PACE, self._send_next))

    def _ask_again(self) -> None:
        """Those who said nothing: loss is no silence."""
        if self._path.transport is not Transport.UDP:
            return
        for number, ttl in enumerate(ttl for ttl in self._sockets if ttl not in self._hops):
            self._timers.append(self._loop.call_later(PACE * number, self._send_again, ttl))

    def _send_again(self, ttl: int) -> None:
        if ttl in self._sockets and ttl not in self._hops and self._end is None:
            self._send(ttl, self._sockets[ttl])

    def _open(self, ttl: int) -> socket.socket:
        address = self._path.address
        if self._path.transport is Transport.UDP:
            sock = open_socket(OpenPath(self._path, self._interface, self._source))
            if self._octets:
                send_whole(sock)
        else:
            sock = bound_socket(socket.SOCK_STREAM, address, self._interface, self._source)
        if address.is_ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        return sock

    def _send(self, ttl: int, sock: socket.socket) -> None:
        self._packets += 1
        if self._path.transport is not Transport.UDP:
            sock.connect_ex(self._path.address)  # what is wrong is in the error queue, or nobody answers
            self._loop.add_writer(sock.fileno(), self._connected_or_not, ttl, sock)
            return
        self._loop.add_reader(sock.fileno(), self._hear, ttl, sock)
        with suppress(OSError):  # likewise
            sock.send(self._probe(ttl, sock))

    def _probe(self, ttl: int, sock: socket.socket) -> bytes:
        address, fresh = self._path.address, token()
        return render_options(
            request_host=address.host,
            address=address,
            transport=Transport.UDP,
            local=Endpoint(*sock.getsockname()[:2]),
            branch=f"z9hG4bK{fresh}",
            from_tag=fresh[:8],
            call_id=fresh[8:],
            cseq=ttl,
            user_agent="tonekeeper",
            octets=max(0, self._octets - headers_of(address)),
        )

    # --- in

    def _hear(self, ttl: int, sock: socket.socket) -> None:
        for error in read_errors(sock, _MOST_ERRORS):
            self._learn(ttl, sock, error)
        with suppress(OSError):
            sock.recv(_LARGEST_DATAGRAM)
            self._answers(ttl)
        self._finish_when_complete()

    def _connected_or_not(self, ttl: int, sock: socket.socket) -> None:
        errors = read_errors(sock, _MOST_ERRORS)
        for error in errors:
            self._learn(ttl, sock, error)
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not errors and number == errno.EHOSTUNREACH:
            self._hops[ttl] = UNNAMED
        elif not errors:
            self._ends_at(ttl) if number else self._answers(ttl)
        self._forget(ttl)
        self._finish_when_complete()

    def _learn(self, ttl: int, sock: socket.socket, error: ExtendedError) -> None:
        if error.origin == ORIGIN_LOCAL or error.offender == sock.getsockname()[0]:
            return
        if error.type == _TIME_EXCEEDED[sock.family]:
            self._hops[ttl] = error.offender
        else:
            self._icmp = Icmp(error.type, error.code, error.offender, error.info)
            self._ends_at(ttl)

    def _answers(self, ttl: int) -> None:
        self._answered = True
        self._ends_at(ttl)

    def _ends_at(self, ttl: int) -> None:
        if self._end is None:
            self._timers.append(self._loop.call_later(GRACE, self._finish))
        self._end = ttl if self._end is None else min(self._end, ttl)

    def _forget(self, ttl: int) -> None:
        sock = self._sockets.pop(ttl, None)
        if sock is not None:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())
            sock.close()

    # --- the end

    def _finish_when_complete(self) -> None:
        last = MOST_HOPS if self._end is None else self._end - 1
        if all(ttl in self._hops for ttl in range(1, last + 1)):
            self._finish()

    def _finish(self) -> None:
        reached = [ttl for ttl in self._hops if self._end is None or ttl < self._end]
        hops = tuple(self._hops.get(ttl, "") for ttl in range(1, max(reached, default=0) + 1))
        self._arrived(Walked(hops, self._answered, self._icmp, self._packets))
