"""The requests of a dialog, and what a response makes of it."""

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.dialog import Dialog, Sender, render_request
from tonekeeper.wire.sip.message import decode_request, decode_response
from tonekeeper.wire.sip.render import render_response
from tonekeeper.wire.sip.requests import (
    invite_headers,
    register_headers,
    render_ack,
    render_cancel,
    render_refusal_ack,
    subscribe_headers,
)
from tonekeeper.wire.sip.uri import parse_sip_uri

SENDER = Sender(Endpoint("192.0.2.10", 40000), "udp", "tonekeeper")
ALICE, ECHO = parse_sip_uri("sip:100@example.net"), parse_sip_uri("sip:600@example.net")
DIALOG = Dialog(call_id="c1", local=ALICE, local_tag="a1", remote=ECHO, target=ECHO)
INVITE = render_request("INVITE", DIALOG, SENDER, branch="z9hG4bK1", cseq=7, headers=invite_headers(ALICE), body=b"v=0")


def answered(status=200, **headers):
    fields = [(name.replace("_", "-"), value) for name, values in headers.items() for value in values]
    invite = decode_request(INVITE)
    return decode_response(render_response(invite, status, "So", received=None, headers=fields, to_tag="b1"))


def test_a_request_is_complete():
    request = decode_request(INVITE)
    assert str(request.uri) == "sip:600@example.net"
    assert str(request.vias[0]) == "SIP/2.0/UDP 192.0.2.10:40000;branch=z9hG4bK1;rport"
    assert (str(request.from_), str(request.to)) == ("<sip:100@example.net>;tag=a1", "<sip:600@example.net>")
    assert (request.call_id, str(request.cseq), request.header("max-forwards")) == ("c1", "7 INVITE", "70")
    assert (request.header("content-type"), request.body) == ("application/sdp", b"v=0")


def test_a_stream_is_named_in_via_and_contact():
    over_tls = Sender(Endpoint("2001:db8::1", 40000), "tls", "tonekeeper")
    assert str(over_tls.via("z9hG4bK1")).startswith("SIP/2.0/TLS [2001:db8::1]:40000;")
    assert str(over_tls.contact("x")) == "sip:x@[2001:db8::1]:40000;transport=tls"


def test_a_response_gives_tag_target_and_the_way_backwards():
    routes = ["<sip:203.0.113.2;lr>, <sip:203.0.113.3;lr>", "<sip:203.0.113.4;lr>"]
    dialog = DIALOG.answered_by(answered(Contact=["<sip:echo@203.0.113.9:5070>"], Record_Route=routes))
    bye = decode_request(render_request("BYE", dialog, SENDER, branch="z9hG4bK2", cseq=8))
    assert str(bye.uri) == "sip:echo@203.0.113.9:5070"
    assert bye.to.tag == "b1"
    assert bye.header_values("route") == ("<sip:203.0.113.4;lr>", "<sip:203.0.113.3;lr>", "<sip:203.0.113.2;lr>")


def test_a_strict_router_takes_the_place_of_the_request_uri():
    routes = ["<sip:203.0.113.3;lr>, <sip:203.0.113.2>"]
    dialog = DIALOG.answered_by(answered(Contact=["<sip:echo@203.0.113.9>"], Record_Route=routes))
    bye = decode_request(render_request("BYE", dialog, SENDER, branch="z9hG4bK2", cseq=8))
    assert str(bye.uri) == "sip:203.0.113.2"
    assert bye.header_values("route") == ("<sip:203.0.113.3;lr>", "<sip:echo@203.0.113.9>")


@pytest.mark.parametrize(
    "headers", [{"Contact": ["<sip:"]}, {"Record_Route": ["<sip:"]}, {"Record_Route": ["<tel:1>"]}]
)
def test_a_way_that_cannot_be_read_is_a_decode_error(headers):
    with pytest.raises(DecodeError):
        DIALOG.answered_by(answered(**headers))


def test_ack_to_a_2xx_is_a_request_of_its_own_with_the_number_of_the_invite():
    dialog = DIALOG.answered_by(answered(Contact=["<sip:echo@203.0.113.9>"]))
    ack = render_ack(dialog, SENDER, branch="z9hG4bK2", cseq=7, authorization=(("Proxy-Authorization", "Digest x"),))
    decoded = decode_request(ack)
    assert (decoded.method, str(decoded.cseq), decoded.vias[0].branch) == ("ACK", "7 ACK", "z9hG4bK2")
    assert str(decoded.uri) == "sip:echo@203.0.113.9"
    assert decoded.header("proxy-authorization") == "Digest x"


def test_ack_to_a_refusal_and_cancel_go_the_way_of_the_invite():
    refusal = decode_request(render_refusal_ack(DIALOG, SENDER, answered(486), branch="z9hG4bK1", cseq=7))
    cancel = decode_request(render_cancel(DIALOG, SENDER, branch="z9hG4bK1", cseq=7))
    invite = decode_request(INVITE)
    for request in (refusal, cancel):
        assert (request.uri, request.vias, request.call_id) == (invite.uri, invite.vias, invite.call_id)
        assert request.cseq.number == 7
    assert (refusal.to.tag, cancel.to.tag) == ("b1", "")


def test_a_contact_is_removed_by_name_and_never_all_of_them():
    headers = dict(register_headers(parse_sip_uri("sip:x@192.0.2.10:40000"), 0))
    assert headers == {"Contact": "<sip:x@192.0.2.10:40000>;expires=0", "Expires": "0"}


def test_the_state_of_a_mailbox_is_asked_for_once():
    headers = dict(subscribe_headers(ALICE))
    assert (headers["Event"], headers["Expires"]) == ("message-summary", "0")
    assert headers["Accept"] == "application/simple-message-summary"


def test_a_line_break_in_a_field_never_reaches_the_wire():
    with pytest.raises(ValueError, match="line break"):
        render_request("BYE", DIALOG, Sender(SENDER.local, "udp", "x\r\nEvil: 1"), branch="z9hG4bK2", cseq=8)
