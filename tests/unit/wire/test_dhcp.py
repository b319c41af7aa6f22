"""DHCP: what is asked, and what servers say."""

from __future__ import annotations

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.dhcp import DhcpReply, decode_dhcp_reply, encode_discover

MAC = "8a:0a:21:7b:72:27"
HEAD = (
    bytes.fromhex("02010600123456780000800000000000c0000265c0000201000000008a0a217b7227")
    + bytes(10 + 64 + 128)
    + bytes.fromhex("63825363")
)
DNSMASQ = HEAD + bytes.fromhex(
    "3501023604c0000201330400000e103a04000007083b0400000c4e0104ffffff001c04c00002ff0304c0000201a008687474703a2f2f78"
    "9604c00002054218687474703a2f2f70726f762e6578616d706c652e6e657400ff"
)
"""The offer of dnsmasq 2.90 to our own DISCOVER."""


def offer(*options: str, name: bytes = b"", file: bytes = b"") -> DhcpReply:
    fields = name.ljust(64, b"\0") + file.ljust(128, b"\0")
    return decode_dhcp_reply(HEAD[:44] + fields + HEAD[236:] + bytes.fromhex("".join(options)))


def test_a_discover_asks_for_an_answer_to_all_and_for_no_lease():
    discover = encode_discover(0x12345678, MAC)
    assert discover[:12] == bytes.fromhex("010106001234567800008000")
    assert discover[12:28] == bytes(16), "no address is asked for, nor given"
    assert discover[28:44] == bytes.fromhex("8a0a217b7227") + bytes(10)
    assert discover[236:243] == bytes.fromhex("63825363350101")
    assert len(discover) == 300


def test_an_offer_of_dnsmasq_is_read():
    assert decode_dhcp_reply(DNSMASQ) == DhcpReply(
        transaction=0x12345678,
        client=MAC,
        kind=2,
        offered="192.0.2.101",
        server="192.0.2.1",
        routers=("192.0.2.1",),
        resolvers=(),
        lease_s=3600,
        provisioning=((66, "http://prov.example.net"), (160, "http://x"), (150, "192.0.2.5")),
    )


def test_what_a_server_does_not_say_is_empty():
    assert offer("350102", "ff") == DhcpReply(0x12345678, MAC, 2, "192.0.2.101", "", (), (), None, ())


def test_an_option_in_pieces_is_one_value():
    assert offer("0304c0000201", "00", "0304c0000202").routers == ("192.0.2.1", "192.0.2.2")


def test_options_may_stand_where_the_names_of_server_and_file_are_else():
    dns, router = bytes.fromhex("0604c0000235ff"), bytes.fromhex("0304c0000201ff")
    assert offer("340101", name=router, file=dns).resolvers == ("192.0.2.53",)
    assert offer("340101", name=router, file=dns).routers == ()
    assert offer("340103", name=router, file=dns).routers == ("192.0.2.1",)
    assert offer("", name=router, file=dns).resolvers == ()


def test_nothing_is_read_behind_the_end():
    assert offer("ff", "0304c0000201").routers == ()


def test_what_a_server_writes_is_fit_to_be_shown():
    assert offer("42051b5b324a00").provisioning == ((66, "?[2J"),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEAD[:239], "239 octets"),
        (encode_discover(1, MAC), "its operation is 1"),
        (b"\x02\x06" + HEAD[2:], "no Ethernet"),
        (HEAD[:236] + bytes(4), "BOOTP"),
        (HEAD + bytes.fromhex("0304c00002"), "option 3 is cut off"),
        (HEAD + bytes.fromhex("03"), "option 3 is cut off"),
        (HEAD + bytes.fromhex("0303c00002"), "option 3 has 3 octets"),
        (HEAD + bytes.fromhex("35020102"), "option 53 has 2 octets"),
        (HEAD + bytes.fromhex("330101"), "option 51 has 1 octets"),
    ],
)
def test_what_is_no_reply_is_refused_with_the_reason(data, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_dhcp_reply(data)
