"""AgentX PDUs: what is written is read back, in either byte order, and anything else is a value or `DecodeError`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.agentx import pdus
from tonekeeper.wire.agentx.header import HEADER_OCTETS, MOST_PAYLOAD, Flag, Header, Kind
from tonekeeper.wire.agentx.reading import decode_header, decode_payload
from tonekeeper.wire.agentx.writing import encode
from tonekeeper.wire.smi import Tag, Value, Varbind

WORDS = st.integers(0, 2**32 - 1)
SHORTS = st.integers(0, 2**16 - 1)
BYTES = st.integers(0, 255)
OIDS = st.lists(WORDS, max_size=20).map(tuple) | st.lists(WORDS, max_size=20).map(lambda rest: (1, 3, 6, 1, *rest))
VALUES = st.one_of(
    st.builds(Value, st.just(Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.builds(Value, st.sampled_from([Tag.COUNTER32, Tag.GAUGE32, Tag.TIME_TICKS]), WORDS),
    st.builds(Value, st.just(Tag.COUNTER64), st.integers(0, 2**64 - 1)),
    st.builds(Value, st.sampled_from([Tag.OCTET_STRING, Tag.IP_ADDRESS, Tag.OPAQUE]), st.binary(max_size=40)),
    st.builds(Value, st.just(Tag.OBJECT_IDENTIFIER), OIDS),
    st.builds(
        Value,
        st.sampled_from([Tag.NULL, Tag.NO_SUCH_OBJECT, Tag.NO_SUCH_INSTANCE, Tag.END_OF_MIB_VIEW]),
        st.none(),
    ),
)
VARBINDS = st.lists(st.builds(Varbind, OIDS, VALUES), max_size=5).map(tuple)
RANGES = st.lists(st.builds(pdus.SearchRange, OIDS, OIDS, st.booleans()), max_size=5).map(tuple)
PDUS = st.one_of(
    st.builds(pdus.Open, BYTES, OIDS, st.text(max_size=20)),
    st.builds(pdus.Close, BYTES),
    st.builds(pdus.Register, OIDS, BYTES, BYTES),
    st.builds(pdus.Get, st.lists(OIDS, max_size=5).map(tuple)),
    st.builds(pdus.GetNext, RANGES),
    st.builds(pdus.GetBulk, SHORTS, SHORTS, RANGES),
    st.builds(pdus.TestSet, VARBINDS),
    st.builds(pdus.Notify, VARBINDS),
    st.builds(pdus.Response, SHORTS, SHORTS, VARBINDS, WORDS),
    st.sampled_from([pdus.CommitSet(), pdus.UndoSet(), pdus.CleanupSet(), pdus.Ping()]),
)


def written(pdu, session=1, transaction=2, packet=3):
    return encode(pdu, session=session, transaction=transaction, packet=packet)


def read(data):
    header = decode_header(data[:HEADER_OCTETS])
    return header, decode_payload(header, data[HEADER_OCTETS:])


@given(PDUS, WORDS, WORDS, WORDS)
def test_what_is_written_is_read_back(pdu, session, transaction, packet):
    data = written(pdu, session, transaction, packet)
    header, found = read(data)
    assert found == pdu
    assert (header.session, header.transaction, header.packet) == (session, transaction, packet)
    assert header.payload == len(data) - HEADER_OCTETS
    assert len(data) % 4 == 0


@given(st.sampled_from(Kind), st.binary(max_size=120), st.integers(0, 255))
def test_any_payload_is_a_pdu_or_a_decode_error(kind, payload, flags):
    header = Header(kind, 1, 2, 3, len(payload), flags)
    try:
        found = decode_payload(header, payload)
    except DecodeError:
        return
    assert isinstance(found, pdus.Pdu)


@given(st.binary(min_size=HEADER_OCTETS, max_size=HEADER_OCTETS) | st.binary(max_size=2 * HEADER_OCTETS))
def test_any_header_is_a_header_or_a_decode_error(data):
    try:
        header = decode_header(data)
    except DecodeError:
        return
    assert header.payload <= MOST_PAYLOAD


@given(PDUS, st.data())
def test_a_pdu_with_a_flipped_octet_is_a_pdu_or_a_decode_error(pdu, data):
    octets = bytearray(written(pdu))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read(bytes(octets))
    except DecodeError:
        return


@given(PDUS, st.data())
def test_a_pdu_that_ends_too_early_or_too_late_is_a_decode_error(pdu, data):
    octets = written(pdu)
    header = decode_header(octets[:HEADER_OCTETS])
    payload = octets[HEADER_OCTETS:]
    if payload:
        cut = data.draw(st.integers(1, min(3, len(payload))))
        with pytest.raises(DecodeError):
            decode_payload(header, payload[:-cut])
    with pytest.raises(DecodeError):
        decode_payload(header, payload + b"\0")


GET_FROM_NET_SNMP = bytes.fromhex(
    "01 05 00 00  01 00 00 00  0d 00 00 00  4b 00 00 00  14 00 00 00"  # Get, little-endian
    "03 04 00 00  01 00 00 00  d9 7e 00 00  c4 13 00 00"  # 1.3.6.1.4 .1.32473.5060
    "00 00 00 00"
)


def test_a_master_of_the_other_byte_order_is_understood():
    header, found = read(GET_FROM_NET_SNMP)
    assert header == Header(Kind.GET, 1, 13, 75, 20, 0)
    assert found == pdus.Get(((1, 3, 6, 1, 4, 1, 32473, 5060),))


def test_a_request_in_a_context_of_its_own_says_so():
    data = bytearray(written(pdus.Get(((1, 3),))))
    data[2] |= Flag.NON_DEFAULT_CONTEXT
    data[HEADER_OCTETS:HEADER_OCTETS] = b"\0\0\0\3abc\0"
    header, found = read(bytes(data))
    assert header.flags & Flag.NON_DEFAULT_CONTEXT
    assert found == pdus.Get(((1, 3),))
