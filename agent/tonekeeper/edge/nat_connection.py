"""One TCP connection of a NAT measurement: opened, asked over once, and left idle.

The kernel must not break the silence: no keepalives, no delayed acknowledgement of the last answer, and a reset at the
end, after which neither the NAT nor the server waits for more.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable

from tonekeeper.core.nat.messages import ConnectionEnded, Event, SendRefused, SocketOpened, SocketRefused, StunReceived
from tonekeeper.edge.bound_socket import endpoint_of
from tonekeeper.edge.measuring_socket import REMEDIES
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.codec import decode_stun
from tonekeeper.wire.stun.stream import split_stream

CONNECT_WITHIN = 5.0
"""Seconds: the kernel has then tried it three times, after 1 and after 3 s again."""

_READ_AT_ONCE = 4096
_RESET = struct.pack("ii", 1, 0)


class NatConnection:
    """Connects by being constructed. Reports SocketOpened or SocketRefused, then what arrives, and its end, once."""

    def __init__(
        self,
        number: int,
        sock: socket.socket,
        server: Endpoint,
        report: Callable[[Event], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._number = number
        self._sock = sock
        self._server = server
        self._report = report
        self._loop = loop
        self._closed = False
        self._rest = b""
        self._patience = loop.call_later(CONNECT_WITHIN, self._refuse, errno.ETIMEDOUT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        failed = sock.connect_ex(server)
        if failed in (0, errno.EINPROGRESS):
            loop.add_writer(sock.fileno(), self._decide)
        else:
            self._refuse(failed)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._patience.cancel()
        self._loop.remove_writer(self._sock.fileno())
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def send(self, destination: Endpoint, data: bytes) -> bool:
        """Whether the kernel took it all; if it did not, that has been reported."""
        try:
            if self._sock.send(data) == len(data):
                return True
            refused = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        except OSError as error:
            refused = error
        reason = str(EdgeError(f"send to {destination} over TCP", refused))
        self._report(SendRefused(self._number, destination, refused.errno or errno.EIO, reason))
        return False

    def _decide(self) -> None:
        failed = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            self._refuse(failed)
            return
        self._patience.cancel()
        self._loop.remove_writer(self._sock.fileno())
        self._loop.add_reader(self._sock.fileno(), self._wake)
        self._acknowledge_at_once()
        self._report(SocketOpened(self._number, endpoint_of(self._sock.getsockname())))

    def _refuse(self, number: int) -> None:
        self.close()
        error = OSError(number, os.strerror(number))
        reason = str(EdgeError(f"connect to {self._server}", error, remedy=REMEDIES.get(number, "")))
        self._report(SocketRefused(self._number, number, reason))

    def _acknowledge_at_once(self) -> None:
        """The kernel forgets it soon, so it is told each time."""
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _wake(self) -> None:
        try:
            data = self._sock.recv(_READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error.strerror or str(error))
            return
        if not data:
            self._end("closed by the other side")
            return
        self._acknowledge_at_once()
        try:
            messages, self._rest = split_stream(self._rest + data)
            for message in map(decode_stun, messages):
                if not self._closed:
                    self._report(StunReceived(self._number, self._server, message))
        except DecodeError as error:
            self._end(str(error))

    def _end(self, reason: str) -> None:
        if not self._closed:
            self.close()
            self._report(ConnectionEnded(self._number, reason))
