"""The reflector's TCP connections: kept for whoever leaves them idle on purpose, and written to when that is asked for.

Each message that arrives is answered like a datagram. The reflector itself sends nothing unasked, keepalives included,
because a connection is idle only as long as neither end speaks. What a source may hold open is bounded, and so is what
all of them may together; a connection that is too many is reset at once.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections import Counter
from collections.abc import Iterable

from tonekeeper.core.reflector import Datagram
from tonekeeper.edge.reflector_sockets import REMEDIES, Reflect
from tonekeeper.edge.source_allowances import source_network
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.stream import split_stream

MOST_OF_A_SOURCE = 300
"""Connections: two measurements at a time, each with some to spare."""
MOST_CONNECTIONS = 3000
LONGEST_IDLE = 4 * 3600.0
"""Seconds: twice of what a NAT must keep a TCP connection for (RFC 5382 REQ-5: 2 h 4 min), nearly."""
SWEEP_EVERY = 60.0
ACCEPTED_AT_ONCE = 64
NO_FILE_PAUSE = 1.0
"""Seconds without new connections after the kernel had no room for one."""

_BACKLOG = 512
_READ_AT_ONCE = 4096
_UNACKNOWLEDGED_MS = 30_000
"""After which the kernel gives a connection up: its NAT has forgotten it, and the answer goes nowhere."""
_RESET = struct.pack("ii", 1, 0)


class ReflectorConnections:
    """Listens by constructing; `EdgeError` names the endpoint that cannot be had, and leaves none open."""

    def __init__(self, endpoints: Iterable[Endpoint], reflect: Reflect) -> None:
        self._reflect = reflect
        self._loop = asyncio.get_running_loop()
        self._listening: dict[Endpoint, socket.socket] = {}
        self._open: dict[tuple[Endpoint, Endpoint], _Connection] = {}
        self._of_sources: Counter[str] = Counter()
        self._timers: dict[Endpoint, asyncio.TimerHandle] = {}
        try:
            for endpoint in endpoints:
                self._listening[endpoint] = _listening_socket(endpoint)
        except EdgeError:
            self._close_listening()
            raise
        for endpoint in self._listening:
            self._listen(endpoint)
        self._sweeping = self._loop.call_later(SWEEP_EVERY, self._sweep)

    def __len__(self) -> int:
        return len(self._open)

    def send(self, answer: Datagram) -> bool:
        """Whether there is such a connection, and the kernel took all of it."""
        connection = self._open.get((answer.here, answer.there))
        if connection is None:
            return False
        is_sent = connection.send(answer.data)
        if not is_sent:
            self._end(connection)
        return is_sent

    def close(self) -> None:
        self._sweeping.cancel()
        for timer in self._timers.values():
            timer.cancel()
        for endpoint in self._listening:
            self._loop.remove_reader(self._listening[endpoint].fileno())
        self._close_listening()
        for connection in list(self._open.values()):
            self._end(connection)

    def _close_listening(self) -> None:
        for sock in self._listening.values():
            sock.close()
        self._listening.clear()

    # --- connections come and go

    def _listen(self, here: Endpoint) -> None:
        self._timers.pop(here, None)
        self._loop.add_reader(self._listening[here].fileno(), self._accept, here)

    def _accept(self, here: Endpoint) -> None:
        listening = self._listening[here]
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, address = listening.accept()
            except (BlockingIOError, ConnectionError, InterruptedError):
                return
            except OSError:  # no file descriptor left, or no memory: asking again at once would not help
                self._loop.remove_reader(listening.fileno())
                self._timers[here] = self._loop.call_later(NO_FILE_PAUSE, self._listen, here)
                return
            self._welcome(here, Endpoint(address[0].partition("%")[0], address[1]), sock)

    def _welcome(self, here: Endpoint, there: Endpoint, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        source = source_network(there.host)
        if len(self._open) >= MOST_CONNECTIONS or self._of_sources[source] >= MOST_OF_A_SOURCE:
            sock.close()
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
        connection = _Connection(here, there, sock, self._loop.time())
        self._open[here, there] = connection
        self._of_sources[source] += 1
        self._loop.add_reader(sock.fileno(), self._wake, connection)

    def _end(self, connection: _Connection) -> None:
        if self._open.pop((connection.here, connection.there), None) is None:
            return
        source = source_network(connection.there.host)
        self._of_sources[source] -= 1
        if not self._of_sources[source]:
            del self._of_sources[source]
        self._loop.remove_reader(connection.sock.fileno())
        connection.sock.close()

    def _sweep(self) -> None:
        self._sweeping = self._loop.call_later(SWEEP_EVERY, self._sweep)
        idle_since = self._loop.time() - LONGEST_IDLE
        for connection in [one for one in self._open.values() if one.spoken_at < idle_since]:
            self._end(connection)

    # --- what they say

    def _wake(self, connection: _Connection) -> None:
        try:
            data = connection.sock.recv(_READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        connection.spoken_at = self._loop.time()
        if not data or not self._take(connection, data):
            self._end(connection)

    def _take(self, connection: _Connection, data: bytes) -> bool:
        """Whether the connection goes on. Silence, as after too many questions, is for the client to notice."""
        try:
            messages, connection.rest = split_stream(connection.rest + data)
        except DecodeError:
            return False
        for message in messages:
            answer = self._reflect(Datagram(connection.here, connection.there, message, over_tcp=True))
            if answer is not None and not connection.send(answer.data):
                return False
        return True


class _Connection:
    def __init__(self, here: Endpoint, there: Endpoint, sock: socket.socket, now: float) -> None:
        self.here = here
        self.there = there
        self.sock = sock
        self.rest = b""
        """The beginning of a message."""
        self.spoken_at = now

    def send(self, data: bytes) -> bool:
        """Whether the kernel took all of it. If it took a part, what follows would make no sense to the client."""
        try:
            return self.sock.send(data) == len(data)
        except OSError:
            return False


def _listening_socket(endpoint: Endpoint) -> socket.socket:
    doing = f"listen on {endpoint}, TCP"
    try:
        sock = socket.socket(socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        raise EdgeError(doing, error) from None
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(endpoint)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise EdgeError(doing, error, remedy=REMEDIES.get(error.errno or errno.EIO, "")) from None
    return sock
