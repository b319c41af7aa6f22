"""The way of one deep probe to its SBC: a UDP socket or a connection of its own, and a socket for media beside it.

Its own, because an SBC that sees two users on one flow takes them for one, and because a probe that breaks a
connection must not take the path's OPTIONS with it. What leaves takes the WAN of the path (edge/bound_socket.py). The
UDP socket is connected, so nobody but the SBC is heard on it.

`report` is called while a command is being carried out, too: whoever listens queues. Nothing is reported after `close`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from typing import Protocol, assert_never

from tonekeeper.core.commands import ProbeDepth
from tonekeeper.core.depth.messages import (
    Action,
    Event,
    GarbageReceived,
    MediaOpened,
    MediaRefused,
    OpenMedia,
    OpenSignalling,
    SendRtp,
    SendSip,
    SignallingBroken,
    SignallingOpened,
    SignallingRefused,
    SipReceived,
)
from tonekeeper.core.events import TlsFacts
from tonekeeper.core.site import Transport
from tonekeeper.edge.allowance import Allowance
from tonekeeper.edge.bound_socket import bound_socket, endpoint_of, step
from tonekeeper.edge.connection import Way
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, read_errors
from tonekeeper.edge.media_socket import MediaSocket
from tonekeeper.edge.reading import MOST_AT_ONCE, DatagramReading
from tonekeeper.edge.stream import Secured, Stream
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_message

MESSAGES_PER_SECOND = 50
"""Decoded; as many again may come in a burst. What comes beyond is not looked at."""

Report = Callable[[Event], None]


class _Way(Protocol):
    @property
    def local(self) -> Endpoint: ...
    def send(self, data: bytes) -> int:
        """0, or the errno."""

    def close(self) -> None: ...


class DepthSockets:
    """To be made, used and closed inside the running loop. `command` tells where to, and how."""

    def __init__(self, report: Report, command: ProbeDepth) -> None:
        self._report = report
        self._command = command
        self._loop = asyncio.get_running_loop()
        self._allowance = Allowance(MESSAGES_PER_SECOND, MESSAGES_PER_SECOND, self._loop.time())
        self._signalling: _Way | None = None
        self._media: MediaSocket | None = None
        self._closed = False

    def execute(self, action: Action) -> None:
        """Carry `action` out; its outcome is reported, nothing is raised."""
        match action:
            case OpenSignalling():
                self._open_signalling()
            case SendSip():
                self._send(action.data)
            case OpenMedia():
                self._open_media()
            case SendRtp():
                if self._media is not None:
                    self._media.send(action)
            case _:
                assert_never(action)

    def close(self) -> None:
        """May be called twice."""
        self._closed = True
        opened, self._signalling, self._media = (self._signalling, self._media), None, None
        for way in opened:
            if way is not None:
                way.close()

    def _open_signalling(self) -> None:
        path = self._command.path
        if path.transport is not Transport.UDP:
            connecting = self._signalling = _StreamWay(self._command, self._tell, self._take)
            connecting.start()
            return
        try:
            self._signalling = _DatagramWay(self._command, self._tell, self._take)
        except EdgeError as error:
            self._tell(SignallingRefused(error.errno, str(error)))
        else:
            self._tell(SignallingOpened(self._signalling.local))

    def _open_media(self) -> None:
        assert self._signalling is not None
        command, source = self._command, self._signalling.local.host
        try:
            self._media = MediaSocket(command.path.address, command.interface, source, self._tell)
        except EdgeError as error:
            self._tell(MediaRefused(error.errno, str(error)))
        else:
            self._tell(MediaOpened(self._media.local))

    def _send(self, data: bytes) -> None:
        number = self._signalling.send(data) if self._signalling is not None else errno.ENOTCONN
        if number:
            error = OSError(number, os.strerror(number))
            self._tell(SignallingBroken(str(EdgeError(f"send to {self._command.path.address}", error))))

    def _take(self, data: bytes) -> None:
        if not data.strip(b"\r\n") or not self._allowance.take(self._loop.time()):
            return
        try:
            self._tell(SipReceived(decode_message(data)))
        except DecodeError as error:
            self._tell(GarbageReceived(str(error)))

    def _tell(self, event: Event) -> None:
        if not self._closed:
            self._report(event)


class _DatagramWay:
    """A connected UDP socket. `EdgeError` names the step that failed."""

    def __init__(self, command: ProbeDepth, tell: Report, take: Callable[[bytes], None]) -> None:
        address, interface = command.path.address, command.interface
        self._tell = tell
        self._sock = bound_socket(socket.SOCK_DGRAM, address, interface, command.source)
        try:
            with step(f"reach {address} through interface '{interface}'"):
                self._sock.connect(address)
        except EdgeError:
            self._sock.close()
            raise
        self.local = endpoint_of(self._sock.getsockname())
        loop = asyncio.get_running_loop()
        self._reading = DatagramReading(self._sock, lambda data, source: take(data), self._read_errors, loop)

    def close(self) -> None:
        self._reading.close()
        self._sock.close()

    def send(self, data: bytes) -> int:
        """An ICMP error that came earlier fails the next call on its socket, whatever that is. The second one tells."""
        if not self._try_to_send(data):
            return 0
        self._read_errors()
        return 0 if self._reading.closed else self._try_to_send(data)

    def _try_to_send(self, data: bytes) -> int:
        try:
            self._sock.send(data)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def _read_errors(self) -> None:
        if self._reading.closed:
            return
        for error in read_errors(self._sock, MOST_AT_ONCE):
            # A path that wants smaller packets gets them with the next repetition.
            if error.origin != ORIGIN_LOCAL and error.errno != errno.EMSGSIZE:
                self._tell(SignallingBroken(f"ICMP {error.type}/{error.code} from {error.offender}"))


class _StreamWay:
    """A connection over TCP or TLS; it is reported whether it came about."""

    def __init__(self, command: ProbeDepth, tell: Report, take: Callable[[bytes], None]) -> None:
        self._tell = tell
        self._take = take
        self._was_open = False
        address, secured = command.path.address, None
        if command.path.transport is Transport.TLS:
            secured = Secured(command.server_name or address.host, command.tls)
        self._stream = Stream(Way(address, command.interface, command.source), self, secured)

    @property
    def local(self) -> Endpoint:
        return self._stream.local

    def start(self) -> None:
        self._stream.start()

    def send(self, data: bytes) -> int:
        return self._stream.send(data)

    def close(self) -> None:
        self._stream.close()

    def on_tls(self, facts: TlsFacts) -> None:
        """What the handshake showed is told on the path itself."""

    def on_open(self, local: Endpoint) -> None:
        self._was_open = True
        self._tell(SignallingOpened(local))

    def on_pong(self) -> None:
        """Nothing is pinged in so short a time."""

    def on_message(self, data: bytes) -> None:
        self._take(data)

    def on_end(self, number: int, reason: str) -> None:
        self._tell(SignallingBroken(reason) if self._was_open else SignallingRefused(number, reason))
