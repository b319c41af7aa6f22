"""The HTTP listener: sockets, time-outs and back-pressure around `HttpConnection`.

A peer that does not read is not written to; its next request waits in the kernel. Whatever a peer has begun must
end within `request_time`, or the connection is dropped. A stream goes on until it ends, its peer leaves or says more,
or has not taken for `request_time` what it was given.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from tonekeeper.errors import EdgeError
from tonekeeper.faces.http.connection import HttpConnection, Limits
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, plain
from tonekeeper.wire.endpoint import Endpoint

if TYPE_CHECKING:
    from tonekeeper.faces.http.tls import Certificates

Respond = Callable[[HttpRequest], HttpResponse | HttpStream]
CallLater = Callable[[float, Callable[[], None]], asyncio.TimerHandle]

_REMEDIES = {
    errno.EADDRINUSE: "another program listens there: stop it, or give [http] listen another port",
    errno.EADDRNOTAVAIL: "this host does not have that address: correct [http] listen",
    errno.EACCES: "ports below 1024 need a privilege: give [http] listen a higher port",
}


class HttpServer:
    """Serves `respond` on `listen` until it is closed; over TLS where there are `certificates`."""

    def __init__(
        self,
        listen: Endpoint,
        respond: Respond,
        limits: Limits | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        self._listen = listen
        self._respond = respond
        self._limits = limits or Limits()
        self._certificates = certificates
        self._server: asyncio.Server | None = None
        self.peers = Peers(self._limits)

    async def start(self) -> Endpoint:
        """Listens; the address and the port in use (port 0: any free one). `EdgeError` where that is refused."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: self._meet(loop.call_later), self._listen.host, self._listen.port
            )
        except OSError as error:
            remedy = _REMEDIES.get(error.errno or 0, "")
            raise EdgeError(f"listen for HTTP on {self._listen}", error, remedy=remedy) from error
        host, port = self._server.sockets[0].getsockname()[:2]
        return Endpoint(host, port)

    async def close(self) -> None:
        """Stops listening and lets go of every connection at once."""
        if self._server is None:
            return
        self._server.close()
        self.peers.close()
        await self._server.wait_closed()
        self._server = None

    def _meet(self, call_later: CallLater) -> asyncio.BaseProtocol:
        peer = HttpPeer(self._respond, self._limits, self.peers, call_later)
        if self._certificates is None:
            return peer
        return self._certificates.cover(peer, self._limits.request_time, call_later)


class Peers:
    """Everyone connected, the one that came or asked longest ago first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._peers: dict[HttpPeer, None] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def admit(self, peer: HttpPeer) -> bool:
        """Takes `peer` in; False: there is no room, not even that of an idle connection."""
        if len(self._peers) >= self._limits.connections:
            idle = next((other for other in self._peers if other.is_idle), None)
            if idle is None:
                return False
            self.leave(idle)
            idle.close()
        self._peers[peer] = None
        return True

    def refresh(self, peer: HttpPeer) -> None:
        """`peer` has just been served: it is now the last to make room."""
        if peer in self._peers:
            self._peers[peer] = self._peers.pop(peer)

    def leave(self, peer: HttpPeer) -> None:
        self._peers.pop(peer, None)

    def close(self) -> None:
        for peer in tuple(self._peers):
            peer.close()
        self._peers.clear()


class HttpPeer(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, respond: Respond, limits: Limits, peers: Peers, call_later: CallLater) -> None:
        self._respond = respond
        self._limits = limits
        self._peers = peers
        self._call_later = call_later
        self._connection = HttpConnection(limits)
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._timer_is_for_idle = False
        self._is_write_paused = False
        self._end_stream: Callable[[], None] | None = None

    @property
    def is_idle(self) -> bool:
        return self._connection.is_idle and not self._connection.closed and not self._is_write_paused

    @property
    def is_behind(self) -> bool:
        return self._is_write_paused

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._peers.admit(self):
            self._arm()
        else:
            busy = plain(HTTPStatus.SERVICE_UNAVAILABLE, "cannot take one more connection", ("Retry-After", "1"))
            self._transport.write(self._connection.answer(busy))
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._connection.is_streaming:
            self.close()
            return
        self._connection.feed(data)
        self._serve()

    def write(self, piece: bytes) -> None:
        """Of the stream that was begun."""
        if not self._transport.is_closing():
            self._transport.write(self._connection.piece(piece))

    def end(self) -> None:
        """Of the stream that was begun; the next request is awaited."""
        self._end_stream = None
        if not self._transport.is_closing() and self._connection.is_streaming:
            self._transport.write(self._connection.end())
            self._serve()

    def eof_received(self) -> bool:
        if self._connection.is_streaming:
            self.close()
            return False
        self._connection.feed(b"")
        self._serve()
        return self._is_write_paused  # True keeps the way to the peer open until the answers are out

    def pause_writing(self) -> None:
        self._is_write_paused = True
        self._transport.pause_reading()
        if self._connection.is_streaming:
            self._arm()

    def resume_writing(self) -> None:
        self._is_write_paused = False
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        if self._connection.is_streaming:
            self._disarm()
        else:
            self._serve()

    def connection_lost(self, exc: Exception | None) -> None:
        self._peers.leave(self)
        self._disarm()
        self._leave_stream()

    def close(self) -> None:
        """Ends the connection now; an answer the peer has not taken yet is lost."""
        self._disarm()
        self._leave_stream()
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def _serve(self) -> None:
        """Answers every complete request, as long as the peer takes the answers."""
        while not self._is_write_paused and (step := self._connection.next_request()) is not None:
            self._answer(self._respond(step) if isinstance(step, HttpRequest) else step)
        if self._connection.is_streaming and not self._is_write_paused:
            return
        self._arm()
        if self._connection.closed and not self._is_write_paused:
            self._finish()

    def _answer(self, response: HttpResponse | HttpStream) -> None:
        self._disarm()
        self._peers.refresh(self)
        if isinstance(response, HttpResponse):
            self._transport.write(self._connection.answer(response))
            return
        self._transport.write(self._connection.begin(response))
        if self._connection.is_streaming:
            self._end_stream = response.open(self)

    def _leave_stream(self) -> None:
        end, self._end_stream = self._end_stream, None
        if end is not None:
            end()

    def _finish(self) -> None:
        """Ends our side and waits for the peer to end its own: closing over unread bytes would reset the connection,
        and the last answer would be lost with it."""
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _arm(self) -> None:
        """Sets the timer of what the peer is doing now: nothing, or something begun. What runs already goes on."""
        is_idle = self.is_idle
        if self._timer is not None and self._timer_is_for_idle == is_idle:
            return
        self._disarm()
        self._timer_is_for_idle = is_idle
        self._timer = self._call_later(
            self._limits.idle_time if is_idle else self._limits.request_time, self._run_out_of_time
        )

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run_out_of_time(self) -> None:
        self._timer = None
        if not self._is_write_paused and (late := self._connection.time_out()) is not None:
            self._answer(late)
        self.close()
