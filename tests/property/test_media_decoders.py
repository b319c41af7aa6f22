"""What SDP, RTP and a mailbox's summary are read from comes from strangers: any bytes are a value or a DecodeError."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.rtp import RtpPacket, decode_rtp, encode_rtp
from tonekeeper.wire.sdp import decode_audio, render_offer
from tonekeeper.wire.sip.message_summary import decode_message_summary

SDP = render_offer(Endpoint("192.0.2.1", 4000), 17)
SUMMARY = b"Messages-Waiting: yes\r\nMessage-Account: sip:a@b\r\nVoice-Message: 4/8 (1/2)\r\n"
RTP = encode_rtp(RtpPacket(8, 1, 2, 3, b"voice"))


@st.composite
def damaged(draw, whole):
    """`whole` with a piece of it replaced."""
    begin = draw(st.integers(0, len(whole)))
    end = draw(st.integers(begin, len(whole)))
    return whole[:begin] + draw(st.binary(max_size=20)) + whole[end:]


@pytest.mark.parametrize(
    ("decode", "whole"), [(decode_audio, SDP), (decode_message_summary, SUMMARY), (decode_rtp, RTP)]
)
def test_any_bytes_are_a_value_or_a_decode_error(decode, whole):
    @given(st.one_of(st.binary(max_size=200), damaged(whole)))
    def any_bytes(data):
        with contextlib.suppress(DecodeError):
            decode(data)

    any_bytes()


@given(
    st.builds(
        RtpPacket,
        payload_type=st.integers(0, 127),
        sequence=st.integers(0, 2**16 - 1),
        timestamp=st.integers(0, 2**32 - 1),
        ssrc=st.integers(0, 2**32 - 1),
        payload=st.binary(max_size=200),
        marker=st.booleans(),
    )
)
def test_an_rtp_packet_is_read_as_it_was_written(packet):
    assert decode_rtp(encode_rtp(packet)) == packet
