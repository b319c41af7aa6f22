"""The filter in the kernel itself, on a pair of local sockets: it sees the same bytes as on a packet socket."""

from __future__ import annotations

import socket

import pytest

from tests.unit.edge.packets import ACK, SYN, answer, register, tcp, udp
from tonekeeper.edge.sip_filter import attach, sip_filter

PORTS = (5060, 5061, 5080)
TO_PHONE = {"source": ("198.51.100.10", 5060), "destination": ("192.168.1.20", 5062)}
V6 = {"source": ("2001:db8::20", 5062), "destination": ("2001:db8:1::10", 5060)}


@pytest.fixture
def passes():
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        receiver.setblocking(False)
        attach(receiver, sip_filter(PORTS))

        def ask(packet):
            sender.send(packet)
            try:
                return receiver.recv(65535) == packet
            except BlockingIOError:
                return False

        yield ask


@pytest.mark.parametrize(
    "packet",
    [
        udp(register()),
        udp(register(), destination=("198.51.100.10", 5080)),
        udp(register(), options=b"\x94\x04\0\0"),
        udp(register(), **V6),
        udp(register()[:900], fragment=0x2000),
        udp(answer(), **TO_PHONE),
        udp(b"OPTIONS sip:example.net SIP/2.0\r\n"),
        udp(b"NOTIFY sip:example.net SIP/2.0\r\n"),
        udp(b"\r\n\r\n"),
        udp(b"\0\0\0\0"),
        udp(b""),
        udp(bytes.fromhex("000100002112a442") + bytes(12)),
        tcp(register()),
        tcp(register(), options=b"\1" * 12),
        tcp(answer(), **TO_PHONE),
        tcp(flags=SYN, destination=("198.51.100.10", 5061)),
    ],
    ids=range(16),
)
def test_sip_of_phones_passes(passes, packet):
    assert passes(packet)


@pytest.mark.parametrize(
    "packet",
    [
        udp(b"garbage, and a lot of it"),
        udp(b"INVITE sip:4711@example.net SIP/2.0\r\n"),
        udp(register(), destination=("198.51.100.10", 53)),
        udp(register(), fragment=0x00B9),
        udp(register(), **TO_PHONE),
        udp(answer()),
        udp(b"\x80\0" + bytes(170), destination=("198.51.100.10", 30000)),
        tcp(flags=SYN, destination=("198.51.100.10", 443)),
        tcp(flags=SYN | ACK, **TO_PHONE),
        tcp(b"\x16\x03\x03 a TLS record"),
        tcp(b"", flags=ACK),
        b"",
        b"\x45",
        b"\0\1\x08\0\6\4\0\1",
        udp(register())[:22],
    ],
    ids=range(15),
)
def test_everything_else_is_dropped_in_the_kernel(passes, packet):
    assert not passes(packet)


def test_as_many_ports_as_there_are_at_most_still_make_a_program(passes):
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        receiver.setblocking(False)
        attach(receiver, sip_filter(range(5000, 6000)))
        sender.send(udp(register(), destination=("198.51.100.10", 5031)))
        assert receiver.recv(65535)
