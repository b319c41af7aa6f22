"""The SNMP engine against messages that pass for ones: no exception, and no answer to what is none."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_snmp_envelope import element, integer, octets, sequence
from tests.unit.faces import reports
from tonekeeper.faces.snmp.definition import Served
from tonekeeper.faces.snmp.engine import Engine
from tonekeeper.faces.snmp.managers import User
from tonekeeper.faces.snmp.sockets import LISTENER
from tonekeeper.faces.snmp.view import read_view
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.secret import Secret

ENGINE_ID = bytes.fromhex("80007ed905") + b"twelve octet"
MANAGER = Endpoint("192.0.2.9", 40000)
NAME = bytes.fromhex("2b0601040181fd59a74401010100")  # 1.3.6.1.4.1.32473.5060.1.1.1.0
GET, RESPONSE, SET, BULK, REPORT = 0xA0, 0xA2, 0xA3, 0xA5, 0xA8
GENERAL_ERROR, AUTHORIZATION_ERROR, NOT_WRITABLE = 5, 16, 17


def pdu(tag, first=0, second=0):
    binding = sequence(element(0x06, NAME), element(0x05))
    return element(tag, integer(42), integer(first), integer(second), sequence(binding))


def v2c(tag=GET, first=0, second=0):
    return sequence(integer(1), octets(b"public"), pdu(tag, first, second))


def v3(engine_id=ENGINE_ID, user=b"noc", flags=b"\x04", boots=0):
    """In the clear and without a digest."""
    header = sequence(integer(7), element(0x02, b"\x7f\xff"), octets(flags), integer(3))
    security = sequence(octets(engine_id), integer(boots), integer(0), octets(user), octets(b""), octets(b""))
    return sequence(integer(3), header, octets(security), sequence(octets(engine_id), octets(b""), pdu(GET)))


class Asked:
    """An engine, and what it answers."""

    def __init__(self, view=None):
        self.sent = []
        whole = read_view(Served(reports.large()), 32473)
        users = [User("noc", "sha256", Secret("long enough"), "aes128", Secret("long enough"))]
        self._engine = Engine(
            ENGINE_ID,
            1,
            users=users,
            community=Secret("public"),
            targets=(),
            view=view or (lambda: whole),
            send=lambda *message: self.sent.append(message),
        )

    def ask(self, message):
        self.sent.clear()
        self._engine.receive(message, LISTENER, MANAGER)
        return [answer for answer, _, _ in self.sent]


@cache
def asked():
    """One for all: making it takes a while, and no message may change what it says to the next."""
    return Asked()


def is_answered(message):
    [answer] = asked().ask(message)
    return element(0x04, b"site-0042") in answer


def test_a_question_of_somebody_who_knows_the_community_is_answered():
    assert is_answered(v2c())


def test_an_answer_to_bulk_fits_into_a_packet():
    [answer] = asked().ask(v2c(BULK, 0, 127))
    assert 900 < len(answer) < 1400


def test_nothing_can_be_set():
    [answer] = asked().ask(v2c(SET))
    assert integer(NOT_WRITABLE) in answer


@pytest.mark.parametrize("flags", [b"\x04", b"\x05", b"\x07"])
@pytest.mark.parametrize("user", [b"", b"noc", b"nobody"])
@pytest.mark.parametrize("engine_id", [b"", ENGINE_ID])
def test_without_the_keys_there_is_a_report_or_a_refusal_at_most(flags, user, engine_id):
    for answer in asked().ask(v3(engine_id, user, flags)):
        assert b"site-0042" not in answer
        assert bytes([REPORT]) in answer or integer(AUTHORIZATION_ERROR) in answer


def test_another_engine_as_the_judge_lets_nobody_in():
    """USM asks for the level of a user only where this engine is the authoritative one (RFC 3414 section 3.2)."""
    for answer in asked().ask(v3(b"\x80\x00\x7e\xd9\x05another engin", b"noc", b"\x04")):
        assert b"site-0042" not in answer


@settings(max_examples=4 * settings.default.max_examples)
@given(
    st.sampled_from([v2c(), v2c(BULK, 1, 3), v2c(SET), v3(), v3(b"", b""), v3(flags=b"\x07"), v2c(RESPONSE)]),
    st.data(),
)
def test_a_message_with_flipped_octets_raises_nothing_and_stops_nothing(message, data):
    changed = bytearray(message)
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), min_size=1, max_size=6)):
        changed[at] ^= data.draw(st.integers(1, 255))
    asked().ask(bytes(changed))
    assert is_answered(v2c())


@settings(max_examples=2 * settings.default.max_examples)
@given(st.binary(max_size=80))
def test_garbage_behind_the_right_beginning_raises_nothing_and_stops_nothing(garbage):
    asked().ask(sequence(integer(1), octets(b"public"), garbage))
    asked().ask(sequence(integer(3), garbage))
    assert is_answered(v2c())


def test_many_strangers_leave_nothing_behind():
    """What is kept of a message, pysnmp says itself: nothing may pile up."""
    engine = asked()._engine._engine
    for number in range(100):
        asked().ask(v3(b"", b""))
        asked().ask(v3(ENGINE_ID, b"nobody-%d" % number, b"\x07"))
        asked().ask(v2c(RESPONSE))
    kept = [model._cache._Cache__cache_entries for model in engine.security_models.values()]
    assert sum(map(len, kept)) < 20


def test_a_bug_of_ours_is_told_to_the_manager_and_to_us():
    def view():
        raise ZeroDivisionError

    engine = Asked(view)
    with pytest.raises(ZeroDivisionError):
        engine.ask(v2c())
    [(answer, _, _)] = engine.sent
    assert integer(GENERAL_ERROR) in answer


def test_the_engine_starts_and_ends_with_the_loop():
    async def body():
        engine = Asked()._engine
        engine.start()
        engine.close()

    asyncio.run(body())
