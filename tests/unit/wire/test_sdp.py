"""SDP: what is offered, and what an answer says about audio."""

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sdp import AudioDescription, Direction, decode_audio, render_offer

ANSWER = """v=0
o=- 1 1 IN IP4 203.0.113.2
s=call
c=IN IP4 203.0.113.2
t=0 0
m=audio 30000 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
"""


def answer(*changes: tuple[str, str]) -> bytes:
    text = ANSWER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.replace("\n", "\r\n").encode()


def test_an_answer_says_where_and_in_which_formats():
    expected = AudioDescription(Endpoint("203.0.113.2", 30000), (8, 101))
    assert decode_audio(answer()) == expected
    assert decode_audio(ANSWER.encode()) == expected


def test_an_offer_is_read_as_it_was_meant():
    for local in (Endpoint("192.0.2.1", 4000), Endpoint("2001:db8::1", 4000)):
        assert decode_audio(render_offer(local, 17)) == AudioDescription(local, (0, 8))


def test_the_address_of_the_stream_goes_before_that_of_the_session():
    own = answer(("RTP/AVP 8 101\n", "RTP/AVP 8 101\nc=IN IP4 203.0.113.99\n"))
    assert decode_audio(own).address == Endpoint("203.0.113.99", 30000)


def test_the_direction_is_that_of_the_stream_else_of_the_session():
    assert decode_audio(answer(("t=0 0\n", "t=0 0\na=inactive\n"))).direction is Direction.NEITHER
    both = answer(("t=0 0\n", "t=0 0\na=inactive\n"), ("a=rtpmap:8 PCMA/8000\n", "a=sendonly\n"))
    assert decode_audio(both).direction is Direction.SENDS


def test_audio_is_found_behind_other_streams_and_a_refused_one_has_port_0():
    video = answer(("m=audio 30000", "m=video 5000 RTP/AVP 96\nc=IN IP4 203.0.113.7\nm=audio 0"))
    assert decode_audio(video).address == Endpoint("203.0.113.2", 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("v=0", "v=1"), "does not begin with v=0"),
        (("s=call", "call"), "is not TYPE=VALUE"),
        (("m=audio", "m=video"), "no audio"),
        (("m=audio 30000", "m=audio 70000"), "is not MEDIA PORT"),
        (("RTP/AVP", "RTP/SAVP"), "not RTP/AVP"),
        (("c=IN IP4 203.0.113.2\n", ""), "no c= line"),
        (("c=IN IP4 203.0.113.2", "c=IN IP4 media.example.net"), "no numeric address"),
        (("c=IN IP4 203.0.113.2", "c=IN IP6 fe80::1%eth0"), "no numeric address"),
        (("s=call", "s=call\n" + "a=x\n" * 500 + "a=x"), "lines"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_reason(change, reason):
    with pytest.raises(DecodeError, match=f"cannot decode SDP: .*{reason}"):
        decode_audio(answer(change))
