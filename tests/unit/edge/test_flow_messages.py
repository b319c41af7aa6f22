"""Conntrack entries as the kernel sends them, written by pyroute2 and read by us."""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.nfnetlink.nfctsocket import nfct_msg

from tonekeeper.core.kernel import Flow, Protocol
from tonekeeper.core.nat.result import BindingKind
from tonekeeper.core.nat.tracked import TrackedFlow
from tonekeeper.edge.netlink.exchange import HEADER, NESTED, Message, attributes, packed_attribute, split
from tonekeeper.edge.netlink.flows import decode_flow, decode_tracked_flow, questions
from tonekeeper.edge.netlink.requests import deletion_body

ICMP = 1
TUPLE_ORIG, ZONE = 1, 18


def direction(protocol: int, source: str, source_port: int, destination: str, destination_port: int) -> dict:
    version = "V6" if ":" in source else "V4"
    addresses = [(f"CTA_IP_{version}_SRC", source), (f"CTA_IP_{version}_DST", destination)]
    ports = [("CTA_PROTO_SRC_PORT", source_port), ("CTA_PROTO_DST_PORT", destination_port)]
    proto = [("CTA_PROTO_NUM", protocol), *(ports if protocol != ICMP else [])]
    return {"attrs": [("CTA_TUPLE_IP", {"attrs": addresses}), ("CTA_TUPLE_PROTO", {"attrs": proto})]}


def entry(flow: Flow, *more: tuple[str, object], protocol: int | None = None) -> bytes:
    out = protocol or int(flow.protocol)
    to, back = (flow.destination, flow.destination_port), (flow.nat_source, flow.nat_source_port)
    message = nfct_msg()
    message["nfgen_family"] = socket.AF_INET6 if ":" in flow.source else socket.AF_INET
    message["header"]["type"] = 0x100
    message["attrs"] = [
        ("CTA_TUPLE_ORIG", direction(out, flow.source, flow.source_port, *to)),
        ("CTA_TUPLE_REPLY", direction(out, *to, *back)),
        ("CTA_STATUS", 0xE),
        *more,
    ]
    message.encode()
    return bytes(message.data)


def read_tracked(data: bytes) -> TrackedFlow | None:
    (message,) = split(data)
    return decode_tracked_flow(message)


def read(data: bytes) -> Flow | None:
    (message,) = split(data)
    return decode_flow(message)


def counted(direction: str, packets: int) -> tuple[str, object]:
    return f"CTA_COUNTERS_{direction}", {"attrs": [("CTA_COUNTERS_PACKETS", packets), ("CTA_COUNTERS_BYTES", 99)]}


ports = st.integers(0, 65535)
v4, v6 = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)


@st.composite
def flows(draw) -> Flow:
    hosts = draw(st.sampled_from([v4, v6]))
    source, destination, nat_source = draw(hosts), draw(hosts), draw(hosts)
    return Flow(draw(st.sampled_from(Protocol)), source, draw(ports), destination, draw(ports), nat_source, draw(ports))


@given(flows(), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_what_pyroute2_writes_we_read(flow, zone, mark, packets_out, packets_in):
    more = (("CTA_ZONE", zone), ("CTA_MARK", mark), counted("ORIG", packets_out), counted("REPLY", packets_in))
    found = read(entry(flow, *more))
    assert found is not None
    assert (found.zone, found.mark, found.packets_out, found.packets_in) == (zone, mark, packets_out, packets_in)
    same = {"zone": 0, "mark": 0, "packets_out": None, "packets_in": None}
    bare = Flow(**{name: getattr(found, name) for name in Flow.__slots__} | same)
    assert normal(bare) == normal(flow)


def normal(flow: Flow) -> tuple[object, ...]:
    """Addresses as values: `::ffff:1.2.3.4` has two spellings."""
    hosts = (ipaddress.ip_address(host) for host in (flow.source, flow.destination, flow.nat_source))
    return (flow.protocol, *hosts, flow.source_port, flow.destination_port, flow.nat_source_port)


SIP = Flow(Protocol.UDP, "10.0.0.7", 5060, "203.0.113.10", 5060, "192.0.2.2", 61000)


def test_a_kernel_that_does_not_count_leaves_the_counters_unknown():
    assert read(entry(SIP)) == SIP


def test_entries_of_other_protocols_are_passed_over():
    assert read(entry(SIP, protocol=ICMP)) is None
    assert read(entry(SIP, protocol=132)) is None


@given(flows(), st.sampled_from([0, 7]))
def test_a_deletion_always_names_the_whole_tuple(flow, zone):
    body = attributes(deletion_body(replace(flow, zone=zone)), offset=4)
    assert set(body) == ({TUPLE_ORIG, ZONE} if zone else {TUPLE_ORIG})
    assert body[TUPLE_ORIG] == attributes(entry(flow), HEADER.size + 4)[TUPLE_ORIG]


def test_the_kernels_filter_is_written_as_pyroute2_reads_it():
    ((request, sought),) = questions([ipaddress.ip_network("203.0.113.10")])
    read = nfct_msg(HEADER.pack(HEADER.size + len(request), 0x101, 0x301, 1, 0) + request)
    read.decode()
    host = read.get_attr("CTA_TUPLE_ORIG").get_attr("CTA_TUPLE_IP").get_attr("CTA_IP_V4_DST")
    assert (host, sought) == ("203.0.113.10", [ipaddress.ip_network("203.0.113.10")])
    flags = read.get_attr("CTA_FILTER")
    assert [flags.get_attr(f"CTA_FILTER_{side}_FLAGS") for side in ("ORIG", "REPLY")] == [2, 0]


def test_networks_and_ipv6_addresses_are_asked_for_by_family():
    asked = ["203.0.113.10", "198.51.100.0/24", "192.0.2.0/28", "2001:db8::1", "2001:db8::2"]
    requests = [sought for _, sought in questions([ipaddress.ip_network(one) for one in asked])]
    assert [list(map(str, sought)) for sought in requests] == [
        ["203.0.113.10/32"],
        ["198.51.100.0/24", "192.0.2.0/28"],
        ["2001:db8::1/128", "2001:db8::2/128"],
    ]


@given(st.integers(0, 200))
def test_an_entry_that_is_cut_short_is_none_or_has_no_less_than_its_tuples(length):
    data = entry(SIP)[:length]
    assert decode_flow(Message(0x100, 0, data)) in (None, SIP)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_flow_or_nothing(data):
    assert isinstance(decode_flow(Message(0x100, 0, bytes(HEADER.size + 4) + data)), Flow | None)


@given(st.binary(max_size=100))
def test_any_bytes_are_messages_and_attributes_within_them(data):
    assert sum(len(message.data) for message in split(data)) <= len(data)
    assert sum(len(value) for value in attributes(data).values()) <= len(data)


# --- what the kernel does to a flow

SIP_FLOW = Flow(Protocol.UDP, "192.0.2.10", 5060, "203.0.113.2", 5060, "198.51.100.2", 5060)
TIMEOUT = ("CTA_TIMEOUT", 117)


def with_status(status: int, flow: Flow = SIP_FLOW) -> TrackedFlow | None:
    data = entry(flow, TIMEOUT)
    return read_tracked(data.replace(b"\x00\x00\x00\x0e", status.to_bytes(4, "big"), 1))


def test_a_flow_has_the_time_left_that_the_kernel_says_and_no_helper_unless_it_says_so():
    found = with_status(0xE)
    assert found is not None
    assert (found.flow.source, found.remaining_s, found.helper) == ("192.0.2.10", 117, "")


def test_the_helper_of_a_flow_has_its_name():
    help_, name = 5, 1  # CTA_HELP and CTA_HELP_NAME, which pyroute2 does not write
    data = entry(SIP_FLOW, TIMEOUT) + packed_attribute(help_ | NESTED, packed_attribute(name, b"sip\0"))
    found = read_tracked(struct.pack("=I", len(data)) + data[4:])
    assert found is not None
    assert found.helper == "sip"


def test_a_flow_is_what_the_kernel_takes_it_for():
    kinds = {status: found.kind for status in (0x8, 0xA, 0xE) if (found := with_status(status)) is not None}
    assert kinds == {0x8: BindingKind.UNREPLIED, 0xA: BindingKind.REPLIED, 0xE: BindingKind.STREAM}
    tcp = with_status(0xE, flow=replace(SIP_FLOW, protocol=Protocol.TCP))
    assert tcp is not None
    assert tcp.kind is BindingKind.TCP


def test_an_entry_that_is_dying_has_no_time_left_to_tell():
    assert read_tracked(entry(SIP_FLOW)) is None


@given(st.binary(max_size=200))
def test_no_octets_break_the_reading_of_an_entry(data):
    found = decode_tracked_flow(Message(0x100, 0, bytes(HEADER.size + 4) + data))
    assert found is None or isinstance(found, TrackedFlow)
