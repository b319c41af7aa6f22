"""How HTTP answers begin, and when."""

from __future__ import annotations

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.http_answer import LONGEST_HEAD, HttpAnswer, decode_http_answer, is_whole_head
from tonekeeper.wire.http_date import parse_date


def test_a_redirection_says_where_to():
    answer = decode_http_answer(
        b"HTTP/1.1 302 Found\r\nDate: Sun, 22 Nov 2026 21:08:54 GMT\r\nLOCATION:  http://portal.example/login \r\n"
        b"Server: lighttpd\r\nVia: 1.1 proxy\r\n\r\n<html>Location: elsewhere"
    )
    assert answer == HttpAnswer(302, "Found", "http://portal.example/login", "lighttpd", "1.1 proxy", 1795381734)


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"HTTP/1.0 511 Network Authentication Required\n\n", 511, "Network Authentication Required"),
        (b"HTTP/1.1 204\r\n\r\n", 204, ""),
        (b"HTTP/1.1 200 \x1b[2Jok\r\nno field\r\n: \r\n", 200, "?[2Jok"),
        (b"HTTP/1.1 200", 200, ""),
    ],
)
def test_a_head_is_read_as_far_as_it_came(data, status, reason):
    answer = decode_http_answer(data)
    assert (answer.status, answer.reason) == (status, reason)
    assert (answer.location, answer.server, answer.via, answer.date) == ("", "", "", None)


def test_a_date_that_is_none_is_left_out():
    assert decode_http_answer(b"HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n").date is None


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-OpenSSH", b"HTTP/2 200", b"HTTP/1.1 099 x", b"HTTP/1.1  200", b"\0"])
def test_what_is_no_answer_is_refused(data):
    with pytest.raises(DecodeError):
        decode_http_answer(data)


def test_a_head_is_whole_at_its_empty_line_or_when_it_is_too_long():
    assert not is_whole_head(b"HTTP/1.1 200 OK\r\nServer: x\r\n")
    assert is_whole_head(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n")
    assert is_whole_head(b"x" * LONGEST_HEAD)


def test_the_date_of_the_rfc_is_read():
    assert parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777


@pytest.mark.parametrize(
    "text",
    [
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "",
    ],
)
def test_another_date_is_refused(text):
    with pytest.raises(DecodeError):
        parse_date(text)
