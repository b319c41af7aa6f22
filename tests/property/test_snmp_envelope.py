"""SNMP messages from outside: an envelope or `DecodeError`, whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.snmp_envelope import V2C, V3, Envelope, decode_envelope


def element(tag, *parts):
    content = b"".join(parts)
    length = len(content)
    return bytes([tag]) + (bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2)) + content


def sequence(*parts):
    return element(0x30, *parts)


def integer(number):
    return element(0x02, number.to_bytes(1))


def octets(content):
    return element(0x04, content)


def v2c(community, pdu=b"\xa0\x00"):
    return sequence(integer(1), octets(community), pdu)


def v3(engine_id, rest=b""):
    header = sequence(integer(1), integer(1), octets(b"\x04"), integer(3))
    return sequence(integer(3), header, octets(sequence(octets(engine_id), rest)), octets(b"scoped"))


@given(st.binary(max_size=300))
def test_the_community_of_a_v2c_message_is_read(community):
    assert decode_envelope(v2c(community)) == Envelope(V2C, community=community)


@given(st.binary(max_size=32), st.binary(max_size=300))
def test_the_engine_of_a_v3_message_is_read(engine_id, rest):
    assert decode_envelope(v3(engine_id, rest)) == Envelope(V3, engine_id=engine_id)


@given(st.binary(max_size=200))
def test_any_datagram_is_an_envelope_or_a_decode_error(datagram):
    try:
        found = decode_envelope(datagram)
    except DecodeError:
        return
    assert found.version in (V2C, V3)


@given(st.sampled_from([v2c(b"public"), v3(b"engine-id")]), st.data())
def test_a_message_with_flipped_octets_is_an_envelope_or_a_decode_error(datagram, data):
    changed = bytearray(datagram)
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=4)):
        changed[at] ^= data.draw(st.integers(1, 255))
    try:
        decode_envelope(bytes(changed))
    except DecodeError:
        return


@pytest.mark.parametrize("whole", [v2c(b"public"), v3(b"engine-id")])
def test_a_message_that_was_cut_or_has_something_behind_it_is_none(whole):
    for cut in range(len(whole)):
        with pytest.raises(DecodeError):
            decode_envelope(whole[:cut])
    with pytest.raises(DecodeError, match="behind its end"):
        decode_envelope(whole + b"\0")


@pytest.mark.parametrize(
    ("datagram", "said"),
    [
        (sequence(integer(0), octets(b"public"), b"\xa0\x00"), "version 00"),
        (sequence(integer(2), octets(b"public")), "version 02"),
        (sequence(element(0x02), octets(b"public")), "version missing"),
        (b"\x30\x80\x02\x01\x01\x00\x00", "a length of 0 octets"),
        (b"\x30\x89" + b"\x01" * 9, "a length of 9 octets"),
        (b"\x30\x84\xff\xff\xff\xff\x02", "it ends too early"),
        (octets(b"no sequence"), "tag 0x04 instead of 0x30"),
    ],
)
def test_what_is_no_message_of_ours_says_why(datagram, said):
    with pytest.raises(DecodeError, match=said):
        decode_envelope(datagram)
