"""What the reflector says to whom, datagram by datagram."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.reflector import Datagram, Layout, answer
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_response
from tonekeeper.wire.sip.mirror import decode_copy
from tonekeeper.wire.stun.codec import decode_stun, encode_stun
from tonekeeper.wire.stun.message import (
    TCP,
    Attribute,
    ChangeRequest,
    StunClass,
    StunMessage,
    binding_request,
)

ONE = Layout("203.0.113.18")
TWO = Layout("203.0.113.18", "203.0.113.19")
HERE = Endpoint("203.0.113.18", 3478)
CLIENT = Endpoint("198.51.100.2", 40000)
ID = bytes(range(12))
SOFTWARE = "a client of some name"


def ask(message: StunMessage, layout: Layout = TWO, here: Endpoint = HERE, there: Endpoint = CLIENT) -> Datagram | None:
    return answer(Datagram(here, there, encode_stun(replace(message, software=SOFTWARE))), layout)


def told(datagram: Datagram | None) -> StunMessage:
    assert datagram is not None
    return decode_stun(datagram.data)


def options(padding: int = 600, port: int = 5060) -> bytes:
    lines = (
        "OPTIONS sip:203.0.113.18 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.10:{port};branch=z9hG4bK7;rport",
        "From: <sip:lab@192.0.2.10>;tag=1",
        "To: <sip:203.0.113.18>",
        "Call-ID: 1@lab",
        "CSeq: 1 OPTIONS",
        f"User-Agent: lab ({'-' * padding})",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def test_a_binding_request_learns_its_own_address_where_it_arrived_and_where_the_other_address_is():
    answered = ask(binding_request(ID))

    assert answered is not None
    assert (answered.here, answered.there) == (HERE, CLIENT)
    message = told(answered)
    assert message.stun_class is StunClass.SUCCESS
    assert message.transaction_id == ID
    assert message.xor_mapped_address == CLIENT
    assert message.response_origin == HERE
    assert message.other_address == Endpoint("203.0.113.19", 3479)


@pytest.mark.parametrize(
    ("change", "leaves_from"),
    [
        (ChangeRequest(False, False), Endpoint("203.0.113.18", 3478)),
        (ChangeRequest(False, True), Endpoint("203.0.113.18", 3479)),
        (ChangeRequest(True, False), Endpoint("203.0.113.19", 3478)),
        (ChangeRequest(True, True), Endpoint("203.0.113.19", 3479)),
    ],
)
def test_the_answer_leaves_from_where_change_request_wants_it(change, leaves_from):
    answered = ask(binding_request(ID, change_request=change))

    assert answered is not None
    assert answered.here == leaves_from
    assert told(answered).response_origin == leaves_from


def test_from_the_alternate_port_change_request_leads_back_to_the_first():
    back = ask(binding_request(ID, change_request=ChangeRequest(True, True)), here=Endpoint("203.0.113.19", 3479))

    assert back is not None
    assert back.here == HERE


def test_with_one_address_the_other_one_is_the_other_port_of_the_same():
    answered = ask(binding_request(ID), ONE)

    assert told(answered).other_address == Endpoint("203.0.113.18", 3479)


def test_with_one_address_a_change_of_address_is_refused_as_an_unknown_attribute():
    answered = ask(binding_request(ID, change_request=ChangeRequest(True, True)), ONE)

    message = told(answered)
    assert message.error is not None
    assert message.error.code == 420
    assert message.unknown_attributes == (0x0003,)


def test_response_port_sends_the_answer_to_another_port_of_the_same_host():
    answered = ask(binding_request(ID, response_port=50000))

    assert answered is not None
    assert answered.there == Endpoint(CLIENT.host, 50000)
    assert told(answered).xor_mapped_address == CLIENT


@pytest.mark.parametrize("port", [0, 53, 1023])
def test_response_port_leads_to_no_port_where_servers_live(port):
    answered = ask(binding_request(ID, response_port=port))

    assert answered is not None
    assert answered.there == CLIENT
    assert told(answered).error is not None


# --- over TCP, and to it


def over_tcp(message: StunMessage) -> Datagram | None:
    octets = encode_stun(replace(message, software=SOFTWARE))
    return answer(Datagram(HERE, CLIENT, octets, over_tcp=True), TWO)


def test_a_question_on_a_connection_is_answered_on_it():
    answered = over_tcp(binding_request(ID))

    assert answered is not None
    assert (answered.here, answered.there, answered.over_tcp) == (HERE, CLIENT, True)
    assert told(answered).xor_mapped_address == CLIENT


@pytest.mark.parametrize(
    "elsewhere",
    [
        binding_request(ID, response_port=50000),
        binding_request(ID, change_request=ChangeRequest(False, True)),
        binding_request(ID, response_port=50000, requested_transport=TCP),
    ],
)
def test_a_question_on_a_connection_cannot_have_its_answer_elsewhere(elsewhere):
    answered = over_tcp(elsewhere)

    assert answered is not None
    assert (answered.there, answered.over_tcp) == (CLIENT, True)
    assert told(answered).error is not None


def test_a_datagram_can_have_its_answer_on_a_connection_of_the_same_host():
    answered = ask(binding_request(ID, response_port=50000, requested_transport=TCP))

    assert answered is not None
    assert (answered.here, answered.there, answered.over_tcp) == (HERE, Endpoint(CLIENT.host, 50000), True)
    assert told(answered).xor_mapped_address == CLIENT


@pytest.mark.parametrize(
    "senseless",
    [
        binding_request(ID, requested_transport=TCP),
        binding_request(ID, response_port=50000, requested_transport=17),
        binding_request(ID, response_port=50000, requested_transport=TCP, change_request=ChangeRequest(True, True)),
    ],
)
def test_a_connection_that_is_not_named_is_a_bad_request(senseless):
    answered = ask(senseless)

    assert answered is not None
    assert (answered.there, answered.over_tcp) == (CLIENT, False)
    error = told(answered).error
    assert error is not None
    assert error.code == 400


def test_nothing_but_stun_is_answered_on_a_connection():
    for said in (options(), bytes.fromhex("8000000100000001deadbeef") + bytes(160)):
        assert answer(Datagram(HERE, CLIENT, said, over_tcp=True), TWO) is None


def test_connections_are_taken_where_stun_is_and_not_where_sip_is():
    assert {endpoint.port for endpoint in TWO.tcp_endpoints} == {3478, 3479}
    assert {endpoint.host for endpoint in TWO.tcp_endpoints} == {"203.0.113.18", "203.0.113.19"}


def test_padding_is_answered_with_as_much_padding():
    assert told(ask(replace(binding_request(ID), padding=1200))).padding == 1200


def test_padding_together_with_response_port_is_a_bad_request():
    message = told(ask(replace(binding_request(ID, response_port=50000), padding=400)))

    assert message.error is not None
    assert message.error.code == 400


def test_an_attribute_that_must_be_understood_and_is_not_is_named():
    message = told(ask(replace(binding_request(ID), others=(Attribute(0x7FFF, b"1234"),))))

    assert message.error is not None
    assert message.error.code == 420
    assert message.unknown_attributes == (0x7FFF,)


def test_a_question_too_short_for_the_whole_answer_gets_what_matters_most():
    question = Datagram(HERE, CLIENT, encode_stun(binding_request(ID)))
    message = told(answer(question, TWO))

    assert message.xor_mapped_address == CLIENT
    assert message.response_origin is None


def test_a_question_of_a_bare_header_is_told_that_it_is_too_short():
    question = Datagram(HERE, CLIENT, encode_stun(binding_request(ID), fingerprint=False))
    message = told(answer(question, TWO))

    assert message.error is not None
    assert message.error.code == 400


@pytest.mark.parametrize("stun_class", [StunClass.SUCCESS, StunClass.ERROR, StunClass.INDICATION])
def test_what_is_no_request_gets_no_answer(stun_class):
    assert ask(StunMessage(stun_class, ID)) is None


def test_a_server_port_and_a_group_of_hosts_get_no_answer():
    assert ask(binding_request(ID), there=Endpoint(CLIENT.host, 53)) is None
    assert ask(binding_request(ID), there=Endpoint("224.0.0.1", 40000)) is None


def test_the_mirror_sends_back_what_arrived_and_where_it_came_from():
    request = options()
    answered = answer(Datagram(HERE, CLIENT, request), TWO)

    assert answered is not None
    response = decode_response(answered.data)
    copy = decode_copy(response.body)
    assert response.status == 200
    assert copy.is_complete
    assert copy.text.encode() == request
    assert copy.source == CLIENT
    assert response.vias[0].received == CLIENT.host
    assert response.vias[0].rport == CLIENT.port


def test_nothing_in_the_copy_looks_like_a_header_field():
    answered = answer(Datagram(HERE, CLIENT, options()), TWO)

    assert answered is not None
    _, _, body = answered.data.partition(b"\r\n\r\n")
    assert b"\r\nVia:" not in body
    assert b"\r\n|Via:" in body


def test_a_short_request_gets_the_first_lines_back():
    answered = answer(Datagram(HERE, CLIENT, options(padding=300)), TWO)

    assert answered is not None
    copy = decode_copy(decode_response(answered.data).body)
    assert not copy.is_complete
    assert copy.text.startswith("OPTIONS ")


def test_a_client_on_the_sip_port_is_answered():
    assert answer(Datagram(Endpoint(HERE.host, 5060), Endpoint(CLIENT.host, 5060), options()), TWO) is not None


def test_an_invite_is_declined_and_an_ack_gets_nothing():
    invite = options().replace(b"OPTIONS", b"INVITE").replace(b"Call-ID", b"Contact: <sip:lab@192.0.2.10>\r\nCall-ID")
    answered = answer(Datagram(HERE, CLIENT, invite), TWO)

    assert answered is not None
    assert decode_response(answered.data).status == 488
    assert answer(Datagram(HERE, CLIENT, options().replace(b"OPTIONS", b"ACK")), TWO) is None


def test_rtp_comes_back_as_it_was():
    packet = bytes.fromhex("8000000100000001deadbeef") + bytes(160)
    assert answer(Datagram(HERE, CLIENT, packet), TWO) == Datagram(HERE, CLIENT, packet)


@pytest.mark.parametrize("port", [3478, 3479, 5060])
def test_a_port_of_another_reflector_gets_no_echo(port):
    packet = bytes.fromhex("8000000100000001deadbeef") + bytes(160)
    assert answer(Datagram(HERE, Endpoint(CLIENT.host, port), packet), TWO) is None


def test_two_reflectors_fall_silent_by_themselves():
    other = Layout("192.0.2.18", port=40000, alternate_port=40001, sip_port=0)
    said = Datagram(HERE, Endpoint("192.0.2.18", 40000), options())
    layouts = [TWO, other]
    for turn in range(3):
        answered = answer(said, layouts[turn % 2])
        if answered is None:
            return
        said = Datagram(answered.there, answered.here, answered.data)
    pytest.fail("they go on and on")


stun = st.builds(
    StunMessage,
    st.sampled_from(StunClass),
    st.binary(min_size=12, max_size=12),
    change_request=st.none() | st.builds(ChangeRequest, st.booleans(), st.booleans()),
    response_port=st.none() | st.integers(0, 65535),
    requested_transport=st.none() | st.sampled_from([TCP, 17]),
    padding=st.none() | st.integers(0, 1400),
    software=st.none() | st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), max_size=80),
    others=st.lists(st.builds(Attribute, st.integers(0x30, 0x8020), st.binary(max_size=9)), max_size=9).map(tuple),
)
sip_lines = st.lists(
    st.sampled_from(options(3).split(b"\r\n")) | st.binary(max_size=40).map(lambda junk: b"X: " + junk), max_size=30
)
questions = st.one_of(
    st.binary(max_size=300),
    stun.map(encode_stun),
    st.builds(lambda junk: b"\x80" + junk, st.binary(max_size=300)),
    sip_lines.map(b"\r\n".join),
    st.builds(lambda head, tail: head[:-2] + b"\r\n".join(tail) + b"\r\n\r\n", st.just(options(3)), sip_lines),
    st.integers(0, 1400).map(options),
)


@given(question=questions, layout=st.sampled_from([ONE, TWO]), port=st.integers(0, 65535))
def test_no_datagram_makes_it_say_more_than_one_and_a_half_times_as_much(question, layout, port):
    there = Endpoint(CLIENT.host, port)
    answered = answer(Datagram(HERE, there, question), layout)

    if answered is not None:
        assert len(answered.data) <= 1.5 * len(question)
        assert answered.there.host == CLIENT.host
        assert answered.there.port >= 1024
        assert answered.here in layout.endpoints


@given(st.binary(min_size=12, max_size=1400))
def test_an_echo_is_never_larger_than_what_it_echoes(tail):
    packet = b"\x80" + tail
    answered = answer(Datagram(HERE, CLIENT, packet), TWO)

    assert answered is not None
    assert answered.data == packet
