"""The STUN codec against anything: a value or `DecodeError`, whatever the octets; and what is written is read back."""

from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.attributes import BY_TYPE, FINGERPRINT, MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256
from tonekeeper.wire.stun.codec import decode_stun, encode_stun
from tonekeeper.wire.stun.integrity import is_authentic
from tonekeeper.wire.stun.message import Attribute, ChangeRequest, ErrorCode, StunClass, StunMessage
from tonekeeper.wire.stun.stream import split_stream

PORTS = st.integers(0, 65535)
ENDPOINTS = st.builds(Endpoint, st.ip_addresses().map(str), PORTS)
PRINTED = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40)
TEXTS = st.text(max_size=40)
RESERVED = {*BY_TYPE, FINGERPRINT, MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256}
OTHERS = st.builds(Attribute, PORTS.filter(lambda type_: type_ not in RESERVED), st.binary(max_size=30))
MESSAGES = st.builds(
    StunMessage,
    st.sampled_from(StunClass),
    st.binary(min_size=12, max_size=12),
    method=st.integers(0, 0xFFF),
    mapped_address=st.none() | ENDPOINTS,
    xor_mapped_address=st.none() | ENDPOINTS,
    change_request=st.none() | st.builds(ChangeRequest, st.booleans(), st.booleans()),
    response_port=st.none() | PORTS,
    requested_transport=st.none() | st.integers(0, 255),
    padding=st.none() | st.integers(0, 1500),
    response_origin=st.none() | ENDPOINTS,
    other_address=st.none() | ENDPOINTS,
    username=st.none() | TEXTS,
    realm=st.none() | TEXTS,
    nonce=st.none() | TEXTS,
    software=st.none() | PRINTED,
    error=st.none() | st.builds(ErrorCode, st.integers(300, 699), PRINTED),
    unknown_attributes=st.lists(PORTS, max_size=5).map(tuple),
    others=st.lists(OTHERS, max_size=4).map(tuple),
)


@st.composite
def framed(draw):
    """Octets whose header is right: what gets past the first look."""
    types = st.sampled_from(sorted(RESERVED)) | PORTS
    body = b""
    for _ in range(draw(st.integers(0, 5))):
        value = draw(st.binary(max_size=24))
        length = len(value) if draw(st.integers(0, 9)) else draw(PORTS)
        body += draw(types).to_bytes(2, "big") + length.to_bytes(2, "big") + value + bytes(-len(value) % 4)
    type_ = draw(st.integers(0, 0x3FFF))
    return type_.to_bytes(2, "big") + len(body).to_bytes(2, "big") + bytes.fromhex("2112a442") + bytes(12) + body


@given(data=st.binary(max_size=200) | framed())
def test_any_octets_are_a_value_or_a_decode_error(data):
    try:
        message = decode_stun(data)
    except DecodeError:
        return
    assert isinstance(message, StunMessage)


@given(message=MESSAGES, data=st.data())
def test_a_damaged_message_is_a_value_or_a_decode_error(message, data):
    octets = bytearray(encode_stun(message))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_stun(bytes(octets))
    except DecodeError:
        return


@given(message=MESSAGES, fingerprint=st.booleans())
def test_what_is_written_is_read_back(message, fingerprint):
    assert decode_stun(encode_stun(message, fingerprint=fingerprint)) == message


@given(message=MESSAGES, key=st.binary(min_size=1, max_size=20))
def test_what_is_signed_is_authentic_with_that_key_only(message, key):
    octets = encode_stun(message, integrity_key=key)
    assert decode_stun(octets) == message
    assert is_authentic(octets, key)
    assert not is_authentic(octets, key + b"!")


@given(data=framed())
def test_whoever_asks_whether_framed_octets_are_authentic_gets_an_answer_or_a_decode_error(data):
    try:
        assert not is_authentic(data, b"key")
    except DecodeError:
        return


@given(messages=st.lists(MESSAGES, max_size=4), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_a_connection_is_cut_into_its_messages_wherever_the_segments_end(messages, cuts):
    stream = b"".join(encode_stun(message) for message in messages)
    found, rest, at = [], b"", 0
    for cut in [*sorted(cuts), len(stream)]:
        whole, rest = split_stream(rest + stream[at:cut])
        found += whole
        at = max(at, cut)
    assert [decode_stun(message) for message in found] == messages
    assert rest == b""


@given(data=st.binary(max_size=200) | framed())
def test_any_stream_is_messages_and_a_rest_or_a_decode_error(data):
    try:
        messages, rest = split_stream(data)
    except DecodeError:
        return
    assert b"".join(messages) + rest == data
