"""Which routers are on the way: probes with rising TTL over one WAN, and who says "time exceeded" (RFC 792, RFC 4443).

Each TTL has a socket of its own, so whose probe an answer belongs to is never a guess, however late it comes. (Routers
that share load by port numbers may so show one path here and another there; the first hops of a site do not.) Probes
leave one after the other, not in a burst, and no more leave once the SBC itself has answered. They are plain OPTIONS,
for some firewalls let nothing else through.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from tonekeeper.core.commands import OpenPath, WalkPath
from tonekeeper.core.events import PathWalked
from tonekeeper.core.site import Path, Transport
from tonekeeper.edge.entropy import token
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, ExtendedError, read_errors
from tonekeeper.edge.sockets import open_socket
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.render import render_options

MOST_HOPS = 16
PACE = 0.05
"""Seconds between two probes."""
GRACE = 0.5
"""Seconds that routers still have to answer once the SBC has."""
LONGEST = 3.0
"""Seconds a walk takes at most."""

_TIME_EXCEEDED = {socket.AF_INET: 11, socket.AF_INET6: 3}
_MOST_ERRORS = 8
_LARGEST_DATAGRAM = 65535

Report = Callable[[PathWalked], None]


class TtlWalk:
    """All walks that are under way. To be made, used and closed inside the running loop."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[Path, _Walk] = {}

    def execute(self, command: WalkPath) -> None:
        """Begin; one of the same path that is under way begins anew. Answered within LONGEST, by no hops at worst."""
        self._drop(command.path)
        self._under_way[command.path] = _Walk(command, self._arrived, self._loop)

    def close(self) -> None:
        """Nothing is reported from now on."""
        for path in list(self._under_way):
            self._drop(path)

    def _drop(self, path: Path) -> None:
        walk = self._under_way.pop(path, None)
        if walk is not None:
            walk.close()

    def _arrived(self, event: PathWalked) -> None:
        self._drop(event.path)
        self._report(event)


class _Walk:
    """One walk; `arrived` is called from the loop, once."""

    def __init__(self, command: WalkPath, arrived: Report, loop: asyncio.AbstractEventLoop) -> None:
        self._command = command
        self._arrived = arrived
        self._loop = loop
        self._sockets: dict[int, socket.socket] = {}
        self._hops: dict[int, str] = {}
        self._end: int | None = None
        """The lowest TTL with which a probe got as far as packets get, the SBC as a rule."""
        self._timers = [loop.call_later(LONGEST, self._finish), loop.call_soon(self._send_next)]

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for sock in self._sockets.values():
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()

    def _send_next(self) -> None:
        ttl = len(self._sockets) + 1
        if self._end is not None or ttl > MOST_HOPS:
            return
        try:
            sock = self._sockets[ttl] = self._open(ttl)
        except EdgeError:
            self._finish()
            return
        self._loop.add_reader(sock.fileno(), self._hear, ttl, sock)
        with suppress(OSError):  # what is wrong stands in the error queue, or nobody answers
            sock.send(self._probe(ttl, sock))
        self._timers.append(self._loop.call_later(PACE, self._send_next))

    def _open(self, ttl: int) -> socket.socket:
        path = self._command.path._replace(transport=Transport.UDP)
        sock = open_socket(OpenPath(path, self._command.interface, self._command.source))
        if path.address.is_ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        return sock

    def _probe(self, ttl: int, sock: socket.socket) -> bytes:
        address, fresh = self._command.path.address, token()
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
        )

    def _hear(self, ttl: int, sock: socket.socket) -> None:
        for error in read_errors(sock, _MOST_ERRORS):
            self._learn(ttl, sock, error)
        with suppress(OSError):
            sock.recv(_LARGEST_DATAGRAM)
            self._ends_at(ttl)
        if self._is_complete():
            self._finish()

    def _learn(self, ttl: int, sock: socket.socket, error: ExtendedError) -> None:
        if error.origin == ORIGIN_LOCAL or error.offender == sock.getsockname()[0]:
            return
        if error.type == _TIME_EXCEEDED[sock.family]:
            self._hops[ttl] = error.offender
        else:
            self._ends_at(ttl)

    def _ends_at(self, ttl: int) -> None:
        if self._end is None:
            self._timers.append(self._loop.call_later(GRACE, self._finish))
        self._end = ttl if self._end is None else min(self._end, ttl)

    def _is_complete(self) -> bool:
        last = MOST_HOPS if self._end is None else self._end - 1
        return all(ttl in self._hops for ttl in range(1, last + 1))

    def _finish(self) -> None:
        reached = [ttl for ttl in self._hops if self._end is None or ttl < self._end]
        hops = tuple(self._hops.get(ttl, "") for ttl in range(1, max(reached, default=0) + 1))
        self._arrived(PathWalked(self._command.path, hops))
