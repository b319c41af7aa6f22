"""One connected socket for each path: what leaves on it takes that WAN, what comes back is ours to read.

The socket is bound to the WAN's device. Linux then looks for a route among those that leave through this device, so a
WAN is probed although another one has the better default route. What that look-up finds:

- a route in the main table, of whatever metric: used; the source address is that route's, or the device's first.
- a route only in another table: used if a policy rule leads there, for this device (`oif eth1`) or for the source
  address (`from 192.0.2.2`), be it given or the device's first.
- none at all: IPv4 takes the SBC for a neighbour on the link, nobody answers its ARP requests, and the path is silent.
  (The kernel's own host unreachable comes over `lo`, so it does not reach a socket bound to another device.) IPv6
  refuses with ENETUNREACH at once.

A path over UDP is open at once (datagram_path.py); one over TCP or TLS when it is connected and its certificate was
accepted (stream_path.py). A flood of garbage costs a bounded share of the loop: so much at a time, a pause in between,
and of what holds no branch of ours only as much is decoded as the allowance permits (reading.py, probing.py).

`report` is called while a command is being carried out, too: whoever listens queues. Nothing is reported for a path
that has been closed.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Protocol, assert_never

from tonekeeper.core.commands import ClosePath, OpenPath, SendBindingRequest, SendCrlf, SendOptions
from tonekeeper.core.events import PathOpened, PathRefused, SendRefused
from tonekeeper.core.site import Path, Transport
from tonekeeper.edge.bound_socket import bound_socket, step
from tonekeeper.edge.datagram_path import DatagramPath
from tonekeeper.edge.probing import Report
from tonekeeper.edge.stream_path import StreamPath
from tonekeeper.errors import EdgeError


class OpenedPath(Protocol):
    def send_options(self, command: SendOptions) -> None: ...
    def send_crlf(self) -> None: ...
    def send_binding_request(self, command: SendBindingRequest) -> None: ...
    def close(self) -> None: ...


class ProbeSockets:
    """The sockets of all paths. To be made, used and closed inside the running loop."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._open: dict[Path, OpenedPath] = {}

    def execute(self, command: OpenPath | ClosePath | SendOptions | SendCrlf | SendBindingRequest) -> None:
        """Carry `command` out; its outcome is reported, nothing is raised."""
        match command:
            case OpenPath():
                self._open_path(command)
            case ClosePath():
                self._close_path(command.path)
            case SendOptions():
                self._send_options(command)
            case SendCrlf():
                self._send_crlf(command.path)
            case SendBindingRequest():
                self._send_binding_request(command)
            case _:
                assert_never(command)

    def close(self) -> None:
        for path in list(self._open):
            self._close_path(path)

    def _open_path(self, command: OpenPath) -> None:
        self._close_path(command.path)
        if command.path.transport is not Transport.UDP:
            self._open[command.path] = StreamPath(command, self._report, self._loop)
            return
        try:
            sock = open_socket(command)
        except EdgeError as error:
            self._report(PathRefused(command.path, error.errno, str(error)))
            return
        opened = self._open[command.path] = DatagramPath(command.path, sock, self._report, self._loop)
        self._report(PathOpened(command.path, opened.local))

    def _close_path(self, path: Path) -> None:
        opened = self._open.pop(path, None)
        if opened is not None:
            opened.close()

    def _send_options(self, command: SendOptions) -> None:
        opened = self._open.get(command.path)
        if opened is None:
            self._report(SendRefused(command.path, command.branch, errno.ENOTCONN))
        else:
            opened.send_options(command)

    def _send_crlf(self, path: Path) -> None:
        opened = self._open.get(path)
        if opened is None:
            self._report(SendRefused(path, "", errno.ENOTCONN))
        else:
            opened.send_crlf()

    def _send_binding_request(self, command: SendBindingRequest) -> None:
        opened = self._open.get(command.path)
        if opened is None:
            self._report(SendRefused(command.path, "", errno.ENOTCONN))
        else:
            opened.send_binding_request(command)


def open_socket(command: OpenPath) -> socket.socket:
    """A non-blocking UDP socket bound and connected as `command` says; `EdgeError` names the step that failed."""
    address, interface = command.path.address, command.interface
    sock = bound_socket(socket.SOCK_DGRAM, address, interface, command.source)
    try:
        with step(f"reach {address} through interface '{interface}'"):
            sock.connect(address)
    except EdgeError:
        sock.close()
        raise
    return sock
