"""The connection of one path over TCP or TLS: its life told to the core, and the probes on it."""

from __future__ import annotations

import asyncio
import errno

from tonekeeper.core.commands import OpenPath, SendBindingRequest, SendOptions
from tonekeeper.core.events import PathOpened, PathRefused, PongReceived, SendRefused, StreamEnded, TlsFacts, TlsSeen
from tonekeeper.core.site import Transport
from tonekeeper.edge.connection import Way
from tonekeeper.edge.probing import Probing, Report
from tonekeeper.edge.stream import Secured, Stream
from tonekeeper.wire.endpoint import Endpoint


class StreamPath:
    """Connects when it is made, answered by PathOpened or PathRefused. Once ended it refuses what is to be sent."""

    def __init__(self, command: OpenPath, report: Report, loop: asyncio.AbstractEventLoop) -> None:
        self._path = command.path
        self._report = report
        self._probing = Probing(command.path, report, loop)
        self._was_open = False
        address = command.path.address
        secured = None
        if command.path.transport is Transport.TLS:
            secured = Secured(command.server_name or address.host, command.tls)
        self._stream = Stream(Way(address, command.interface, command.source), self, secured)
        self._stream.start()

    def close(self) -> None:
        self._stream.close()
        self._probing.close()

    def send_options(self, command: SendOptions) -> None:
        if not self._stream.is_open:
            self._refuse(command.branch, errno.ENOTCONN)
        else:
            self._refuse(command.branch, self._stream.send(self._probing.request(command, self._stream.local)))

    def send_crlf(self) -> None:
        self._refuse("", self._stream.ping())

    def send_binding_request(self, _command: SendBindingRequest) -> None:
        """A connection is pinged."""
        self._refuse("", errno.EOPNOTSUPP)

    def _refuse(self, branch: str, number: int) -> None:
        if number:
            self._report(SendRefused(self._path, branch, number))

    def on_tls(self, facts: TlsFacts) -> None:
        self._report(TlsSeen(self._path, facts))

    def on_open(self, local: Endpoint) -> None:
        self._was_open = True
        self._report(PathOpened(self._path, local))

    def on_message(self, data: bytes) -> None:
        self._probing.take(data, self._path.address)

    def on_pong(self) -> None:
        self._report(PongReceived(self._path))

    def on_end(self, number: int, reason: str) -> None:
        self._probing.close()
        ended = StreamEnded if self._was_open else PathRefused
        self._report(ended(self._path, number, reason))
