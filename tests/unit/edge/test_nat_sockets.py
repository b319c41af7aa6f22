"""What a NAT measurement puts into datagrams and reads from them; the sockets themselves are met in the lab."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.nat.messages import GarbageReceived, SendSip, SendStun, SipReceived, StunReceived
from tonekeeper.core.reflector import Datagram, Layout, answer
from tonekeeper.edge.nat_sockets import decode_datagram, sip_request, stun_request
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_request
from tonekeeper.wire.sip.render import render_response
from tonekeeper.wire.stun.codec import decode_stun, encode_stun
from tonekeeper.wire.stun.message import ChangeRequest, StunClass, StunMessage, binding_request

PLACES = {
    "IPv4": (Layout("203.0.113.18", "203.0.113.19"), Endpoint("192.0.2.10", 5060), Endpoint("198.51.100.2", 65535)),
    "IPv6": (
        Layout("2001:db8:ffff:ffff:ffff:ffff:ffff:fff1", "2001:db8:ffff:ffff:ffff:ffff:ffff:fff2"),
        Endpoint("2001:db8:eeee:eeee:eeee:eeee:eeee:eeee", 65535),
        Endpoint("2001:db8:eeee:eeee:eeee:eeee:eeee:eeee", 65535),
    ),
}
ID = bytes(12)


def sip(server: Endpoint) -> SendSip:
    return SendSip(3, server, f"z9hG4bK{'a' * 16}", "b" * 8, "c" * 24, 1)


@pytest.mark.parametrize("family", PLACES)
@pytest.mark.parametrize("change", [None, ChangeRequest(True, True)])
@pytest.mark.parametrize("port", [None, 40000])
def test_a_stun_question_is_long_enough_for_the_reflectors_whole_answer(family, change, port):
    layout, _, seen_as = PLACES[family]
    here = layout.endpoints[0]
    question = stun_request(SendStun(1, here, binding_request(ID, change_request=change, response_port=port)))
    answered = answer(Datagram(here, seen_as, question), layout)

    assert answered is not None
    message = decode_stun(answered.data)
    assert message.xor_mapped_address == seen_as
    assert message.other_address == layout.other(here)
    assert message.response_origin == answered.here


@pytest.mark.parametrize("family", PLACES)
def test_a_sip_question_is_long_enough_for_a_copy_of_all_of_it(family):
    layout, local, seen_as = PLACES[family]
    here = layout.endpoints[0]
    request = sip_request(sip(here), local)
    answered = answer(Datagram(here, seen_as, request), layout)

    assert answered is not None
    event = decode_datagram(3, here, answered.data)
    assert isinstance(event, SipReceived)
    assert event.mirrored == request.decode()
    assert event.reply.received == seen_as.host


def test_a_sip_question_fits_every_way_in_one_piece():
    request = sip_request(sip(Endpoint("203.0.113.2", 5060)), Endpoint("192.0.2.10", 5060))
    assert len(request) <= 1300
    assert decode_request(request).vias[0].sent_by == "192.0.2.10:5060"


def test_an_unusual_via_has_a_tab_where_a_blank_is_usual_and_says_the_same():
    local = Endpoint("192.0.2.10", 5060)
    usual, unusual = (replace(sip(Endpoint("203.0.113.2", 5060)), unusual_via=yes) for yes in (False, True))
    request = sip_request(unusual, local)

    assert b"\r\nVia: SIP/2.0/UDP\t192.0.2.10:5060;" in request
    assert decode_request(request).vias == decode_request(sip_request(usual, local)).vias


def test_a_server_that_says_its_name_is_left_its_words():
    message = StunMessage(StunClass.REQUEST, ID, software="as it was")
    assert decode_stun(stun_request(SendStun(1, Endpoint("203.0.113.18", 3478), message))).software == "as it was"


def test_stun_is_told_from_sip_and_both_from_garbage():
    source = Endpoint("203.0.113.18", 3478)
    stun = StunMessage(StunClass.SUCCESS, ID)
    assert decode_datagram(1, source, encode_stun(stun)) == StunReceived(1, source, stun)
    assert isinstance(decode_datagram(1, source, b"SIP/2.0 200 OK\r\n\r\n"), GarbageReceived)


def test_an_answer_of_an_ordinary_server_has_no_copy_in_it():
    here = Endpoint("203.0.113.2", 5060)
    request = decode_request(sip_request(sip(here), Endpoint("192.0.2.10", 5060)))
    for body in (b"", b"from nowhere"):
        headers = (("Content-Type", "text/plain"),)
        data = render_response(request, 200, "OK", received=None, headers=headers, body=body)
        event = decode_datagram(3, here, data)
        assert isinstance(event, SipReceived)
        assert event.mirrored is None


def test_a_copy_that_was_cut_is_no_evidence():
    layout, _, seen_as = PLACES["IPv4"]
    here = layout.endpoints[0]
    whole = sip_request(sip(here), Endpoint("192.0.2.10", 5060))
    short = whole.replace(b"-" * 400, b"")
    answered = answer(Datagram(here, seen_as, short), layout)

    assert answered is not None
    event = decode_datagram(3, here, answered.data)
    assert isinstance(event, SipReceived)
    assert event.mirrored is None


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"\x01\x01\x00\x00\x21\x12\xa4\x42" + tail))
def test_any_datagram_is_one_of_three_things(data):
    source = Endpoint("203.0.113.18", 3478)
    event = decode_datagram(1, source, data)
    assert event.socket == 1
    assert event.source == source
