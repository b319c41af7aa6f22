"""Leases, packets and REGISTERs of any kind: a value or a DecodeError, and never a word about whose phone it is."""

from __future__ import annotations

import string
from contextlib import suppress
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.edge.packets import answer, register, tcp, udp
from tonekeeper.core.journal import write_entry
from tonekeeper.edge.phone_traffic import PhoneTraffic
from tonekeeper.errors import DecodeError
from tonekeeper.wire.ip_packet import decode_ip_packet
from tonekeeper.wire.leases import parse_dnsmasq_lease, parse_odhcpd_leases
from tonekeeper.wire.sip.registration import decode_registration

WORDS = st.sampled_from(
    (
        *("#", "br-lan", "ipv4", "0", "-1", "1700000000", "128", "32", "*", "duid", "192.168.1.20", "2001:db8::1/128"),
        *("001565aabbcc", "00:15:65:aa:bb:cc", "00030001001565aabbcc", "00:01:00:01", "fe80::1%1"),
    )
)
LINES = st.text(max_size=80) | st.lists(WORDS | st.text(max_size=8), max_size=12).map(" ".join)
USERS = st.text(string.ascii_letters + string.digits, min_size=5, max_size=12).map(lambda user: f"zq{user}")


def damaged(data, at, new):
    at %= len(data) + 1
    return data[:at] + new + data[at + len(new) :]


@given(LINES)
def test_a_line_of_a_lease_file_is_leases_or_refused(line):
    with suppress(DecodeError):
        lease = parse_dnsmasq_lease(line)
        assert lease is None or ip_address(lease.address)
    with suppress(DecodeError):
        assert all(ip_address(lease.address) for lease in parse_odhcpd_leases(line))


@given(
    st.binary(max_size=200) | st.builds(damaged, st.sampled_from([udp(b"x"), tcp(b"x")]), st.integers(0), st.binary())
)
def test_a_packet_is_read_or_refused(data):
    with suppress(DecodeError):
        packet = decode_ip_packet(data)
        assert ip_address(packet.source.host)


@given(
    st.binary(max_size=300)
    | st.builds(damaged, st.sampled_from([register(), answer()]), st.integers(0), st.binary(max_size=40))
)
def test_a_register_is_read_or_refused(data):
    with suppress(DecodeError):
        decode_registration(data, b"key")


@given(USERS, st.integers(0), st.sampled_from(["phone {}", "{}/1.0", "phone ({})", "{} {}", "phone 1.0 sip:{}@x"]))
def test_who_registers_is_never_told(user, cut, user_agent):
    data = register(user=user, display=f'"{user}"', call_id=user, user_agent=user_agent.format(user, user))
    traffic = PhoneTraffic(b"key")
    seen = traffic.take_from_phone(decode_ip_packet(udp(data[: cut % len(data)])), 1.0)
    whole = traffic.take_from_phone(decode_ip_packet(udp(data)), 2.0)
    assert whole is not None
    assert all(user.encode() not in write_entry(2.0, event, []) for event in (seen, whole) if event is not None)
