"""One connected UDP socket for each path: what leaves on it takes that WAN, what comes back is ours to read.

The socket is bound to the WAN's device. Linux then looks for a route among those that leave through this device, so a
WAN is probed although another one has the better default route. What that look-up finds:

- a route in the main table, of whatever metric: used; the source address is that route's, or the device's first.
- a route only in another table: used if a policy rule leads there, for this device (`oif eth1`) or for the source
  address (`from 192.0.2.2`), be it given or the device's first.
- none at all: IPv4 takes the SBC for a neighbour on the link, nobody answers its ARP requests, and the path is silent.
  (The kernel's own host unreachable comes over `lo`, so it does not reach a socket bound to another device.) IPv6
  refuses with ENETUNREACH at once.

ICMP errors are read from the error queue as soon as they arrive (edge/error_queue.py). A flood of garbage costs a
bounded share of the loop: so many datagrams at a time, a pause in between, and of those that hold no branch of ours
only as many are decoded as the allowance permits. The others are counted and reported once a second.

`report` is called while a command is being carried out, too: whoever listens queues. Nothing is reported for a path
that has been closed.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import assert_never

from tonekeeper.core.commands import ClosePath, OpenPath, SendOptions
from tonekeeper.core.events import (
    DatagramIgnored,
    Event,
    IcmpReceived,
    PathOpened,
    PathRefused,
    ReplyReceived,
    SendRefused,
)
from tonekeeper.core.site import Path, Transport
from tonekeeper.edge.allowance import Allowance
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, keep_errors, read_errors
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.render import render_options
from tonekeeper.wire.sip.reply import decode_reply

MOST_AT_ONCE = 64
"""Datagrams, and error queue entries, read from one socket before the loop serves others."""
PAUSE = 0.01
"""Seconds a socket rests that still had more."""
STRANGERS_PER_SECOND = 20
"""Datagrams without a branch of ours that are decoded, to say what they are; as many again may come in a burst."""
DROPPED_EVERY = 1.0
"""Seconds between two reports of what was dropped undecoded."""

_LARGEST_DATAGRAM = 65535
_BRANCHES_REMEMBERED = 8

_REMEDIES = {
    errno.EPERM: "give the agent CAP_NET_RAW: kernels before 5.7 ask for it",
    errno.ENODEV: "name an interface that `ip link` shows",
    errno.EADDRNOTAVAIL: "the interface needs an address of this family, and `source` must be one of its own",
    errno.ENETUNREACH: "add a route that leaves through this interface",
    errno.EAFNOSUPPORT: "this kernel runs without the address family",
}

Report = Callable[[Event], None]


class ProbeSockets:
    """The sockets of all paths. To be made, used and closed inside the running loop."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._open: dict[Path, _PathSocket] = {}

    def execute(self, command: OpenPath | ClosePath | SendOptions) -> None:
        """Carry `command` out; its outcome is reported, nothing is raised."""
        match command:
            case OpenPath():
                self._open_path(command)
            case ClosePath():
                self._close_path(command.path)
            case SendOptions():
                self._send(command)
            case _:
                assert_never(command)

    def close(self) -> None:
        for path in list(self._open):
            self._close_path(path)

    def _open_path(self, command: OpenPath) -> None:
        self._close_path(command.path)
        try:
            sock = open_socket(command)
        except EdgeError as error:
            self._report(PathRefused(command.path, error.errno, str(error)))
            return
        opened = self._open[command.path] = _PathSocket(command.path, sock, self._report, self._loop)
        self._report(PathOpened(command.path, opened.local))

    def _close_path(self, path: Path) -> None:
        opened = self._open.pop(path, None)
        if opened is not None:
            opened.close()

    def _send(self, command: SendOptions) -> None:
        opened = self._open.get(command.path)
        if opened is None:
            self._report(SendRefused(command.path, command.branch, errno.ENOTCONN))
        else:
            opened.send(command)


def open_socket(command: OpenPath) -> socket.socket:
    """A non-blocking UDP socket bound and connected as `command` says; `EdgeError` names the step that failed."""
    address, interface = command.path.address, command.interface
    if command.path.transport is not Transport.UDP:
        raise EdgeError(f"probe {address} over {command.path.transport}", remedy="only udp is probed so far")
    with _step(f"open a socket for {address}"):
        sock = socket.socket(socket.AF_INET6 if address.is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        keep_errors(sock)
        with _step(f"bind a socket to interface '{interface}'"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        if command.source:
            with _step(f"bind a socket on '{interface}' to source '{command.source}'"):
                sock.bind((command.source, 0))
        with _step(f"reach {address} through interface '{interface}'"):
            sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


@contextmanager
def _step(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgeError(doing, error, remedy=_REMEDIES.get(error.errno or 0, "")) from None


class _PathSocket:
    """The open socket of one path."""

    def __init__(self, path: Path, sock: socket.socket, report: Report, loop: asyncio.AbstractEventLoop) -> None:
        self._path = path
        self._sock = sock
        self._report = report
        self._loop = loop
        self._closed = False
        self._branches: deque[bytes] = deque(maxlen=_BRANCHES_REMEMBERED)
        self._allowance = Allowance(STRANGERS_PER_SECOND, STRANGERS_PER_SECOND, loop.time())
        self._dropped = 0
        self._dropped_bytes = 0
        self._dropped_report: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self.local = _endpoint(sock.getsockname())
        loop.add_reader(sock.fileno(), self._wake)

    def close(self) -> None:
        self._closed = True
        for timer in (self._rest, self._dropped_report):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def send(self, command: SendOptions) -> None:
        data = render_options(
            request_host=command.request_host,
            address=self._path.address,
            transport=self._path.transport,
            local=self.local,
            branch=command.branch,
            from_tag=command.from_tag,
            call_id=command.call_id,
            cseq=command.cseq,
            user_agent=command.user_agent,
        )
        self._branches.append(command.branch.encode())
        if self._try_to_send(data):
            # An ICMP error that came earlier fails the next call on its socket, whatever that is. The second one tells.
            self._read_errors()
            refused = 0 if self._closed else self._try_to_send(data)
            if refused:
                self._report(SendRefused(self._path, command.branch, refused))

    def _try_to_send(self, data: bytes) -> int:
        """0, or the errno."""
        try:
            self._sock.send(data)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def _wake(self) -> None:
        self._read_errors()
        for _ in range(MOST_AT_ONCE):
            if self._closed:
                return
            try:
                data, source = self._sock.recvfrom(_LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                self._read_errors()
            else:
                self._take(data, _endpoint(source))
        if not self._closed:
            self._loop.remove_reader(self._sock.fileno())
            self._rest = self._loop.call_later(PAUSE, self._go_on)

    def _go_on(self) -> None:
        self._rest = None
        self._loop.add_reader(self._sock.fileno(), self._wake)

    def _read_errors(self) -> None:
        if self._closed:
            return
        for error in read_errors(self._sock, MOST_AT_ONCE):
            if self._closed:
                return
            if error.origin == ORIGIN_LOCAL:
                branch = self._branches[-1].decode() if self._branches else ""
                self._report(SendRefused(self._path, branch, error.errno))
            else:
                self._report(IcmpReceived(self._path, error.type, error.code, error.offender))

    def _take(self, data: bytes, source: Endpoint) -> None:
        if not any(branch in data for branch in self._branches) and not self._allowance.take(self._loop.time()):
            self._drop(data)
            return
        try:
            reply = decode_reply(data)
        except DecodeError as error:
            self._report(DatagramIgnored(self._path, source, str(error), len(data)))
        else:
            self._report(ReplyReceived(self._path, source, reply))

    def _drop(self, data: bytes) -> None:
        self._dropped += 1
        self._dropped_bytes += len(data)
        if self._dropped_report is None:
            self._dropped_report = self._loop.call_later(DROPPED_EVERY, self._report_dropped)

    def _report_dropped(self) -> None:
        reason = f"{self._dropped} datagrams without a branch of ours not decoded: more than {STRANGERS_PER_SECOND}/s"
        size = self._dropped_bytes
        self._dropped_report, self._dropped, self._dropped_bytes = None, 0, 0
        self._report(DatagramIgnored(self._path, self._path.address, reason, size))


def _endpoint(address: tuple[str, int] | tuple[str, int, int, int]) -> Endpoint:
    """Of a socket address; the zone of a link-local IPv6 address says nothing that the path does not say."""
    return Endpoint(address[0].partition("%")[0], address[1])
