"""SIP on a stream: however the bytes are cut, the messages are the same, or the same `DecodeError`."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip import framing as module
from tonekeeper.wire.sip.framing import LARGEST_MESSAGE, StreamFraming

BODIES = st.binary(max_size=20) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"])
LENGTHS = st.sampled_from([b"Content-Length: %d", b"l:%d", b"CONTENT-LENGTH :\r\n  %04d"])
PADDINGS = st.sampled_from([b"", b"X: y\r\n", b"X: a\r\n b\r\n"])


@st.composite
def sip_messages(draw):
    body = draw(BODIES)
    length = draw(LENGTHS) % len(body)
    return b"SIP/2.0 200 OK\r\n" + draw(PADDINGS) + length + b"\r\n\r\n" + body


STREAMS = st.lists(sip_messages() | st.just(b"\r\n") | st.just(b"\r\n\r\n"), max_size=8)
SEPARATE = st.sampled_from([b"\r", b"\n", b"\r\n", b"\r\n\r\n", b":", b"l", b"l: 3", b"SIP/2.0 200 OK", b" "])
GARBAGE = st.lists(sip_messages() | SEPARATE | st.binary(max_size=5), max_size=12).map(b"".join)


@st.composite
def cut(draw, stream):
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    return [stream[begin:end] for begin, end in zip([0, *places], [*places, len(stream)], strict=True)]


def outcome(pieces):
    """Messages, keepalives and the sentence of what ended it."""
    framing = StreamFraming()
    found = []
    try:
        for piece in pieces:
            framing.feed(piece)
            while (message := framing.next_message()) is not None:
                found.append(message)
    except DecodeError as error:
        return found, framing.pings, framing.pongs, str(error)
    return found, framing.pings, framing.pongs, ""


@given(st.data())
def test_any_cut_of_a_stream_gives_the_messages_that_were_sent(data):
    sent = data.draw(STREAMS)
    found, _, _, error = outcome(data.draw(cut(b"".join(sent))))
    assert (found, error) == ([part for part in sent if part.strip(b"\r\n")], "")


@given(st.data())
def test_any_cut_of_any_bytes_comes_to_the_same_end(data):
    stream = data.draw(GARBAGE)
    assert outcome(data.draw(cut(stream))) == outcome([stream])
    assert outcome([bytes((octet,)) for octet in stream]) == outcome([stream])


@given(GARBAGE)
def test_messages_and_keepalives_never_hold_more_than_came(stream):
    found, pings, pongs, _ = outcome([stream])
    assert sum(map(len, found)) + 4 * pings + 2 * pongs <= len(stream)
    assert all(len(message) <= LARGEST_MESSAGE for message in found)


def lines_run(stream, size):
    """How many lines of the framing run where `stream` comes in pieces of `size` octets."""
    lines = 0

    def count(frame, event, _):
        nonlocal lines
        if frame.f_code.co_filename != module.__file__:
            return None
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        outcome([stream[begin : begin + size] for begin in range(0, len(stream), size)])
    finally:
        sys.settrace(before)
    return lines


def test_work_grows_no_faster_than_the_stream_however_it_is_cut():
    kinds = (
        lambda n: b"\r\n" * n,
        lambda n: b"x: y\r\n" * n,
        lambda n: b"SIP/2.0 200 OK\r\nl: %d\r\n\r\n" % n + b"\r\n\r\n" * (n // 4),
        lambda n: b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n" * n,
    )
    for make in kinds:
        for size in (1, 7, 1 << 20):
            small, large = lines_run(make(40), size), lines_run(make(640), size)
            assert large <= 16 * small + 100
