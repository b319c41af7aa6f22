"""The sockets of one NAT measurement: many, all leaving through the WAN that is measured. TCP is nat_connection.py's.

They are bound to the WAN's address, and to its device where one was named. Those of UDP are not connected, because an
answer that comes from the wrong place is what some of the tests are about. Every datagram that arrives is decoded and
reported with its source; of those that are neither STUN nor SIP only so many a second, the others are dropped.

`report` is called while a command is being carried out, too: whoever listens queues. Nothing is reported for a socket
that has been closed.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from tonekeeper import __version__
from tonekeeper.core.nat.messages import (
    CloseSocket,
    Event,
    GarbageReceived,
    IcmpReceived,
    OpenSocket,
    SendRefused,
    SendSip,
    SendStun,
    SipReceived,
    SipSent,
    SocketOpened,
    SocketRefused,
    StunReceived,
)
from tonekeeper.edge.allowance import Allowance
from tonekeeper.edge.bound_socket import endpoint_of
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, keep_errors, read_errors_to
from tonekeeper.edge.measuring_socket import REMEDIES, measuring_socket, socket_through
from tonekeeper.edge.nat_connection import NatConnection
from tonekeeper.edge.reading import MOST_AT_ONCE, DatagramReading
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_response
from tonekeeper.wire.sip.mirror import MIRROR_TYPE, decode_copy
from tonekeeper.wire.sip.render import render_options
from tonekeeper.wire.sip.reply import decode_reply
from tonekeeper.wire.stun.codec import decode_stun, encode_stun, looks_like_stun

GARBAGE_PER_SECOND = 20
"""Datagrams that do not decode and are reported; as many again may come in a burst."""


# A reflector answers with 1.5 times what it was asked with at most, and a mirror repeats the request twice over: its
# copy, and the header fields that every answer has. So a question is made long enough to hold its answer.
_SOFTWARE = {False: f"tonekeeper {__version__}", True: f"tonekeeper {__version__} ".ljust(48, "-")}
_SIP_QUESTION = {False: 1000, True: 1200}
"""Octets. Both by "is IPv6"."""

Report = Callable[[Event], None]


def local_address(server: Endpoint, interface: str = "") -> str:
    """The address that datagrams to `server` leave with, through `interface` where one is named. Nothing is sent.

    `EdgeError` where there is no way there, no such interface, or no address on it.
    """
    sock = socket_through(server.is_ipv6, interface)
    through = f" through interface '{interface}'" if interface else ""
    try:
        sock.connect(server)
        host: str = sock.getsockname()[0].partition("%")[0]
    except OSError as error:
        raise EdgeError(f"reach {server}{through}", error, remedy=REMEDIES.get(error.errno or 0, "")) from None
    finally:
        sock.close()
    if host in ("0.0.0.0", "::"):
        missing = OSError(errno.EADDRNOTAVAIL, "no address")
        raise EdgeError(f"reach {server}{through}", missing, remedy=REMEDIES[errno.EADDRNOTAVAIL])
    return host


class NatSockets:
    """To be made, used and closed inside the running loop. `local` is an address of this host."""

    def __init__(self, report: Report, *, local: str, interface: str = "") -> None:
        self._report = report
        self._local = local
        self._interface = interface
        self._loop = asyncio.get_running_loop()
        self._garbage = Allowance(GARBAGE_PER_SECOND, GARBAGE_PER_SECOND, self._loop.time())
        self._open: dict[int, _NatSocket | NatConnection] = {}

    def execute(self, command: OpenSocket | CloseSocket | SendStun | SendSip) -> None:
        """Carry `command` out; its outcome is reported, nothing is raised."""
        match command:
            case OpenSocket():
                self._open_socket(command)
            case CloseSocket():
                self._close_socket(command.socket)
            case SendStun() | SendSip():
                self._send(command)
            case _:
                assert_never(command)

    def close(self) -> None:
        for number in list(self._open):
            self._close_socket(number)

    def _open_socket(self, command: OpenSocket) -> None:
        self._close_socket(command.socket)
        server = command.connect_to
        try:
            kind = socket.SOCK_DGRAM if server is None else socket.SOCK_STREAM
            sock = measuring_socket(self._local, command.port, self._interface, kind)
        except EdgeError as error:
            self._report(SocketRefused(command.socket, error.errno, str(error)))
            return
        if server is not None:
            self._open[command.socket] = NatConnection(command.socket, sock, server, self._report, self._loop)
            return
        opened = _NatSocket(command.socket, sock, self._report, self._loop, self._garbage)
        self._open[command.socket] = opened
        self._report(SocketOpened(command.socket, opened.local))

    def _close_socket(self, number: int) -> None:
        opened = self._open.pop(number, None)
        if opened is not None:
            opened.close()

    def _send(self, command: SendStun | SendSip) -> None:
        opened = self._open.get(command.socket)
        if opened is None:
            reason = "the socket is not open"
            self._report(SendRefused(command.socket, command.destination, errno.ENOTCONN, reason))
        elif isinstance(command, SendStun):
            opened.send(command.destination, stun_request(command))
        elif isinstance(opened, _NatSocket):
            request = sip_request(command, opened.local)
            if opened.send(command.destination, request):
                self._report(SipSent(command.socket, command.branch, request.decode()))


def stun_request(command: SendStun) -> bytes:
    """The datagram of `command`, with SOFTWARE so that the answer finds room (see above)."""
    message = command.message
    if message.software is None:
        message = replace(message, software=_SOFTWARE[command.destination.is_ipv6])
    return encode_stun(message)


def sip_request(command: SendSip, local: Endpoint) -> bytes:
    """The datagram of `command`, with a User-Agent as long as it takes."""

    def render(user_agent: str) -> bytes:
        return render_options(
            request_host=command.destination.host,
            address=command.destination,
            transport="udp",
            local=local,
            branch=command.branch,
            from_tag=command.from_tag,
            call_id=command.call_id,
            cseq=command.cseq,
            user_agent=user_agent,
        )

    plain = f"tonekeeper/{__version__}"
    missing = _SIP_QUESTION[local.is_ipv6] - len(render(f"{plain} ()"))
    request = render(f"{plain} ({'-' * missing})")
    return request.replace(b"/UDP ", b"/UDP\t", 1) if command.unusual_via else request


class _NatSocket:
    def __init__(
        self,
        number: int,
        sock: socket.socket,
        report: Report,
        loop: asyncio.AbstractEventLoop,
        garbage: Allowance,
    ) -> None:
        self._number = number
        self._sock = sock
        self._report = report
        self._loop = loop
        self._garbage = garbage
        self.local = endpoint_of(sock.getsockname())
        keep_errors(sock)
        self._reading = DatagramReading(sock, self._take, self._read_errors, loop)

    def close(self) -> None:
        self._reading.close()
        self._sock.close()

    def send(self, destination: Endpoint, data: bytes) -> bool:
        """Whether the kernel took it; if it did not, that has been reported."""
        if self._try_to_send(destination, data) is None:
            return True
        # An ICMP error that came earlier fails the next call on its socket, whatever that is. The second one tells.
        self._read_errors()
        refused = None if self._reading.closed else self._try_to_send(destination, data)
        if refused is not None:
            reason = str(EdgeError(f"send to {destination}", refused, remedy=REMEDIES.get(refused.errno or 0, "")))
            self._report(SendRefused(self._number, destination, refused.errno or errno.EIO, reason))
        return refused is None and not self._reading.closed

    def _try_to_send(self, destination: Endpoint, data: bytes) -> OSError | None:
        try:
            self._sock.sendto(data, destination)
        except OSError as error:
            return error
        return None

    def _read_errors(self) -> None:
        if self._reading.closed:
            return
        for destination, error in read_errors_to(self._sock, MOST_AT_ONCE):
            if self._reading.closed:
                return
            if error.origin != ORIGIN_LOCAL and destination is not None:
                self._report(IcmpReceived(self._number, destination, error.type, error.code, error.offender))

    def _take(self, data: bytes, source: Endpoint) -> None:
        event = decode_datagram(self._number, source, data)
        if not isinstance(event, GarbageReceived) or self._garbage.take(self._loop.time()):
            self._report(event)


def decode_datagram(number: int, source: Endpoint, data: bytes) -> StunReceived | SipReceived | GarbageReceived:
    """What a datagram on socket `number` is."""
    try:
        if looks_like_stun(data):
            return StunReceived(number, source, decode_stun(data))
        return SipReceived(number, source, decode_reply(data), _mirrored(data))
    except DecodeError as error:
        return GarbageReceived(number, source, str(error), len(data))


def _mirrored(data: bytes) -> str | None:
    """The request as it arrived at the mirror; None where there is no copy, or not all of it."""
    response = decode_response(data)
    if response.header("content-type") != MIRROR_TYPE:
        return None
    try:
        copy = decode_copy(response.body)
    except DecodeError:
        return None
    return copy.text if copy.is_complete else None
