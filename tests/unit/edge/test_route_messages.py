"""Routes and rules as the kernel sends them, written by pyroute2 and read by us. No socket is opened."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from tonekeeper.core.kernel import FlowPin, Protocol
from tonekeeper.edge.netlink.exchange import (
    HEADER,
    NLMSG_ERROR,
    Message,
    raise_unless_acknowledged,
    sender_of,
    split,
)
from tonekeeper.edge.netlink.policy_routing import is_about_our_rule, read_our_route, read_rule
from tonekeeper.edge.netlink.requests import route_body, rule_body
from tonekeeper.edge.netlink.route_messages import (
    RTM_NEWROUTE,
    RTPROT_KERNEL,
    Hop,
    is_about_default_route,
    maker_of,
    read_route,
    routes_request,
    table_of,
)
from tonekeeper.edge.steering import Route, Rule

RTM_NEWRULE = 32
LOOPBACK = 1


def message(kind: int, body: bytes) -> Message:
    (read,) = split(HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body)
    return read


def route(prefix_length: int = 0, **attributes: object) -> Message:
    written = rtmsg()
    written["family"], written["dst_len"], written["table"], written["type"] = socket.AF_INET, prefix_length, 254, 1
    written["attrs"] = [(f"RTA_{name}", value) for name, value in attributes.items()]
    written.encode()
    return message(RTM_NEWROUTE, bytes(written.data)[HEADER.size :])


def test_a_route_is_read_as_pyroute2_writes_it():
    read = read_route(route(DST="198.51.100.0", OIF=7, GATEWAY="192.0.2.1", PRIORITY=100, TABLE=7062, prefix_length=24))
    assert read is not None
    assert (read.family, read.prefix_length, read.table, read.type, read.metric) == (socket.AF_INET, 24, 7062, 1, 100)
    assert read.destination == socket.inet_aton("198.51.100.0")
    assert read.hops == (Hop(7, "192.0.2.1"),)


def test_several_next_hops_are_told_apart():
    hops = [
        {"oif": 7, "attrs": [("RTA_GATEWAY", "192.0.2.1")]},
        {"oif": 8, "hops": 9, "attrs": []},
        {"oif": 9, "attrs": [("RTA_VIA", {"family": socket.AF_INET6, "addr": "fe80::1"})]},
    ]
    read = read_route(route(MULTIPATH=hops))
    assert read is not None
    assert read.hops == (Hop(7, "192.0.2.1"), Hop(8, ""), Hop(9, "fe80::1"))


def test_an_ipv4_route_may_have_an_ipv6_gateway():
    read = read_route(route(OIF=7, VIA={"family": socket.AF_INET6, "addr": "fe80::1"}))
    assert read is not None
    assert read.hops == (Hop(7, "fe80::1"),)


def test_one_byte_tells_a_default_route_from_all_others():
    assert is_about_default_route(route(OIF=7))
    assert not is_about_default_route(route(DST="198.51.100.1", OIF=7, prefix_length=32))
    assert not is_about_default_route(Message(RTM_NEWROUTE, 0, bytes(HEADER.size)))


def test_who_made_a_route_and_where_is_told_by_two_bytes():
    static = message(RTM_NEWROUTE, struct.pack("=BBBBBBBBI", 2, 24, 0, 0, 100, 4, 0, 1, 0))
    assert (maker_of(static), table_of(static)) == (4, 100)
    assert maker_of(message(RTM_NEWROUTE, b"")) == RTPROT_KERNEL


def test_a_table_beyond_one_byte_stands_in_its_attribute():
    header = struct.pack("=BBBBBBBBI", 2, 32, 0, 0, 252, 106, 0, 1, 0)
    table = struct.pack("=HHI", 8, 15, 7062)
    told = message(RTM_NEWROUTE, header + table)
    assert (maker_of(told), table_of(told)) == (106, 7062)
    assert table_of(message(RTM_NEWROUTE, header)) == 0


@given(st.binary(max_size=120))
def test_any_bytes_have_a_maker_and_a_table(data):
    told = message(RTM_NEWROUTE, data)
    if maker_of(told) != RTPROT_KERNEL:
        assert table_of(told) >= 0


def test_the_request_asks_for_what_is_wanted_only():
    asked = read_route(message(RTM_NEWROUTE, routes_request(socket.AF_INET6, protocol=106, interface=7)))
    assert asked is not None
    assert (asked.family, asked.protocol, asked.hops) == (socket.AF_INET6, 106, (Hop(7, ""),))


@given(st.binary(max_size=120))
def test_any_bytes_are_a_route_or_nothing(data):
    read_route(message(RTM_NEWROUTE, data))


@given(st.binary(max_size=60))
def test_any_next_hops_are_read_to_where_they_make_sense(data):
    several = struct.pack("=HH", 4 + len(data), 9) + data
    read = read_route(message(RTM_NEWROUTE, struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0) + several))
    assert read is not None
    assert len(read.hops) <= len(data) // 8


networks = st.one_of(
    st.sampled_from(["203.0.113.10", "198.51.100.0/28", "0.0.0.0/0"]),
    st.sampled_from(["2001:db8:5bc::10", "2001:db8::/32", "::/0"]),
).map(ipaddress.ip_network)


@given(networks, st.sampled_from([7060, 7061, 7099]), st.booleans())
def test_a_route_of_ours_is_read_back_as_it_was_put(destination, table, has_gateway):
    gateway = {4: "192.0.2.1", 6: "fe80::1"}[destination.version] if has_gateway else ""
    put = Route(table, destination, gateway, socket.if_indextoname(LOOPBACK))
    assert read_our_route(message(RTM_NEWROUTE, route_body(put))) == put


def test_an_ipv6_gateway_of_an_ipv4_route_is_read_back_as_well():
    put = Route(7060, ipaddress.ip_network("203.0.113.10"), "fe80::1", socket.if_indextoname(LOOPBACK))
    assert read_our_route(message(RTM_NEWROUTE, route_body(put))) == put


def test_an_interface_that_does_not_exist_is_enodev():
    with pytest.raises(OSError, match="No such device") as caught:
        route_body(Route(7060, ipaddress.ip_network("203.0.113.10"), "", "no-such-link"))
    assert caught.value.errno == errno.ENODEV


def test_a_route_without_our_mark_is_not_ours():
    assert read_our_route(route(OIF=LOOPBACK, TABLE=7060)) is None


ports = st.integers(1, 65535)
pins = st.one_of(
    st.builds(
        FlowPin, st.sampled_from(Protocol), st.just("10.0.0.7"), ports, st.just("203.0.113.10"), ports, st.just("")
    ),
    st.builds(
        FlowPin, st.sampled_from(Protocol), st.just("2001:db8::7"), ports, st.just("2001:db8::1"), ports, st.just("")
    ),
)
rules = st.one_of(
    st.builds(lambda pin: Rule(6 if ":" in pin.source else 4, 7060, 7061, pin=pin), pins),
    st.builds(
        Rule, st.sampled_from([4, 6]), st.just(7051), st.integers(7061, 7099), st.sampled_from(["eth0", "wwan0"])
    ),
    st.builds(Rule, st.sampled_from([4, 6]), st.just(7050), st.just(254), st.just("eth0"), st.just(True)),
    st.builds(Rule, st.sampled_from([4, 6]), st.just(7070), st.just(7060)),
)


@given(rules)
def test_a_rule_of_ours_is_read_back_as_it_was_put(rule):
    assert read_rule(message(RTM_NEWRULE, rule_body(rule))) == rule


@given(rules)
def test_a_rule_of_ours_is_known_by_its_mark_or_its_place(rule):
    assert is_about_our_rule(message(RTM_NEWRULE, rule_body(rule)))


@pytest.mark.parametrize(
    ("priority", "protocol", "ours"),
    [(100, 4, False), (7049, 4, False), (7050, 4, True), (7099, 4, True), (7100, 4, False), (100, 106, True)],
)
def test_a_rule_of_another_is_about_ours_where_it_stands_among_them(priority, protocol, ours):
    header = struct.pack("=BBBBBxxBI", 2, 0, 0, 0, 100, 1, 0)
    said = struct.pack("=HHI", 8, 6, priority) + struct.pack("=HHBxxx", 5, 21, protocol)
    assert is_about_our_rule(message(RTM_NEWRULE, header + said)) is ours


@given(st.binary(max_size=80))
def test_any_bytes_are_about_our_rule_or_not(data):
    assert is_about_our_rule(message(RTM_NEWRULE, data)) in (True, False)


def test_the_sender_of_a_message_is_the_port_of_its_socket():
    assert sender_of(Message(RTM_NEWRULE, 0, HEADER.pack(HEADER.size, RTM_NEWRULE, 0, 0, 4711))) == 4711


@given(st.binary(max_size=80))
def test_any_attributes_of_a_rule_are_read_or_passed_over(data):
    marked = struct.pack("=BBBBBxxBI", 2, 0, 0, 0, 0, 1, 0) + struct.pack("=HHBxxx", 5, 21, 106)
    assert isinstance(read_rule(message(RTM_NEWRULE, marked + data)), Rule | None)


def test_a_rule_without_our_mark_is_not_ours():
    assert read_rule(message(RTM_NEWRULE, struct.pack("=BBBBBxxBI", 2, 0, 0, 0, 254, 1, 0))) is None


def refusal(number: int, words: bytes = b"") -> Message:
    """NLMSG_ERROR with the header of the request capped, and an extended acknowledgement."""
    tlv = struct.pack("=HH", 4 + len(words), 1) + words if words else b""
    body = struct.pack("=i", -number) + bytes(HEADER.size) + tlv
    return Message(NLMSG_ERROR, 0x200 if words else 0, HEADER.pack(HEADER.size + len(body), 2, 0, 0, 0) + body)


def test_a_refusal_carries_the_kernels_words():
    with pytest.raises(OSError, match="Nexthop has invalid gateway") as caught:
        raise_unless_acknowledged(refusal(errno.ENETUNREACH, b"Nexthop has invalid gateway\0"))
    assert caught.value.errno == errno.ENETUNREACH


def test_a_refusal_without_words_says_what_its_number_means():
    with pytest.raises(PermissionError, match="Operation not permitted"):
        raise_unless_acknowledged(refusal(errno.EPERM))


def test_an_acknowledgement_is_no_refusal():
    raise_unless_acknowledged(refusal(0))
