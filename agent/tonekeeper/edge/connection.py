"""One TCP connection over one WAN: bytes out, bytes in, and its end with the reason. What the bytes are is for others.

An ICMP error counts at once (IP_RECVERR): the kernel alone would go on sending for minutes. So does silence: what the
far end did not acknowledge in time ends the connection with ETIMEDOUT (TCP_USER_TIMEOUT), for after a long outage a new
connection is there before the old one sends again.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tonekeeper.edge.bound_socket import bound_socket, endpoint_of, step, step_failed
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

UNANSWERED_WITHIN = 10.0
"""Seconds that what was sent may go without an acknowledgement."""
MOST_UNSENT = 65536
"""Octets that wait for a far end that takes nothing; more are refused."""
MOST_AT_ONCE = 16384
"""Octets read before the loop serves others."""
PAUSE = 0.01
"""Seconds a connection rests that still had more."""

_CONNECTING = (errno.EINPROGRESS, errno.EAGAIN)


@dataclass(frozen=True, slots=True)
class Way:
    """Where a connection goes and how it leaves."""

    address: Endpoint
    interface: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.address} over tcp through interface '{self.interface}'"


class Connection:
    """To be made, used and closed inside the running loop.

    `connected` is called with the local address, `take` with what arrives, `ended` with an errno (0: the far end closed
    it) and a sentence when it is not connected, or not any more. They are called from the loop or while `start` or
    `write` runs; none after `close`, and none after `ended`.
    """

    def __init__(
        self,
        way: Way,
        *,
        connected: Callable[[Endpoint], None],
        take: Callable[[bytes], None],
        ended: Callable[[int, str], None],
        unanswered_within: float = UNANSWERED_WITHIN,
    ) -> None:
        self._way = way
        self._on_connected = connected
        self._take = take
        self._on_end = ended
        self._unanswered_within = unanswered_within
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | None = None
        self._is_connected = False
        self._unsent = bytearray()
        self._rest: asyncio.TimerHandle | None = None

    def start(self) -> None:
        try:
            sock = bound_socket(socket.SOCK_STREAM, self._way.address, self._way.interface, self._way.source)
        except EdgeError as error:
            self._on_end(error.errno, str(error))
            return
        self._sock = sock
        try:
            with step(f"connect to {self._way}"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if sys.platform == "linux":
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(self._unanswered_within * 1000))
                number = sock.connect_ex(self._way.address)
                if number not in (0, *_CONNECTING):
                    raise OSError(number, os.strerror(number))
        except EdgeError as error:
            self._end(error.errno, str(error))
        else:
            self._loop.add_writer(sock.fileno(), self._connected, sock)

    @property
    def room(self) -> int:
        """Octets that `write` takes now."""
        return MOST_UNSENT - len(self._unsent)

    def write(self, data: bytes) -> int:
        """0, or the errno with which it was refused: ENOBUFS where too much waits already. Refused whole or not at all.

        Where the connection broke `ended` has been called when this returns.
        """
        if self._sock is None or not self._is_connected:
            return errno.ENOTCONN
        if len(data) > self.room:
            return errno.ENOBUFS
        if self._unsent:
            self._unsent += data
            return 0
        self._unsent += data
        number = self._send(self._sock)
        if self._unsent and not number:
            self._loop.add_writer(self._sock.fileno(), self._send_on, self._sock)
        return number

    def close(self) -> None:
        """At once; what has not been sent is lost. Nothing is called from now on."""
        if self._sock is None:
            return
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        self._sock = None

    def _connected(self, sock: socket.socket) -> None:
        self._loop.remove_writer(sock.fileno())
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._end(number, str(step_failed(f"connect to {self._way}", OSError(number, os.strerror(number)))))
            return
        self._is_connected = True
        self._loop.add_reader(sock.fileno(), self._wake, sock)
        self._on_connected(endpoint_of(sock.getsockname()))

    def _wake(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(MOST_AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:
            self._broke(error)
            return
        if not data:
            self._end(0, f"{self._way.address} closed the connection")
            return
        if len(data) == MOST_AT_ONCE:
            self._loop.remove_reader(sock.fileno())
            self._rest = self._loop.call_later(PAUSE, self._go_on, sock)
        self._take(data)

    def _go_on(self, sock: socket.socket) -> None:
        self._rest = None
        self._loop.add_reader(sock.fileno(), self._wake, sock)

    def _send_on(self, sock: socket.socket) -> None:
        if not self._send(sock) and not self._unsent:
            self._loop.remove_writer(sock.fileno())

    def _send(self, sock: socket.socket) -> int:
        """0, also where not all could be sent; or the errno that ended the connection."""
        try:
            del self._unsent[: sock.send(self._unsent)]
        except BlockingIOError:
            return 0
        except OSError as error:
            return self._broke(error)
        return 0

    def _broke(self, error: OSError) -> int:
        number = error.errno or errno.EIO
        self._end(number, str(step_failed(f"keep the connection to {self._way}", error)))
        return number

    def _end(self, number: int, reason: str) -> None:
        self.close()
        self._on_end(number, reason)
