"""RTP packets in octets."""

from dataclasses import replace

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.rtp import PCMA, RtpPacket, decode_rtp, encode_rtp

PACKET = RtpPacket(PCMA, 0xFFFE, 0x01020304, 0xA0B0C0D0, b"voice", marker=True)
OCTETS = bytes.fromhex("8088fffe01020304a0b0c0d0") + b"voice"


def test_a_packet_is_twelve_octets_and_its_payload():
    assert encode_rtp(PACKET) == OCTETS
    assert decode_rtp(OCTETS) == PACKET


def test_contributing_sources_and_an_extension_are_skipped():
    head = bytes([OCTETS[0] | 0x12]) + OCTETS[1:12]
    extended = head + bytes(8) + bytes.fromhex("bede0001") + b"abcd" + b"voice"
    assert decode_rtp(extended) == PACKET


def test_padding_is_removed():
    padded = bytes([OCTETS[0] | 0x20]) + OCTETS[1:] + b"\0\0\x03"
    assert decode_rtp(padded) == PACKET


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 octets"),
        (OCTETS[:11], "11 octets"),
        (b"\x00" + OCTETS[1:], "version is 0"),
        (b"\x8f" + OCTETS[1:], "longer than the packet"),
        (b"\x90" + OCTETS[1:12] + b"\xbe\xde", "extension is cut off"),
        (b"\x90" + OCTETS[1:12] + b"\xbe\xde\x00\x09", "longer than the packet"),
        (b"\xa0" + OCTETS[1:12] + b"\0", "padding has no length"),
        (b"\xa0" + OCTETS[1:12] + b"\xff", "longer than the packet"),
    ],
)
def test_what_is_no_packet_is_refused_with_the_reason(data, reason):
    with pytest.raises(DecodeError, match=f"cannot decode RTP packet: .*{reason}"):
        decode_rtp(data)


@pytest.mark.parametrize("field", ["payload_type", "sequence", "timestamp", "ssrc"])
@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_number_that_does_not_fit_is_a_mistake_of_the_caller(field, value):
    with pytest.raises(OverflowError):
        encode_rtp(replace(PACKET, **{field: value}))
