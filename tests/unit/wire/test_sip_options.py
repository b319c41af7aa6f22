import pytest

from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_request
from tonekeeper.wire.sip.render import render_options


def options(**changes):
    return render_options(
        **{
            "request_host": "sbc1.example.net",
            "address": Endpoint("198.51.100.20", 5060),
            "transport": "udp",
            "local": Endpoint("192.0.2.2", 49152),
            "branch": "z9hG4bK1",
            "from_tag": "a1",
            "call_id": "c3",
            "cseq": 7,
            "user_agent": "tonekeeper/0.1",
        }
        | changes
    )


@pytest.mark.parametrize("octets", [0, 1, 305, 319, 320, 571, 1472, 65507])
def test_an_options_probe_is_as_long_as_it_is_asked_to_be(octets):
    padded, missing, least = options(octets=octets), octets - len(options()), len("X-Padding: -\r\n")
    assert len(padded) - len(options()) == (0 if missing <= 0 else max(missing, least))
    assert decode_request(padded).call_id == "c3"
    assert max(map(len, padded.split(b"\r\n"))) <= 250


def test_an_options_probe_looks_like_this():
    assert options().decode().split("\r\n") == [
        "OPTIONS sip:sbc1.example.net SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.2:49152;branch=z9hG4bK1;rport",
        "Max-Forwards: 70",
        "From: <sip:tonekeeper@192.0.2.2>;tag=a1",
        "To: <sip:sbc1.example.net>",
        "Call-ID: c3",
        "CSeq: 7 OPTIONS",
        "Contact: <sip:tonekeeper@192.0.2.2:49152>",
        "Accept: application/sdp",
        "User-Agent: tonekeeper/0.1",
        "Content-Length: 0",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("transport", "port", "target"),
    [
        ("udp", 5060, "sip:sbc1.example.net"),
        ("udp", 5061, "sip:sbc1.example.net:5061"),
        ("tcp", 5060, "sip:sbc1.example.net;transport=tcp"),
        ("tls", 5061, "sip:sbc1.example.net;transport=tls"),
        ("tls", 5060, "sip:sbc1.example.net:5060;transport=tls"),
    ],
)
def test_the_target_names_port_and_transport_where_they_are_not_the_usual_ones(transport, port, target):
    request = decode_request(options(transport=transport, address=Endpoint("198.51.100.20", port)))
    assert str(request.uri) == target
    assert request.vias[0].transport == transport.upper()


@pytest.mark.parametrize("host", ["2001:db8::20", "[2001:db8::20]"])
def test_ipv6_addresses_stand_in_brackets(host):
    request = decode_request(options(request_host=host, local=Endpoint("2001:db8::2", 49152)))
    assert str(request.uri) == "sip:[2001:db8::20]"
    assert request.vias[0].sent_by == "[2001:db8::2]:49152"
    assert str(request.from_.uri) == "sip:tonekeeper@[2001:db8::2]"


def test_a_line_break_cannot_smuggle_a_header():
    with pytest.raises(ValueError, match="cannot render a line break"):
        options(user_agent="x\r\nRoute: <sip:evil.example.net>")
