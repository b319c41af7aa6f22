import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.uri import OtherUri, SipUri, parse_sip_uri, parse_uri


def test_a_full_uri_gives_every_part():
    uri = parse_sip_uri("sips:alice:secret@pbx.example.net:5071;transport=tcp;lr?Subject=a&Priority=")
    assert uri == SipUri(
        scheme="sips",
        user="alice",
        password="secret",
        host="pbx.example.net",
        port=5071,
        params=(("transport", "tcp"), ("lr", "")),
        headers=(("Subject", "a"), ("Priority", "")),
    )


@pytest.mark.parametrize(
    "text",
    [
        "sip:pbx1",
        "sip:sbc_1.example.net",
        "sip:192.0.2.1:5060",
        "sip:[2001:db8::1]:5060;transport=udp",
        "sip:+12025550123@gw1.example.net;user=phone",
        "sip:a;b=c?d/e@example.net",
        "sip:%41%6c@example.net",
        "sip:user:@example.net",
        "sip:example.net.;maddr=[2001:db8::2]",
    ],
)
def test_what_is_read_is_written_the_same_way(text):
    assert str(parse_sip_uri(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@example.net",
        "sbc1.example.net",
        "tel:+12025550123",
        "sip:2001:db8::1",
        "sip:[2001:db8::1",
        "sip:[192.0.2.1]",
        "sip:[fe80::1%25eth0]",
        "sip:192.0.2.256",
        "sip:1.2.3.4.5",
        "sip:-pbx.example.net",
        "sip:pbx..example.net",
        "sip:example.net:0",
        "sip:example.net:65536",
        "sip:example.net:" + "9" * 5000,
        "sip:a b@example.net",
        "sip:a@b@example.net",
        "sip:%4@example.net",
        "sip:example.net;",
        "sip:example.net;lr;LR",
        "sip:example.net;transport=",
        "sip:example.net?",
        "sip:ex\u00e4mple.net",
        "\u017fip:example.net",
        "sip:example.net\n",
    ],
)
def test_what_is_no_sip_uri_is_refused(text):
    with pytest.raises(DecodeError, match="cannot decode SIP URI"):
        parse_sip_uri(text)


@pytest.mark.parametrize(
    ("text", "transport"),
    [
        ("sip:example.net", "udp"),
        ("sips:example.net", "tls"),
        ("sip:example.net;transport=TCP", "tcp"),
        ("SIP:example.net;Transport=tls", "tls"),
    ],
)
def test_the_transport_is_the_stated_one_or_the_schemes(text, transport):
    assert parse_sip_uri(text).transport == transport


def test_other_schemes_are_kept_unread():
    assert parse_uri("TEL:+1-202-555-0123;ext=7") == OtherUri("tel", "+1-202-555-0123;ext=7")
    assert str(parse_uri("urn:service:sos")) == "urn:service:sos"


@pytest.mark.parametrize("text", ["", "alan@example.net", "<sip:example.net>", "tel:", "1x:y", "tel:%zz", "tel:a b"])
def test_what_is_no_uri_is_refused(text):
    with pytest.raises(DecodeError, match="cannot decode URI"):
        parse_uri(text)
