"""What is taken from a REGISTER and its answer, and what is left behind."""

from __future__ import annotations

import pytest
from tests.unit.edge.packets import PHONE, answer, register

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.message import decode_message
from tonekeeper.wire.sip.registration import Registration, RegistrationReply, decode_registration, user_agent_of

KEY = b"k" * 32


def read(data):
    return decode_registration(data, KEY)


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 3600),
        ({"contact": ";expires=60"}, 60),
        ({"contact": ';expires="60"'}, 60),
        ({"contact": ";expires=0060"}, 60),
        ({"contact": ";expires=soon"}, 3600),
        ({"contact": ";expires=0"}, 0),
        ({"expires": ""}, None),
        ({"expires": "Expires: 99999999999999999999"}, None),
        ({"expires": "Expires: 9999999999"}, 2**32 - 1),
        ({"expires": "Expires: ²"}, None),
    ],
)
def test_the_expiry_is_that_of_the_contact_else_of_the_message(changes, seconds):
    assert read(register(**changes)).expiry_s == seconds


def test_removing_all_contacts_is_an_expiry_of_zero():
    whole = register().replace(f"Contact: <sip:4711@{PHONE}:5062>".encode(), b"Contact: *")
    assert read(whole).expiry_s == 0


def test_registrations_are_told_apart_by_a_digest_that_only_the_key_explains():
    one, same, other = read(register()), read(register(cseq=2)), read(register(call_id="other"))
    assert one.registration == same.registration != other.registration
    assert decode_registration(register(), b"another key").registration != one.registration


def test_a_reply_tells_what_each_contact_was_granted():
    reply = read(answer(granted=540))
    assert isinstance(reply, RegistrationReply)
    assert (reply.status, reply.granted_s) == (200, {PHONE: 540, "192.168.1.99": 77})


def test_a_refusal_grants_nothing():
    assert read(answer(403)).granted_s == {}


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [
        ("Yealink SIP-T46U 108.86.0.20", "Yealink SIP-T46U 108.86.0.20"),
        ("Yealink SIP-T46U 108.86.0.20 4711", "Yealink SIP-T46U 108.86.0.20"),
        ("SomePhone/1.0 (4711@home)", "SomePhone/1.0 (@home)"),
        ("Phone 1.4711.2", "Phone 1.4711.2"),
        ("4711", ""),
        ("Phone\x1b[31m", "Phone?[31m"),
        ("x" * 1000, "x" * 128),
    ],
)
def test_an_account_in_the_user_agent_is_left_out_where_it_is_a_word(user_agent, shown):
    assert read(register(user_agent=user_agent)).user_agent == shown


def test_a_server_header_stands_in_for_a_missing_user_agent():
    data = answer().replace(b"Content-Length", b"Server: Grandstream HT802 1.0.29.8\r\nContent-Length")
    assert user_agent_of(decode_message(data)) == "Grandstream HT802 1.0.29.8"


@pytest.mark.parametrize("size", [500, 700])
def test_a_register_cut_within_a_line_is_read_up_to_there(size):
    whole = register(extra="X-Padding: " + "x" * 1000)
    found = read(whole[:size])
    assert isinstance(found, Registration)
    assert found.user_agent == "Yealink SIP-T46U 108.86.0.20"


def test_a_body_that_is_promised_and_not_there_does_no_harm():
    assert read(register().replace(b"Content-Length: 0", b"l: 5000")).expiry_s == 3600


@pytest.mark.parametrize(
    "data",
    [b"", b"\r\n", b"REGISTER", register()[:80], register().replace(b"REGISTER", b"OPTIONS"), b"\xff" * 200],
)
def test_anything_else_is_refused(data):
    with pytest.raises(DecodeError):
        read(data)
