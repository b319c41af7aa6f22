"""Who gets as far as the engine, and how much of the processor a flood may have."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from tests.property.test_snmp_envelope import v2c, v3
from tonekeeper.errors import EdgeError
from tonekeeper.faces.snmp.sockets import LISTENER, NOTIFIER, WORK_AT_ONCE, Admission, SnmpSockets
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.secret import Secret

ENGINE = b"\x80\x00\x7e\xd9\x05engine"
SOMEBODY = Endpoint("192.0.2.7", 40000)
OTHERS = Endpoint("198.51.100.7", 40000)
LOOPBACK = Endpoint("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("admission", "datagram", "is_in"),
    [
        (Admission(ENGINE, Secret("public")), v2c(b"public"), True),
        (Admission(ENGINE, Secret("public")), v2c(b"publiC"), False),
        (Admission(ENGINE, Secret("public")), v2c(b""), False),
        (Admission(ENGINE, Secret("public")), v3(ENGINE), False),  # there is no user
        (Admission(ENGINE, None, has_users=True), v2c(b"public"), False),
        (Admission(ENGINE, None, has_users=True), v3(ENGINE), True),
        (Admission(ENGINE, None, has_users=True), v3(b""), True),  # who are you?
        (Admission(ENGINE, None, has_users=True), v3(b"another engine"), False),
        (Admission(ENGINE, None, has_users=True), b"\x30\x82no SNMP at all", False),
        (Admission(ENGINE, None, has_users=True), b"", False),
    ],
)
def test_who_may_not_ask_gets_nowhere(admission, datagram, is_in):
    assert admission.lets_in(datagram, SOMEBODY) is is_in


def test_an_allow_list_keeps_everybody_else_out_whatever_they_know():
    admission = Admission(ENGINE, Secret("public"), True, ("192.0.2.0/24", "2001:db8::9/128"))
    assert admission.lets_in(v2c(b"public"), SOMEBODY)
    assert not admission.lets_in(v2c(b"public"), OTHERS)
    assert not admission.lets_in(v3(ENGINE), OTHERS)
    assert admission.lets_in(v3(ENGINE), Endpoint("2001:db8::9", 1))
    assert not admission.lets_in(v3(ENGINE), Endpoint("fe80::1%eth0", 1))


def opened(receive, admission=None, targets=()):
    sockets = SnmpSockets(LOOPBACK, admission or Admission(ENGINE, Secret("public")), targets, receive)
    return sockets, sockets.open()


def test_a_question_is_received_and_its_answer_leaves_from_where_it_was_asked():
    async def body():
        heard: asyncio.Queue = asyncio.Queue()
        sockets, where = opened(lambda *message: heard.put_nowait(message))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
            manager.setblocking(False)
            manager.bind(tuple(LOOPBACK))
            manager.sendto(b"garbage", tuple(where))
            manager.sendto(v2c(b"public"), tuple(where))
            message, through, source = await asyncio.wait_for(heard.get(), 5.0)
            assert (message, through) == (v2c(b"public"), LISTENER)
            sockets.send(b"answer", LISTENER, source)
            answer, origin = await asyncio.get_running_loop().sock_recvfrom(manager, 100)
            assert (answer, origin) == (b"answer", tuple(where))
        sockets.close()

    asyncio.run(body())


def test_only_a_target_may_answer_a_notification():
    async def body():
        heard: asyncio.Queue = asyncio.Queue()
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        ):
            for one in (manager, stranger):
                one.setblocking(False)
                one.bind(tuple(LOOPBACK))
            target = Endpoint(*manager.getsockname())
            sockets, _ = opened(lambda *message: heard.put_nowait(message), targets=[target])
            sockets.send(b"inform", NOTIFIER, target)
            _, origin = await asyncio.get_running_loop().sock_recvfrom(manager, 100)
            stranger.sendto(v2c(b"public"), origin)
            manager.sendto(b"acknowledged", origin)
            assert await asyncio.wait_for(heard.get(), 5.0) == (b"acknowledged", NOTIFIER, target)
        sockets.close()

    asyncio.run(body())


def test_a_port_that_is_taken_names_the_remedy():
    async def body():
        sockets, where = opened(print)
        another = SnmpSockets(where, Admission(ENGINE), (), print)
        with pytest.raises(EdgeError, match="another program listens there") as refused:
            another.open()
        assert refused.value.errno == errno.EADDRINUSE
        another.close()
        sockets.close()

    asyncio.run(body())


def test_an_address_that_is_not_there_and_a_way_that_is_closed_are_errors():
    async def body():
        with pytest.raises(EdgeError, match=r"correct \[snmp\] listen"):
            SnmpSockets(Endpoint("192.0.2.1", 0), Admission(ENGINE), (), print).open()
        sockets, _ = opened(print)
        with pytest.raises(OSError, match="ermi"):  # EACCES or EPERM
            sockets.send(b"trap", NOTIFIER, Endpoint("255.255.255.255", 162))
        sockets.close()

    asyncio.run(body())


def test_a_flood_is_left_to_the_kernel_once_it_has_had_its_share():
    """Work is told by the loop's clock, so a clock of ours makes each message take as long as we like."""

    async def body():
        loop = asyncio.get_running_loop()
        handled = []
        clock = [loop.time()]

        def receive(*message):
            handled.append(message)
            clock[0] += WORK_AT_ONCE / 2

        sockets, where = opened(receive)
        loop.time, real = lambda: clock[0], loop.time
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
            for _ in range(10):
                manager.sendto(v2c(b"public"), tuple(where))
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(handled) == 3  # two and a bit use the share up
            clock[0] += 10.0
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(handled) > 3
        loop.time = real
        sockets.close()

    asyncio.run(body())
