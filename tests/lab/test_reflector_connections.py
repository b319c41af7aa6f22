"""Connections to the reflector, and those of a measurement, on the loopback device of a namespace of their own."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.lab.edge_namespaces import namespaces, run_inside
from tests.lab.namespace import Namespace
from tonekeeper.core.nat.messages import (
    CloseSocket,
    ConnectionEnded,
    Event,
    OpenSocket,
    SendStun,
    SocketOpened,
    SocketRefused,
    StunReceived,
)
from tonekeeper.core.reflector import Datagram, Layout, answer
from tonekeeper.edge import reflector_connections
from tonekeeper.edge.nat_sockets import NatSockets, stun_request
from tonekeeper.edge.reflector_connections import ReflectorConnections
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.codec import decode_stun, encode_stun
from tonekeeper.wire.stun.message import StunClass, StunMessage, binding_request

pytestmark = pytest.mark.lab

HERE = Endpoint("127.0.0.1", 3478)
LAYOUT = Layout(HERE.host, sip_port=0)
WITHIN = 5.0


@pytest.fixture(scope="module")
def host() -> Iterator[Namespace]:
    with namespaces("host") as made:
        made["host"].run("ip", "link", "set", "lo", "up")
        yield made["host"]


def inside(host: Namespace, scenario: Callable[[], Coroutine[object, object, None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(WITHIN):
            await scenario()

    run_inside(host, in_time)


@contextmanager
def listening() -> Iterator[ReflectorConnections]:
    connections = ReflectorConnections([HERE], lambda question: answer(question, LAYOUT))
    try:
        yield connections
    finally:
        connections.close()


class Client:
    """A stream to the reflector."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.local = Endpoint(*writer.get_extra_info("sockname"))

    async def hear(self) -> StunMessage:
        head = await self.reader.readexactly(20)
        return decode_stun(head + await self.reader.readexactly(int.from_bytes(head[2:4], "big")))

    async def is_ended(self) -> bool:
        try:
            return await self.reader.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self.writer.transport.abort()


async def connected() -> Client:
    return Client(*await asyncio.open_connection(*HERE))


async def is_not_welcome() -> bool:
    """The end may come before the beginning has been noticed."""
    try:
        client = await connected()
    except ConnectionResetError:
        return True
    try:
        return await client.is_ended()
    finally:
        client.close()


def question() -> bytes:
    return stun_request(SendStun(0, HERE, binding_request(os.urandom(12))))


def test_a_question_is_answered_however_it_is_cut(host):
    async def scenario() -> None:
        with listening():
            client = await connected()
            octets = question()
            for at in range(len(octets)):
                client.writer.write(octets[at : at + 1])
                await client.writer.drain()
            assert (await client.hear()).mapped == client.local
            client.close()

    inside(host, scenario)


def test_it_speaks_first_on_the_connection_that_was_named_and_on_no_other(host):
    async def scenario() -> None:
        with listening() as connections:
            one, other = await connected(), await connected()
            for client in (one, other):
                client.writer.write(question())
                await client.hear()
            said = encode_stun(StunMessage(StunClass.SUCCESS, bytes(12)))
            assert connections.send(Datagram(HERE, one.local, said, over_tcp=True))
            assert (await one.hear()).transaction_id == bytes(12)
            assert not connections.send(Datagram(HERE, Endpoint("127.0.0.2", one.local.port), said, over_tcp=True))
            assert not connections.send(Datagram(Endpoint(HERE.host, 3479), one.local, said, over_tcp=True))
            one.close(), other.close()

    inside(host, scenario)


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n", b"\x00\x01\xff\xfc\x21\x12\xa4\x42" + bytes(12)]
)
def test_what_is_no_stun_ends_the_connection(host, said):
    async def scenario() -> None:
        with listening() as connections:
            client = await connected()
            client.writer.write(said)
            assert await client.is_ended()
            assert len(connections) == 0
            client.close()

    inside(host, scenario)


def test_one_source_may_have_so_many_and_no_more(host, monkeypatch):
    monkeypatch.setattr(reflector_connections, "MOST_OF_A_SOURCE", 3)

    async def scenario() -> None:
        with listening() as connections:
            clients = [await connected() for _ in range(3)]
            for client in clients:
                client.writer.write(question())
                await client.hear()
            assert await is_not_welcome()
            assert len(connections) == 3
            clients[0].close()
            while len(connections) == 3:
                await asyncio.sleep(0)
            again = await connected()
            again.writer.write(question())
            assert (await again.hear()).mapped == again.local
            for client in (*clients, again):
                client.close()

    inside(host, scenario)


def test_a_connection_on_which_nobody_spoke_for_hours_is_ended(host, monkeypatch):
    monkeypatch.setattr(reflector_connections, "LONGEST_IDLE", -1.0)
    monkeypatch.setattr(reflector_connections, "SWEEP_EVERY", 0.01)

    async def scenario() -> None:
        with listening():
            client = await connected()
            assert await client.is_ended()
            client.close()

    inside(host, scenario)


def test_a_port_that_is_taken_is_named(host):
    async def scenario() -> None:
        with listening(), pytest.raises(EdgeError, match=r"cannot listen on 127\.0\.0\.1:3478, TCP"):
            ReflectorConnections([HERE], lambda question: None)

    inside(host, scenario)


# --- the other end


class Measuring:
    """The sockets of a measurement, and what they reported."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.sockets = NatSockets(self.events.put_nowait, local=HERE.host)

    async def opened(self, number: int = 1) -> SocketOpened:
        self.sockets.execute(OpenSocket(number, connect_to=HERE))
        event = await self.events.get()
        assert isinstance(event, SocketOpened)
        return event


def test_a_connection_of_a_measurement_is_opened_asked_over_and_reset(host):
    async def scenario() -> None:
        with listening() as connections:
            measuring = Measuring()
            opened = await measuring.opened()
            measuring.sockets.execute(SendStun(1, HERE, binding_request(bytes(12))))
            event = await measuring.events.get()
            assert isinstance(event, StunReceived)
            assert (event.socket, event.source, event.message.mapped) == (1, HERE, opened.local)
            measuring.sockets.execute(CloseSocket(1))
            while len(connections):
                await asyncio.sleep(0)
            measuring.sockets.close()

    inside(host, scenario)


def test_nobody_there_is_a_refusal_with_its_errno(host):
    async def scenario() -> None:
        measuring = Measuring()
        measuring.sockets.execute(OpenSocket(7, connect_to=HERE))
        event = await measuring.events.get()
        assert isinstance(event, SocketRefused)
        assert (event.socket, event.errno) == (7, errno.ECONNREFUSED)
        assert "cannot connect to 127.0.0.1:3478" in event.reason
        measuring.sockets.close()

    inside(host, scenario)


@pytest.mark.parametrize("said", [b"SIP/2.0 400 Bad Request\r\n\r\n", b""])
def test_an_end_or_a_stranger_at_the_other_side_is_the_end(host, said):
    """`said`: nothing, or something that is no STUN."""

    async def scenario() -> None:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(HERE)
            listener.listen(1)
            measuring = Measuring()
            await measuring.opened()
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(said)
            event = await measuring.events.get()
            assert isinstance(event, ConnectionEnded)
            assert ("begins no STUN message" if said else "closed by the other side") in event.reason
            measuring.sockets.execute(CloseSocket(1))
            measuring.sockets.close()

    inside(host, scenario)


def test_nothing_is_reported_of_a_connection_that_was_closed_before_it_stood(host):
    async def scenario() -> None:
        with listening():
            measuring = Measuring()
            measuring.sockets.execute(OpenSocket(1, connect_to=HERE))
            measuring.sockets.execute(CloseSocket(1))
            await measuring.opened(2)
            assert measuring.events.empty()
            measuring.sockets.close()

    inside(host, scenario)


def test_a_longer_answer_than_the_question_allows_is_not_given_over_tcp_either(host):
    async def scenario() -> None:
        with listening():
            client = await connected()
            client.writer.write(encode_stun(replace(binding_request(bytes(12)), software=None)))
            assert (await client.hear()).response_origin is None
            client.close()

    inside(host, scenario)
