"""Reading datagrams in bounded shares: a flood on one socket leaves the others their turn, and the loop its rest."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from tonekeeper.edge.bound_socket import endpoint_of
from tonekeeper.wire.endpoint import Endpoint

MOST_AT_ONCE = 64
"""Datagrams, and error queue entries, read from one socket before the loop serves others."""
PAUSE = 0.01
"""Seconds a socket rests that still had more."""

_LARGEST_DATAGRAM = 65535


class DatagramReading:
    """Reads `sock` whenever something is there: `errors` is called for its error queue, `take` for each datagram.

    `errors` comes first, and again when a call on the socket failed. Either may call `close`, which ends it at once.
    """

    def __init__(
        self,
        sock: socket.socket,
        take: Callable[[bytes, Endpoint], None],
        errors: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._sock = sock
        self._take = take
        self._errors = errors
        self._loop = loop
        self._rest: asyncio.TimerHandle | None = None
        self.closed = False
        loop.add_reader(sock.fileno(), self._wake)

    def close(self) -> None:
        """Stop reading; the socket itself is the caller's to close, after this."""
        self.closed = True
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._sock.fileno())

    def _wake(self) -> None:
        self._errors()
        for _ in range(MOST_AT_ONCE):
            if self.closed:
                return
            try:
                data, source = self._sock.recvfrom(_LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                self._errors()
            else:
                self._take(data, endpoint_of(source))
        if not self.closed:
            self._loop.remove_reader(self._sock.fileno())
            self._rest = self._loop.call_later(PAUSE, self._go_on)

    def _go_on(self) -> None:
        self._rest = None
        self._loop.add_reader(self._sock.fileno(), self._wake)
