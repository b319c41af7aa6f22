"""Lines as dnsmasq and odhcpd write them."""

from __future__ import annotations

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.leases import Lease, mac_of, parse_dnsmasq_lease, parse_odhcpd_leases

MAC = "00:15:65:aa:bb:cc"


@pytest.mark.parametrize(
    ("line", "lease"),
    [
        (f"1700000000 {MAC} 192.168.1.20 phone 01:{MAC}", Lease("192.168.1.20", MAC)),
        (f"0 {MAC.upper()} 192.168.1.20 * *", Lease("192.168.1.20", MAC)),
        (f"43200 06-{MAC} 192.168.1.20 * *", Lease("192.168.1.20", MAC)),
        (f"1700000000 1707981 2001:db8::20 phone 00:03:00:01:{MAC}", Lease("2001:db8::20", MAC)),
        (f"1700000000 T1707981 2001:db8::20 * 00:01:00:01:2b:11:22:33:{MAC}", Lease("2001:db8::20", MAC)),
        ("1700000000 1707981 2001:db8::20 * 00:04:01:02", Lease("2001:db8::20", "")),
        ("duid 00:01:00:01:2b:11:22:33:00:15:65:aa:bb:cc", None),
        ("", None),
    ],
)
def test_a_line_of_dnsmasq_is_a_lease_or_none(line, lease):
    assert parse_dnsmasq_lease(line) == lease


@pytest.mark.parametrize(
    ("line", "leases"),
    [
        ("# br-lan 001565aabbcc ipv4 phone 1700000000 c0a80114 32 192.168.1.20/32", (Lease("192.168.1.20", MAC),)),
        ("# br-lan 0:15:65:aa:bb:cc ipv4 - -1 c0a80114 32 192.168.1.20/32", (Lease("192.168.1.20", MAC),)),
        (
            "# br-lan 00030001001565aabbcc 1a0fcd broken\\x20phone 1700000000 20 128 "
            "2001:db8::20/128 2001:db8:1::20/128",
            (Lease("2001:db8::20", MAC), Lease("2001:db8:1::20", MAC)),
        ),
        ("# br-lan 00030001001565aabbcc 1 - 1700000000 20 128 ", ()),
        ("# br-lan 00030001001565aabbcc 1 router 1700000000 4 60 2001:db8:40::/60", ()),
        ("# br-lan 001565aabbcc ipv4 phone 0 c0a80114 32 192.168.1.20/32", ()),
        ("192.168.1.20\tphone.lan\tphone", ()),
        ("", ()),
    ],
)
def test_a_line_of_odhcpd_is_as_many_leases_as_it_has_addresses(line, leases):
    assert parse_odhcpd_leases(line) == leases


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        f"1700000000 {MAC} 192.168.1.20",
        f"soon {MAC} 192.168.1.20 phone *",
        f"²³ {MAC} 192.168.1.20 phone *",
        f"1700000000 {MAC} 192.168.1.256 phone *",
        f"1700000000 {MAC} fe80::1%eth0 phone *",
        "1700000000 00:15:65 192.168.1.20 phone *",
        "1700000000 1 2001:db8::20 phone 00:zz",
        f"1700000000 {MAC} 192.168.1.20 {'x' * 2000} *",
    ],
)
def test_a_line_that_is_no_lease_is_refused(line):
    with pytest.raises(DecodeError):
        parse_dnsmasq_lease(line)


def test_a_line_cut_short_is_refused():
    with pytest.raises(DecodeError):
        parse_odhcpd_leases("# br-lan 001565aabbcc ipv4")


def test_what_a_client_calls_itself_is_not_even_quoted():
    with pytest.raises(DecodeError) as refused:
        parse_dnsmasq_lease(f"1700000000 {MAC} 192.168.1.20 erikas-phone")
    assert "erika" not in str(refused.value)


def test_a_mac_is_read_however_it_is_written():
    assert {mac_of(text) for text in (MAC, MAC.upper(), "001565AABBCC", "0:15:65:aa:bb:cc")} == {MAC}
