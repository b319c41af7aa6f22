"""Messages cut out of a stream, keepalives between them, and what makes a stream unreadable."""

from __future__ import annotations

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.framing import LARGEST_MESSAGE, StreamFraming

OK = b"SIP/2.0 200 OK\r\nCall-ID: a\r\nContent-Length: 0\r\n\r\n"
SDP = b"SIP/2.0 200 OK\r\nCall-ID: b\r\nl:5\r\n\r\nv=0\r\n"


def messages(framing: StreamFraming, data: bytes) -> list[bytes]:
    framing.feed(data)
    found = []
    while (message := framing.next_message()) is not None:
        found.append(message)
    return found


def test_messages_that_came_together_are_told_apart():
    assert messages(StreamFraming(), OK + SDP + OK) == [OK, SDP, OK]


def test_a_message_is_complete_with_its_last_octet_and_not_before():
    framing = StreamFraming()
    for octet in SDP[:-1]:
        assert messages(framing, bytes((octet,))) == []
    assert messages(framing, SDP[-1:]) == [SDP]


def test_a_single_line_break_is_the_answer_to_a_ping():
    framing = StreamFraming()
    assert messages(framing, b"\r\n" + OK + b"\r\n") == [OK]
    assert (framing.pings, framing.pongs) == (0, 2)


def test_two_line_breaks_in_a_row_are_a_ping_even_if_the_second_comes_later():
    framing = StreamFraming()
    assert messages(framing, OK + b"\r\n\r") == [OK]
    assert (framing.pings, framing.pongs) == (0, 1)
    assert messages(framing, b"\n" + OK) == [OK]
    assert (framing.pings, framing.pongs) == (1, 0)


def test_the_end_of_a_body_is_no_keepalive():
    framing = StreamFraming()
    messages(framing, SDP)
    assert (framing.pings, framing.pongs) == (0, 0)


@pytest.mark.parametrize(
    "field",
    [
        b"Content-Length: 5",
        b"content-length:5",
        b"CONTENT-LENGTH \t:  005 ",
        b"L: 5",
        b"Content-Length:\r\n 5",
        b"Content-Length:\r\n\t\r\n 5",
    ],
)
def test_content_length_is_read_however_it_is_written(field):
    message = b"SIP/2.0 200 OK\r\n" + field + b"\r\n\r\nv=0\r\n"
    assert messages(StreamFraming(), message + OK) == [message, OK]


def test_a_folded_line_that_looks_like_a_content_length_is_none():
    message = b"SIP/2.0 200 OK\r\nSubject: a\r\n Content-Length: 99\r\nContent-Length: 0\r\n\r\n"
    assert messages(StreamFraming(), message) == [message]


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"Call-ID: a", "must have one on a stream and has none"),
        (b"Content-Length: 0\r\nl: 0", "must have one on a stream and has 2 of them"),
        (b"Content-Length: -1", "'-1' is not a number between 0 and 65536"),
        (b"Content-Length: 0, 0", "'0, 0' is not a number"),
        (b"Content-Length:", "'' is not a number"),
        (b"Content-Length: " + b"9" * 5000, "is not a number between 0 and 65536"),
        (b"Content-Length: 65536", "octets is longer than 65536"),
        (b"Content-Length: \xd9\xa3", "is not a number"),
    ],
)
def test_a_length_that_is_missing_double_or_absurd_makes_the_stream_unreadable(field, reason):
    with pytest.raises(DecodeError, match=reason):
        messages(StreamFraming(), b"SIP/2.0 200 OK\r\n" + field + b"\r\n\r\n")


def test_messages_before_the_one_that_cannot_be_read_are_not_lost():
    framing = StreamFraming()
    framing.feed(OK + b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    assert framing.next_message() == OK
    with pytest.raises(DecodeError, match="the message 'SSH-2"):
        framing.next_message()


def test_a_stream_that_became_unreadable_stays_so_and_keeps_nothing():
    framing = StreamFraming()
    for _ in range(3):
        with pytest.raises(DecodeError, match="has none"):
            messages(framing, b"GET / HTTP/1.1\r\n\r\n" + OK)


def test_a_message_of_the_largest_size_is_read_and_a_larger_one_refused():
    head = b"SIP/2.0 200 OK\r\nContent-Length: 65000\r\nX: %s\r\n\r\n"
    body = b"b" * 65000
    padding = b"x" * (LARGEST_MESSAGE - len(head % b"") - len(body))
    largest = head % padding + body
    assert messages(StreamFraming(), largest) == [largest]
    with pytest.raises(DecodeError, match="a message of 65537 octets is longer than 65536"):
        messages(StreamFraming(), head % (padding + b"x") + body)


@pytest.mark.parametrize("size", [1000, 70000])
def test_a_header_without_an_end_is_given_up(size):
    framing = StreamFraming()
    flood = b"SIP/2.0 200 OK\r\nX: " + b"x" * 70000 + b"\r\nContent-Length: 0\r\n\r\n"
    pieces = [flood[begin : begin + size] for begin in range(0, len(flood), size)]
    with pytest.raises(DecodeError, match="its header has no end within 65536 octets"):
        assert [messages(framing, piece) for piece in pieces] == []
