"""The connected UDP socket of one path: what leaves on it takes that WAN, what comes back is ours to read.

ICMP errors are read from the error queue as soon as they arrive (edge/error_queue.py).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING

from tonekeeper.core.commands import SendBindingRequest, SendOptions
from tonekeeper.core.events import IcmpReceived, SendRefused
from tonekeeper.core.site import Path
from tonekeeper.edge.bound_socket import endpoint_of
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, read_errors
from tonekeeper.edge.probing import Probing, Report
from tonekeeper.edge.reading import MOST_AT_ONCE, DatagramReading
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.framing import PING

if TYPE_CHECKING:
    from tonekeeper.edge.binding_requests import BindingRequests


class DatagramPath:
    """`sock` is connected; it is closed with the path."""

    def __init__(self, path: Path, sock: socket.socket, report: Report, loop: asyncio.AbstractEventLoop) -> None:
        self._path = path
        self._sock = sock
        self._report = report
        self._probing = Probing(path, report, loop)
        self.local = endpoint_of(sock.getsockname())
        self._binding_requests: BindingRequests | None = None
        self._reading = DatagramReading(sock, self._take, self._read_errors, loop)

    def close(self) -> None:
        self._reading.close()
        self._probing.close()
        self._sock.close()

    def send_options(self, command: SendOptions) -> None:
        self._send(self._probing.request(command, self.local), command.branch)

    def send_crlf(self) -> None:
        self._send(PING, "")

    def send_binding_request(self, command: SendBindingRequest) -> None:
        from tonekeeper.edge.binding_requests import BindingRequests  # noqa: PLC0415 - most SBCs are never asked

        self._binding_requests = self._binding_requests or BindingRequests(self._path)
        self._send(self._binding_requests.request(command.transaction_id), "")

    def _take(self, data: bytes, source: Endpoint) -> None:
        said = None if self._binding_requests is None else self._binding_requests.understand(data, source)
        if said is None:
            self._probing.take(data, source)
        else:
            self._report(said)

    def _send(self, data: bytes, branch: str) -> None:
        if self._try_to_send(data):
            # An ICMP error that came earlier fails the next call on its socket, whatever that is. The second one tells.
            self._read_errors()
            refused = 0 if self._reading.closed else self._try_to_send(data)
            if refused:
                self._report(SendRefused(self._path, branch, refused))

    def _try_to_send(self, data: bytes) -> int:
        """0, or the errno."""
        try:
            self._sock.send(data)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def _read_errors(self) -> None:
        if self._reading.closed:
            return
        for error in read_errors(self._sock, MOST_AT_ONCE):
            if self._reading.closed:
                return
            if error.origin == ORIGIN_LOCAL:
                self._report(SendRefused(self._path, self._probing.latest_branch, error.errno))
            else:
                self._report(IcmpReceived(self._path, error.type, error.code, error.offender))
