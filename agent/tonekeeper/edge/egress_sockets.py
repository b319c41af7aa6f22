"""The sockets of one examination of a path: all leave through its WAN, none is shared with the probing of it.

The UDP socket is connected, so that nobody but the SBC is heard on it and ICMP errors find it; it needs no privilege
where the kernel lets anybody bind to a device (5.7 and later). `report` is called while a command is being carried
out, too: whoever listens queues. Nothing is reported after `close`.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import assert_never

from tonekeeper.core.commands import ExamineEgress
from tonekeeper.core.egress.messages import (
    Action,
    Connect,
    Event,
    IcmpReceived,
    OpenSocket,
    OpenStream,
    ReplyReceived,
    SendOptions,
    SendRefused,
    SocketOpened,
    SocketRefused,
    StreamEnded,
    StreamOpened,
    WalkWay,
)
from tonekeeper.core.egress.result import Icmp
from tonekeeper.core.events import TlsFacts
from tonekeeper.core.site import Transport
from tonekeeper.edge.allowance import Allowance
from tonekeeper.edge.bound_socket import bound_socket, endpoint_of
from tonekeeper.edge.connection import Way
from tonekeeper.edge.egress_connection import EgressConnection
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, read_errors
from tonekeeper.edge.packet_length import headers_of, interface_mtu, let_be_cut, send_whole
from tonekeeper.edge.reading import MOST_AT_ONCE, DatagramReading
from tonekeeper.edge.route_match import leads_there
from tonekeeper.edge.stream import Secured, Stream
from tonekeeper.edge.ttl_walk import Walk
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.render import render_options
from tonekeeper.wire.sip.reply import decode_reply

REPLIES_PER_SECOND = 50
"""Decoded; as many again may come in a burst. What comes beyond is not looked at."""

Report = Callable[[Event], None]


class EgressSockets:
    """To be made, used and closed inside the running loop."""

    def __init__(self, report: Report, question: ExamineEgress) -> None:
        self._report = report
        self._question = question
        self._loop = asyncio.get_running_loop()
        self._datagrams: _Datagrams | None = None
        self._connection: EgressConnection | None = None
        self._stream: _StreamOfReplies | None = None
        self._walk: Walk | None = None
        self._closed = False

    def execute(self, action: Action) -> None:
        """Carry `action` out; its outcome is reported, nothing is raised."""
        match action:
            case OpenSocket():
                self._open_socket()
            case Connect():
                self._close(self._connection)
                self._connection = EgressConnection(self._question, self._tell, self._loop)
            case OpenStream():
                self._close(self._connection, self._stream)
                self._stream = _StreamOfReplies(self._question, self._tell)
                self._stream.start()
            case SendOptions():
                self._send(action)
            case WalkWay():
                self._close(self._walk)
                path, question = self._question.path, self._question
                self._walk = Walk(path, question.interface, question.source, self._tell, octets=action.octets)
            case _:
                assert_never(action)

    def close(self) -> None:
        """May be called twice."""
        self._closed = True
        self._close(self._datagrams, self._connection, self._stream, self._walk)

    def _close(self, *opened: _Datagrams | EgressConnection | _StreamOfReplies | Walk | None) -> None:
        for one in opened:
            if one is not None:
                one.close()

    def _open_socket(self) -> None:
        question = self._question
        address = question.path.address
        try:
            sock = bound_socket(socket.SOCK_DGRAM, address, question.interface, question.source)
        except EdgeError as error:
            self._tell(SocketRefused(error.errno, str(error)))
            return
        try:
            sock.connect(address)
            mtu = interface_mtu(sock, question.interface)
        except OSError as error:
            sock.close()
            self._tell(SendRefused(error.errno or errno.EIO))
            return
        if not leads_there(address, question.interface, sock.getsockname()[0]):
            sock.close()
            self._tell(SendRefused(errno.ENETUNREACH))
            return
        self._datagrams = _Datagrams(sock, self._tell, self._loop)
        self._tell(SocketOpened(self._datagrams.local.host, mtu))

    def _send(self, command: SendOptions) -> None:
        if self._stream is not None:
            self._stream.send(_request(command, self._question, self._stream.local, command.octets))
        elif self._datagrams is not None:
            octets = max(0, command.octets - headers_of(self._question.path.address))
            request = _request(command, self._question, self._datagrams.local, octets)
            self._datagrams.send(request, whole=command.whole)

    def _tell(self, event: Event) -> None:
        if not self._closed:
            self._report(event)


def _request(command: SendOptions, question: ExamineEgress, local: Endpoint, octets: int) -> bytes:
    request = render_options(
        request_host=question.request_host,
        address=question.path.address,
        transport=question.path.transport,
        local=local,
        branch=command.branch,
        from_tag=command.from_tag,
        call_id=command.call_id,
        cseq=command.cseq,
        user_agent=question.user_agent,
        octets=octets,
    )
    return request.replace(b"/UDP ", b"/UDP\t", 1) if command.unusual else request


class _Datagrams:
    """`sock` is connected."""

    def __init__(self, sock: socket.socket, tell: Report, loop: asyncio.AbstractEventLoop) -> None:
        self._sock = sock
        self._tell = tell
        self._replies = _Replies(tell, loop)
        self.local = endpoint_of(sock.getsockname())
        self._reading = DatagramReading(sock, self._take, self._take_errors, loop)

    def close(self) -> None:
        self._reading.close()
        self._sock.close()

    def send(self, request: bytes, *, whole: bool) -> None:
        """An ICMP error that came earlier fails the next call on its socket, whatever that is. The second one tells."""
        if self._reading.closed:
            return
        (send_whole if whole else let_be_cut)(self._sock)
        if self._try_to_send(request):
            mtu = self._read_errors()
            number = 0 if self._reading.closed else self._try_to_send(request)
            if number:
                self._tell(SendRefused(number, self._read_errors() or mtu))

    def _take(self, data: bytes, source: Endpoint) -> None:
        self._replies.take(data)

    def _take_errors(self) -> None:
        self._read_errors()

    def _try_to_send(self, request: bytes) -> int:
        try:
            self._sock.send(request)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def _read_errors(self) -> int:
        """Tells what came from elsewhere; what this host itself said of the length (0: nothing)."""
        mtu = 0
        if self._reading.closed:
            return mtu
        for error in read_errors(self._sock, MOST_AT_ONCE):
            if error.origin == ORIGIN_LOCAL:
                mtu = error.info if error.errno == errno.EMSGSIZE else mtu
            else:
                self._tell(IcmpReceived(Icmp(error.type, error.code, error.offender, error.info)))
        return mtu


class _Replies:
    def __init__(self, tell: Report, loop: asyncio.AbstractEventLoop) -> None:
        self._tell = tell
        self._loop = loop
        self._allowance = Allowance(REPLIES_PER_SECOND, REPLIES_PER_SECOND, loop.time())

    def take(self, data: bytes) -> None:
        if not self._allowance.take(self._loop.time()):
            return
        try:
            reply = decode_reply(data)
        except DecodeError:
            return  # whoever sends that has not answered
        self._tell(ReplyReceived(reply.branch, reply.status))


class _StreamOfReplies:
    def __init__(self, question: ExamineEgress, tell: Report) -> None:
        self._tell = tell
        self._replies = _Replies(tell, asyncio.get_running_loop())
        address, secured = question.path.address, None
        if question.path.transport is Transport.TLS:
            secured = Secured(question.server_name or address.host, question.tls)
        self._stream = Stream(Way(address, question.interface, question.source), self, secured)

    @property
    def local(self) -> Endpoint:
        return self._stream.local

    def start(self) -> None:
        self._stream.start()

    def close(self) -> None:
        self._stream.close()

    def send(self, request: bytes) -> None:
        number = self._stream.send(request)
        if number:
            self._tell(StreamEnded(number, f"the request of {len(request)} octets could not be sent"))

    def on_tls(self, facts: TlsFacts) -> None:
        """What the handshake showed is told on the path itself."""

    def on_open(self, local: Endpoint) -> None:
        self._tell(StreamOpened())

    def on_message(self, data: bytes) -> None:
        self._replies.take(data)

    def on_pong(self) -> None:
        """Nothing is pinged in so short a time."""

    def on_end(self, number: int, reason: str) -> None:
        self._tell(StreamEnded(number, reason))
