import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.via import Via, parse_vias


def parse_via(text):
    (via,) = parse_vias(text)
    return via


def test_a_via_says_what_the_server_saw():
    via = parse_via("SIP/2.0/UDP 10.0.0.2:49152;branch=z9hG4bK1;received=203.0.113.7;rport=1024")
    assert (via.sent_by, via.branch, via.received, via.rport) == ("10.0.0.2:49152", "z9hG4bK1", "203.0.113.7", 1024)


def test_blanks_are_allowed_wherever_the_grammar_has_them():
    via = parse_via("SIP  /  2.0/ udp\t pbx1 : 5060 ; Branch = z9hG4bK1 ;rport")
    assert str(via) == "SIP/2.0/UDP pbx1:5060;branch=z9hG4bK1;rport"


def test_one_field_can_carry_several_vias():
    assert [via.host for via in parse_vias('SIP/2.0/TCP a;x="1,2", SIP/2.0/UDP b')] == ["a", "b"]


@pytest.mark.parametrize("received", ["2001:db8::7", "[2001:db8::7]"])
def test_received_has_ipv6_with_and_without_brackets(received):
    assert parse_via(f"SIP/2.0/UDP [2001:db8::1]:5060;received={received}").received == "2001:db8::7"


def test_a_port_may_have_any_number_of_leading_zeros():
    via = parse_via(f"SIP/2.0/UDP pbx1:{'0' * 5000}5060;rport={'0' * 5000}1024")
    assert (via.port, via.rport) == (5060, 1024)


def test_what_the_server_did_not_say_is_empty():
    via = parse_via("SIP/2.0/UDP pbx1;rport")
    assert (via.branch, via.received, via.rport) == ("", "", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "SIP/2.0/UDP",
        "SIP/2.0 pbx1",
        "SIP/2.0/UDP pbx1;",
        "SIP/2.0/UDP pbx1;;rport",
        "SIP/2.0/UDP pbx1;branch=a;branch=b",
        "SIP/2.0/UDP pbx1;branch=a b",
        'SIP/2.0/UDP pbx1;x="open',
        "SIP/2.0/UDP pbx1:0",
        "SIP/2.0/UDP pbx1:70000",
        "SIP/2.0/UDP 2001:db8::1",
        "SIP/2.0/UDP 192.0.2.300",
        "SIP/2.0/UDP pbx1;rport=0",
        "SIP/2.0/UDP pbx1;rport=x",
        "SIP/2.0/UDP pbx1;received=pbx2",
        "SIP/2.0/UDP pbx1;received",
        "SIP/2.0/UDP pbx1;received=[192.0.2.1]]",
        "SIP/2.0/UDP pbx1, ",
    ],
)
def test_what_is_no_via_is_refused(text):
    with pytest.raises(DecodeError, match="cannot decode Via"):
        parse_vias(text)


def test_a_server_fills_in_rport_and_received_when_asked():
    asked = Via("10.0.0.2", 49152, params=(("branch", "z9hG4bK1"), ("rport", "")))
    filled = "SIP/2.0/UDP 10.0.0.2:49152;branch=z9hG4bK1;received=203.0.113.7;rport=1024"
    assert str(asked.answered_from(Endpoint("203.0.113.7", 1024))) == filled


def test_a_server_that_is_not_asked_says_received_only_for_another_address():
    via = Via("10.0.0.2", 49152, params=(("branch", "z9hG4bK1"),))
    assert via.answered_from(Endpoint("10.0.0.2", 1024)) == via
    assert via.answered_from(Endpoint("203.0.113.7", 1024)).received == "203.0.113.7"
    assert via.answered_from(Endpoint("203.0.113.7", 1024)).rport is None
