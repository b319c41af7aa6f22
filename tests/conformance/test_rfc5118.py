"""The torture messages of RFC 5118: SIP with IPv6. Each is the section's point in a message of our own making."""

from __future__ import annotations

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sdp import decode_audio
from tonekeeper.wire.sip.message import decode_message, decode_request, decode_response
from tonekeeper.wire.sip.reply import decode_reply

SENT_BY = "[2001:db8::9:1]"


def register(target: str, *, via: str = f"SIP/2.0/UDP {SENT_BY};branch=z9hG4bKtorture", contact: str = "") -> bytes:
    lines = (
        f"REGISTER {target} SIP/2.0",
        "To: sip:user@example.com",
        "From: sip:user@example.com;tag=81x2",
        f"Via: {via}",
        "Call-ID: torture@example.com",
        "Max-Forwards: 70",
        f"Contact: {contact or '<sip:caller@[2001:db8::1]>'}",
        "CSeq: 98176 REGISTER",
        "Content-Length: 0",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def test_4_1_an_ipv6_reference_is_a_host():
    request = decode_request(register("sip:[2001:db8::10]"))
    assert str(request.uri) == "sip:[2001:db8::10]"
    assert request.vias[0].sent_by == SENT_BY


def test_4_2_an_ipv6_address_without_its_brackets_is_refused():
    with pytest.raises(DecodeError):
        decode_message(register("sip:2001:db8::10"))


def test_4_3_what_stands_within_the_brackets_is_address_and_not_port():
    uri = decode_request(register("sip:[2001:db8::10:5070]")).uri
    assert (getattr(uri, "host", ""), getattr(uri, "port", 0)) == ("[2001:db8::10:5070]", None)


def test_4_4_what_stands_behind_the_brackets_is_the_port():
    uri = decode_request(register("sip:[2001:db8::10]:5070")).uri
    assert (getattr(uri, "host", ""), getattr(uri, "port", 0)) == ("[2001:db8::10]", 5070)


@pytest.mark.parametrize("received", ["[2001:db8::9:255]", "2001:db8::9:255"])
def test_4_5_received_is_taken_with_brackets_and_without(received):
    via = f"SIP/2.0/UDP {SENT_BY};received={received};branch=z9hG4bKtorture"
    answer = register("sip:[2001:db8::10]", via=via).replace(b"REGISTER sip:[2001:db8::10] SIP/2.0", b"SIP/2.0 200 OK")
    assert decode_response(answer).vias[0].received.strip("[]") == "2001:db8::9:255"
    assert decode_reply(answer).received.strip("[]") == "2001:db8::9:255"


SDP = (
    "v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 0 2\r\na=rtpmap:0 PCMU/8000\r\nm=video 6024 RTP/AVP 107\r\na=rtpmap:107 H263-1998/90000\r\n"
)


def test_4_6_a_body_may_name_ipv6_addresses():
    assert decode_audio(SDP.encode()).address == ("2001:db8::20", 6000)


def test_4_7_both_families_may_stand_in_one_message():
    via = "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2"
    request = decode_request(register("sip:[2001:db8::10]", via=via, contact='"Caller" <sip:caller@192.0.2.33>'))
    assert [str(each.sent_by) for each in request.vias] == ["[2001:db8::9:1]:6050", "192.0.2.1"]


# The connection line after m=audio is that of the audio.
def test_4_8_both_families_may_stand_in_one_body():
    mixed = SDP.replace("m=video", "c=IN IP4 192.0.2.1\r\nm=video")
    assert decode_audio(mixed.encode()).address == ("192.0.2.1", 6000)


def test_4_9_an_ipv4_address_may_be_written_into_an_ipv6_one():
    request = decode_request(
        register("sip:[::ffff:192.0.2.10]", via="SIP/2.0/UDP [::ffff:192.0.2.2]:19823;branch=z9hG4bK1")
    )
    assert request.vias[0].sent_by == "[::ffff:192.0.2.2]:19823"


@pytest.mark.parametrize("host", ["[2001:db8::192.0.2.1]", "[2001:db8:::192.0.2.1]"])
def test_4_10_the_colon_too_many_of_the_old_grammar_breaks_nothing(host):
    try:
        decode_message(register(f"sip:user@{host}"))
    except DecodeError:
        assert ":::" in host
