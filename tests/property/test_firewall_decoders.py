"""What the kernel, nft and iptables say of rules, against anything: a value or `DecodeError`."""

from __future__ import annotations

import contextlib
import struct

from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.inexact_rule import inexact_rule
from tonekeeper.wire.ip_packet import decode_ip_packet
from tonekeeper.wire.ip_writing import MOST_NUMBERS, SYN, number_of, tcp_packet, udp_packet
from tonekeeper.wire.nft_trace import TraceKind, TraceStep, TraceVerdict, decode_trace
from tonekeeper.wire.ruleset import decode_expressions, parse_iptables, parse_listing, without_offload

NAMES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=30)
PORTS = st.integers(1, 65535)
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).map(str)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["meta", "key", "xt", "limit", "match", "name", "drop", "type"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)


def message(table: str, chain: str, verdict: TraceVerdict, number: int) -> bytes:
    parts = (
        attribute(6, struct.pack("!I", 7)),
        attribute(4, struct.pack("!I", TraceKind.RULE.value)),
        attribute(3, struct.pack("!Q", 12)),
        attribute(1, table.encode() + b"\0"),
        attribute(2, chain.encode() + b"\0"),
        attribute(5 | 0x8000, attribute(1, struct.pack("!i", verdict.value))),
        attribute(10, struct.pack("!I", 3)),
        attribute(8, udp_packet(Endpoint("192.0.2.1", 1), Endpoint("192.0.2.2", 2), b"", number)[:20]),
    )
    return b"\x01\x00\x00\x00" + b"".join(parts)


@given(NAMES, NAMES, st.sampled_from(TraceVerdict), st.integers(1, MOST_NUMBERS))
def test_what_the_kernel_traces_is_read(table, chain, verdict, number):
    assert decode_trace(message(table, chain, verdict, number)) == TraceStep(
        id=7,
        kind=TraceKind.RULE,
        verdict=verdict,
        family="inet",
        table=table,
        chain=chain,
        handle=12,
        to_chain="",
        packet=number,
        is_icmp=False,
        input_index=3,
        output_index=0,
    )


@given(st.binary(max_size=200))
def test_any_bytes_make_a_trace_or_a_decode_error(data):
    with contextlib.suppress(DecodeError):
        decode_trace(data)


@given(st.data())
def test_a_trace_with_a_few_wrong_bytes_makes_a_trace_or_a_decode_error(data):
    content = bytearray(message("filter", "forward", TraceVerdict.DROP, 5))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError):
        decode_trace(bytes(content))


@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from(["table ip f {", "\tchain c {", "\t}", "}", "\t\taccept # handle 3"])).map("\n".join)
)
def test_any_text_makes_a_listing_or_a_decode_error(text):
    with contextlib.suppress(DecodeError):
        parse_listing(text)
    with contextlib.suppress(DecodeError):
        parse_iptables(text, "ip")
    without_offload(text)


@given(st.binary(max_size=100))
def test_any_bytes_make_expressions_or_a_decode_error(data):
    with contextlib.suppress(DecodeError):
        decode_expressions(data)


@given(
    st.lists(st.dictionaries(st.sampled_from(["match", "limit", "xt", "drop", "jump"]), JSON, min_size=1, max_size=1))
)
def test_any_expressions_are_exact_or_not(expressions):
    found = inexact_rule(expressions)
    assert found is None or found.depends_on


@given(
    st.tuples(IPV4, IPV4) | st.tuples(IPV6, IPV6), PORTS, PORTS, st.binary(max_size=50), st.integers(1, MOST_NUMBERS)
)
def test_a_packet_that_was_written_is_read_again(hosts, source_port, port, payload, number):
    source, destination = Endpoint(hosts[0], source_port), Endpoint(hosts[1], port)
    datagram, segment = udp_packet(source, destination, payload, number), tcp_packet(source, destination, SYN, number)
    assert number_of(datagram) == number_of(segment) == number
    read = decode_ip_packet(datagram)
    assert (read.source, read.destination, read.payload, read.is_tcp) == (source, destination, payload, False)
    assert decode_ip_packet(segment).opens_connection
    assert is_right(datagram, 8 + len(payload))
    assert is_right(segment, 24)


def is_right(packet: bytes, size: int) -> bool:
    """Whether the checksum of the transport layer holds: the sum over everything is all ones (RFC 1071)."""
    body = packet[-size:]
    begin, end, protocol = (12, 20, packet[9]) if packet[0] >> 4 == 4 else (8, 40, packet[6])
    data = packet[begin:end] + struct.pack("!II", size, protocol) + body
    data += bytes(len(data) % 2)
    return sum(struct.unpack(f"!{len(data) // 2}H", data)) % 0xFFFF == 0
