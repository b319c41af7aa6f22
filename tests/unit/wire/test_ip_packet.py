"""Packets by hand, whole and cut short."""

from __future__ import annotations

import pytest
from tests.unit.edge.packets import ACK, PHONE, SBC, SYN, packet, tcp, udp

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ip_packet import decode_ip_packet


def test_a_datagram_has_its_ends_and_its_content():
    read = decode_ip_packet(udp(b"hello", options=b"\x94\x04\0\0"))
    assert (read.source, read.destination) == (Endpoint(PHONE, 5062), Endpoint(SBC, 5060))
    assert (read.payload, read.is_tcp, read.opens_connection) == (b"hello", False, False)


def test_ipv6_is_read_as_well():
    read = decode_ip_packet(udp(b"hello", source=("2001:db8::20", 1), destination=("2001:db8::30", 2)))
    assert (read.source, read.destination) == (Endpoint("2001:db8::20", 1), Endpoint("2001:db8::30", 2))
    assert read.payload == b"hello"


def test_the_content_of_tcp_begins_after_its_options():
    assert decode_ip_packet(tcp(b"hello", options=b"\1" * 8)).payload == b"hello"


def test_only_a_first_syn_opens_a_connection():
    assert decode_ip_packet(tcp(flags=SYN)).opens_connection
    assert not decode_ip_packet(tcp(flags=SYN | ACK)).opens_connection


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x50" * 40,
        udp(b"later", fragment=7),
        packet(PHONE, SBC, 1, b"an ICMP message"),
        packet("2001:db8::1", "2001:db8::2", 44, b"a fragment"),
        b"\x41" + udp(b"")[1:],
        udp(b"")[:2] + b"\0\1" + udp(b"")[4:],
        *(udp(b"")[:size] for size in range(1, 28)),
    ],
)
def test_anything_else_is_refused(data):
    with pytest.raises(DecodeError):
        decode_ip_packet(data)
