"""What passes by, packet by packet, and what is known of the phone afterwards."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from tests.unit.edge.packets import PHONE, SBC, SYN, answer, register, tcp, udp
from tonekeeper.core.events import PhoneSeen, PhoneSign
from tonekeeper.core.journal import write_entry
from tonekeeper.core.site import Transport
from tonekeeper.edge.phone_traffic import LEAST_GAPS, MOST_PHONES, PhoneTraffic
from tonekeeper.wire.ip_packet import decode_ip_packet

KEY = b"0" * 32


class Wire:
    """A stretch of cable: what goes over it, and what was told about it last."""

    def __init__(self) -> None:
        self.traffic = PhoneTraffic(KEY)
        self.now = 1000.0
        self.told: PhoneSeen | None = None

    def sends(self, packet, after=0.0):
        self.now += after
        self.told = self.traffic.take_from_phone(decode_ip_packet(packet), self.now) or self.told
        return self

    def gets(self, payload, after=0.02):
        self.now += after
        packet = udp(payload, source=(SBC, 5060), destination=(PHONE, 5062))
        self.told = self.traffic.take_to_phone(decode_ip_packet(packet)) or self.told
        return self

    @property
    def registration(self):
        assert self.told is not None
        return self.told.registration


@pytest.fixture
def wire():
    return Wire()


def test_a_register_tells_the_phone_and_the_expiry_it_asks_for(wire):
    wire.sends(udp(register()))
    assert wire.told.address == PHONE
    assert wire.told.by is PhoneSign.REGISTER
    assert wire.told.user_agent == "Yealink SIP-T46U 108.86.0.20"
    assert wire.registration.expiry_s == 3600
    assert wire.registration.transport is Transport.UDP


def test_the_expiry_of_the_contact_goes_before_that_of_the_message(wire):
    assert wire.sends(udp(register(contact=";expires=120"))).registration.expiry_s == 120


def test_the_answer_tells_what_the_server_grants_for_this_contact(wire):
    wire.sends(udp(register())).gets(answer(granted=540))
    assert (wire.registration.status, wire.registration.granted_s) == (200, 540)


def test_a_challenge_is_no_answer_and_the_register_after_it_no_second_try(wire):
    credentials = 'Authorization: Digest username="4711", realm="x", nonce="y", uri="sip:x", response="z"'
    wire.sends(udp(register())).gets(answer(401))
    assert wire.registration.status is None
    wire.sends(udp(register(cseq=2, extra=credentials)), after=0.1).gets(answer(cseq=2))
    assert (wire.registration.status, wire.registration.retry_s) == (200, None)
    wire.sends(udp(register(cseq=3, extra=credentials)), after=540.0)
    assert wire.registration.retry_s == pytest.approx(540.14)


def test_retransmissions_are_no_tries(wire):
    wire.sends(udp(register()))
    for after in (0.5, 1.0, 2.0):
        wire.sends(udp(register()), after=after)
    assert wire.registration.retry_s is None
    wire.sends(udp(register(cseq=2)), after=30.0)
    assert wire.registration.retry_s == 33.5


def test_two_accounts_of_one_phone_are_not_taken_for_tries_of_one(wire):
    wire.sends(udp(register()))
    wire.sends(udp(register(call_id="other", user="4712")), after=3.0)
    assert wire.registration.retry_s is None


def test_a_rejection_is_told(wire):
    assert wire.sends(udp(register())).gets(answer(503)).registration.status == 503


def test_an_answer_to_somebody_elses_register_says_nothing(wire):
    wire.sends(udp(register())).gets(answer(call_id="unheard-of"))
    assert wire.registration.status is None


def test_keepalives_tell_how_often_a_phone_speaks(wire):
    wire.sends(udp(register()))
    for _ in range(LEAST_GAPS):
        assert wire.registration.keepalive_s is None
        wire.sends(udp(b"\r\n\r\n"), after=30.0)
    assert wire.registration.keepalive_s == 30.0


def test_a_phone_without_keepalives_speaks_as_often_as_it_registers(wire):
    for cseq in range(1, 10, 2):
        wire.sends(udp(register(cseq=cseq)), after=59.0).gets(answer(401, cseq=cseq))
        wire.sends(udp(register(cseq=cseq + 1, extra='Authorization: Digest realm="x"')), after=1.0 - 0.02)
    assert wire.registration.keepalive_s == pytest.approx(59.0, abs=0.1)


def test_a_keepalive_of_whom_nobody_knows_tells_nothing(wire):
    assert wire.sends(udp(b"\r\n\r\n")).told is None


def test_the_first_fragment_of_a_long_register_is_enough(wire):
    whole = register(extra="X-Padding: " + "x" * 1400)
    wire.sends(udp(whole[:1400], fragment=0x2000))
    assert wire.told.user_agent == "Yealink SIP-T46U 108.86.0.20"


def test_over_tcp_a_register_is_read_and_keepalives_are_no_matter(wire):
    wire.sends(tcp(register()))
    for _ in range(LEAST_GAPS):
        wire.sends(udp(b"\r\n\r\n"), after=30.0)
    assert wire.registration.transport is Transport.TCP
    assert wire.registration.keepalive_s is None


def test_a_connection_to_a_sip_port_is_a_sign_of_a_phone_and_nothing_more(wire):
    wire.sends(tcp(flags=SYN, destination=(SBC, 5061)))
    assert wire.told == PhoneSeen(PHONE, PhoneSign.CONNECTION)


def test_unregistering_leaves_the_expiry_as_it_was(wire):
    wire.sends(udp(register())).sends(udp(register(cseq=2, contact=";expires=0")))
    assert wire.registration.expiry_s == 3600


def test_neither_number_nor_name_nor_realm_comes_out(wire):
    secrets = ("4711", "Erika", "Mustermann", "example.net", "a84b4c76e66710", "s3cret-response", "geheim")
    credentials = 'Authorization: Digest username="4711", realm="geheim", response="s3cret-response"'
    wire.sends(udp(register(user_agent="Yealink SIP-T46U 108.86.0.20 4711", extra=credentials)))
    wire.gets(answer())
    said = f"{asdict(wire.told)} {write_entry(1.0, wire.told, [])}"
    assert [secret for secret in secrets if secret in said] == []
    assert wire.told.user_agent == "Yealink SIP-T46U 108.86.0.20"


def test_what_is_remembered_of_many_made_up_phones_is_bounded(wire):
    for number in range(2 * MOST_PHONES):
        source = (f"10.0.{number // 250}.{number % 250}", 5060)
        wire.sends(udp(register(call_id=f"{number}"), source=source), after=0.001)
    assert len(wire.traffic) == MOST_PHONES
