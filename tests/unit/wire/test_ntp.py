"""NTP, as chrony speaks it."""

from __future__ import annotations

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.ntp import decode_answer, encode_question

CHRONY = bytes.fromhex(
    "240800e600000000000000007f7f0101eeae0c41608feb5112e24b57aa90008eeeae0c42c98a821feeae0c42c98e5ffe"
)
"""chrony 4.3 with `local stratum 8`, on 22 November 2026."""


def with_octets(at: int, *octets: int) -> bytes:
    return CHRONY[:at] + bytes(octets) + CHRONY[at + len(octets) :]


def test_a_question_is_a_clients_and_tells_nothing_of_its_own_clock():
    question = encode_question(0x0123456789ABCDEF)
    assert question == b"\x23" + bytes(39) + bytes.fromhex("0123456789abcdef")


def test_an_answer_of_chrony_is_read():
    answer = decode_answer(CHRONY)
    assert (answer.leap, answer.stratum, answer.reference) == (0, 8, "")
    assert answer.origin == 1360732877315113102
    assert answer.received == pytest.approx(1795395010.78727, abs=1e-5)
    assert answer.sent == pytest.approx(1795395010.78733, abs=1e-5)
    assert (answer.root_delay, answer.root_dispersion) == (0.0, 0.0)


def test_root_delay_and_dispersion_are_seconds_with_sixteen_bits_of_fraction():
    answer = decode_answer(with_octets(4, 0, 1, 0x80, 0, 0, 0, 0x40, 0))
    assert (answer.root_delay, answer.root_dispersion) == (1.5, 0.25)


def test_a_kiss_has_its_code_and_what_is_not_printed_is_not_shown():
    assert decode_answer(with_octets(1, 0)[:12] + b"RATE" + CHRONY[16:]).reference == "RATE"
    assert decode_answer(with_octets(1, 1)[:12] + b"GPS\0" + CHRONY[16:]).reference == "GPS"
    assert decode_answer(with_octets(1, 0)[:12] + b"\x1b[2J" + CHRONY[16:]).reference == "?[2J"


def test_a_time_that_is_not_there_is_none():
    assert decode_answer(CHRONY[:32] + bytes(16)).received is None
    assert decode_answer(CHRONY[:32] + bytes(16)).sent is None


@pytest.mark.parametrize(
    ("first", "seconds"),
    [(0x80000000, -61505152), (0xFFFFFFFF, 2085978495), (0x00000001, 2085978497), (0x7FFFFFFF, 4233462143)],
)
def test_the_first_bit_says_on_which_side_of_2036_a_time_is(first, seconds):
    answer = decode_answer(CHRONY[:40] + first.to_bytes(4, "big") + bytes(4))
    assert answer.sent == seconds


def test_what_follows_the_answer_is_not_read():
    assert decode_answer(CHRONY + b"an authenticator") == decode_answer(CHRONY)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (CHRONY[:47], "47 octets"),
        (encode_question(1), "its mode is 3"),
        (with_octets(0, 0x04), "its version is 0"),
        (with_octets(0, 0x3C), "its version is 7"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_reason(data, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_answer(data)
