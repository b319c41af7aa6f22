"""SIP over TCP on the loopback: opening, messages, keepalives, and every end that needs no other host."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tonekeeper.core.events import TlsFacts
from tonekeeper.core.site import TlsPolicy
from tonekeeper.edge.connection import MOST_AT_ONCE, MOST_UNSENT, Way
from tonekeeper.edge.stream import Secured, Stream
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.framing import PING, PONG

OK = b"SIP/2.0 200 OK\r\nCall-ID: a\r\nContent-Length: 3\r\n\r\nabc"
RINGING = b"SIP/2.0 180 Ringing\r\nl: 0\r\n\r\n"
NO_LINGER = struct.pack("ii", 1, 0)
"""With it, closing a socket resets its connection."""


class Heard:
    """What a stream told, in order."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self.when_told: Callable[[str], None] = lambda what: None

    def on_tls(self, facts: TlsFacts) -> None:
        self._tell("tls", facts)

    def on_open(self, local: Endpoint) -> None:
        self._tell("open", local)

    def on_pong(self) -> None:
        self._tell("pong")

    def on_message(self, data: bytes) -> None:
        self._tell("message", data)

    def on_end(self, number: int, reason: str) -> None:
        self._tell("end", number, reason)

    def _tell(self, *told: Any) -> None:
        self.told.put_nowait(told)
        self.when_told(told[0])

    async def next(self) -> tuple[Any, ...]:
        async with asyncio.timeout(5.0):
            return await self.told.get()


class Server:
    """Listens, and hands out the connections that come."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.create_server((host, 0), family=family)
        self.sock.setblocking(False)
        self.endpoint = Endpoint(*self.sock.getsockname()[:2])

    async def accept(self) -> socket.socket:
        async with asyncio.timeout(5.0):
            accepted, _ = await asyncio.get_running_loop().sock_accept(self.sock)
        return accepted

    async def receive(self, accepted: socket.socket, size: int) -> bytes:
        loop, data = asyncio.get_running_loop(), b""
        async with asyncio.timeout(5.0):
            while len(data) < size:
                data += await loop.sock_recv(accepted, size - len(data))
        return data

    async def see_the_end(self, accepted: socket.socket) -> None:
        async with asyncio.timeout(5.0):
            with suppress(ConnectionResetError):  # where it was closed with something unread
                assert await asyncio.get_running_loop().sock_recv(accepted, 1) == b""


@asynccontextmanager
async def connected(host: str = "127.0.0.1") -> AsyncIterator[tuple[Stream, Heard, Server, socket.socket]]:
    server, heard = Server(host), Heard()
    stream = Stream(Way(server.endpoint, "lo"), heard)
    stream.start()
    accepted = await server.accept()
    assert await heard.next() == ("open", stream.local)
    try:
        yield stream, heard, server, accepted
    finally:
        stream.close()
        accepted.close()
        server.sock.close()


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_messages_go_both_ways_however_they_are_cut(host):
    async def scenario() -> None:
        async with connected(host) as (stream, heard, server, accepted):
            assert stream.local == Endpoint(*accepted.getpeername()[:2])
            assert stream.send(RINGING) == 0
            assert await server.receive(accepted, len(RINGING)) == RINGING
            for cut in (OK[:10], OK[10:-1], OK[-1:] + RINGING + OK[:1], OK[1:]):
                await asyncio.get_running_loop().sock_sendall(accepted, cut)
            assert [await heard.next() for _ in range(3)] == [("message", OK), ("message", RINGING), ("message", OK)]

    run(scenario)


def test_a_ping_of_the_far_end_is_answered_and_a_pong_is_told():
    async def scenario() -> None:
        async with connected() as (stream, heard, server, accepted):
            assert stream.ping() == 0
            assert await server.receive(accepted, 4) == PING
            await asyncio.get_running_loop().sock_sendall(accepted, PONG + RINGING + PING + OK)
            await heard.next()
            await heard.next()
            stream.send(OK)
            assert await server.receive(accepted, 2 + len(OK)) == PONG + OK

    run(scenario)


def test_a_far_end_that_closes_ends_the_stream_without_an_errno():
    async def scenario() -> None:
        async with connected() as (stream, heard, server, accepted):
            accepted.close()
            assert await heard.next() == ("end", 0, f"{server.endpoint} closed the connection")
            assert not stream.is_open
            assert stream.send(OK) == errno.ENOTCONN

    run(scenario)


def test_messages_that_came_before_the_end_are_told_first():
    async def scenario() -> None:
        async with connected() as (_, heard, _, accepted):
            accepted.send(OK + OK[:20])
            accepted.close()
            assert [(await heard.next())[0] for _ in range(2)] == ["message", "end"]

    run(scenario)


def test_a_reset_ends_the_stream_with_its_errno():
    async def scenario() -> None:
        async with connected() as (_, heard, server, accepted):
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            accepted.close()
            assert await heard.next() == (
                "end",
                errno.ECONNRESET,
                f"cannot keep the connection to {server.endpoint} over tcp through interface 'lo': "
                "Connection reset by peer",
            )

    run(scenario)


def test_a_port_that_nobody_listens_on_is_refused_at_once():
    async def scenario() -> None:
        server, heard = Server(), Heard()
        server.sock.close()
        Stream(Way(server.endpoint, "lo"), heard).start()
        told = await heard.next()
        assert told[:2] == ("end", errno.ECONNREFUSED)
        assert told[2].startswith(
            f"cannot connect to {server.endpoint} over tcp through interface 'lo': Connection ref"
        )

    run(scenario)


@pytest.mark.parametrize(
    ("way", "number", "reason"),
    [
        (("no-such0", ""), errno.ENODEV, "cannot bind a socket to interface 'no-such0': No such device; name an inter"),
        (("lo", "192.0.2.99"), errno.EADDRNOTAVAIL, "cannot bind a socket on 'lo' to source '192.0.2.99': Cannot"),
    ],
)
def test_what_cannot_even_be_tried_ends_while_it_starts(way, number, reason):
    async def scenario() -> None:
        heard = Heard()
        Stream(Way(Endpoint("127.0.0.1", 5060), *way), heard).start()
        told = heard.told.get_nowait()
        assert told[:2] == ("end", number)
        assert told[2].startswith(reason)

    run(scenario)


@asynccontextmanager
async def full_server() -> AsyncIterator[Endpoint]:
    """Listens, and has no place for one more connection: whoever asks for one gets no answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        try:
            yield Endpoint(*listener.getsockname())
        finally:
            for sock in waiting:
                sock.close()


def test_a_connection_that_nobody_answers_is_given_up_in_time():
    async def scenario() -> None:
        async with full_server() as endpoint:
            heard = Heard()
            Stream(Way(endpoint, "lo"), heard, open_within=0.05).start()
            reason = f"cannot open {endpoint} over tcp through interface 'lo' within 0.05 s: Connection timed out"
            assert await heard.next() == ("end", errno.ETIMEDOUT, reason)

    run(scenario)


def test_a_far_end_that_speaks_no_sip_is_left():
    async def scenario() -> None:
        async with connected() as (stream, heard, server, accepted):
            accepted.send(OK + b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            assert await heard.next() == ("message", OK)
            kind, number, reason = await heard.next()
            assert (kind, number, stream.is_open) == ("end", 0, False)
            assert reason.startswith(f"{server.endpoint} speaks no SIP: cannot decode Content-Length: ")

    run(scenario)


def test_a_far_end_that_takes_nothing_is_sent_a_bounded_amount():
    async def scenario() -> None:
        async with connected() as (stream, _, server, accepted):
            message = b"x" * 60000
            sent = 0
            while (number := stream.send(message)) == 0:
                sent += len(message)
            assert number == errno.ENOBUFS
            assert stream.is_open
            assert await server.receive(accepted, sent) == b"x" * sent
            assert stream.send(message) == 0

    run(scenario)


def test_a_message_that_can_never_be_sent_is_refused_at_once():
    async def scenario() -> None:
        async with connected() as (stream, _, _, _):
            assert stream.send(b"x" * (MOST_UNSENT + 1)) == errno.ENOBUFS

    run(scenario)


def test_a_flood_takes_a_bounded_part_of_each_turn_of_the_loop():
    async def scenario() -> None:
        async with connected() as (_, heard, _, accepted):
            flood = RINGING * (3 * MOST_AT_ONCE // len(RINGING))
            sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(accepted, flood))
            turns = []
            while sum(turns) < len(flood) // len(RINGING):
                await asyncio.sleep(0)
                turns.append(heard.told.qsize() - sum(turns))
            assert max(turns) <= MOST_AT_ONCE // len(RINGING) + 1
            await sending

    run(scenario)


@pytest.mark.parametrize("when", ["open", "message"])
def test_a_stream_that_is_closed_by_its_listener_tells_no_more(when):
    async def scenario() -> None:
        server, heard = Server(), Heard()
        stream = Stream(Way(server.endpoint, "lo"), heard)
        heard.when_told = lambda what: stream.close() if what == when else None
        stream.start()
        accepted = await server.accept()
        await asyncio.get_running_loop().sock_sendall(accepted, OK + OK)
        while (await heard.next())[0] != when:
            pass
        await server.see_the_end(accepted)
        assert heard.told.empty()
        accepted.close()
        server.sock.close()

    run(scenario)


def test_nothing_is_sent_before_the_stream_is_open_nor_after_it_was_closed():
    async def scenario() -> None:
        server, heard = Server(), Heard()
        stream = Stream(Way(server.endpoint, "lo"), heard)
        assert stream.send(OK) == errno.ENOTCONN
        stream.start()
        assert stream.send(OK) == errno.ENOTCONN
        stream.close()
        stream.close()
        assert stream.ping() == errno.ENOTCONN
        assert heard.told.empty()
        server.sock.close()

    run(scenario)


def test_a_server_that_speaks_no_tls_is_told_from_a_bad_certificate():
    async def scenario() -> None:
        server, heard = Server(), Heard()
        stream = Stream(Way(server.endpoint, "lo"), heard, Secured("sbc1.example.net", TlsPolicy()))
        stream.start()
        accepted = await server.accept()
        accepted.send(b"SIP/2.0 400 Bad Request\r\n\r\n")
        told = await heard.next()
        assert told == (
            "end",
            0,
            "cannot agree on TLS with sbc1.example.net: wrong version number; "
            "what listens there speaks no TLS: check the port",
        )
        accepted.close()
        server.sock.close()

    run(scenario)


def test_a_file_that_is_missing_ends_it_while_it_starts():
    async def scenario() -> None:
        heard = Heard()
        policy = TlsPolicy(ca_file="/nonexistent/root.pem")
        Stream(Way(Endpoint("127.0.0.1", 5061), "lo"), heard, Secured("sbc1.example.net", policy)).start()
        reason = "cannot read '/nonexistent/root.pem': No such file or directory; it is named in [sbc.tls]"
        assert heard.told.get_nowait() == ("end", errno.ENOENT, reason)

    run(scenario)
