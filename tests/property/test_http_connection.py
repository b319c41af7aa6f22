"""Whatever bytes a peer sends, whole or one by one, it gets responses or is let go: never an exception."""

from __future__ import annotations

import re
from http import HTTPStatus

import h11
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.faces.http.connection import HttpConnection, Limits
from tonekeeper.faces.http.message import HttpRequest, plain
from tonekeeper.faces.http.metrics import dialect_for

LIMITS = Limits(header_bytes=256, body_bytes=16)

fragments = st.sampled_from(
    [
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"CONNECT ",
        b"/",
        b"*",
        b"http://a/b?c",
        b" HTTP/1.1",
        b" HTTP/1.0",
        b" HTTP/2.0",
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b"Host: a\r\n",
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\n",
        b"x" * 300,
        b"\x00",
        b"\xff",
    ]
)
streams = st.binary(max_size=200) | st.lists(fragments | st.binary(max_size=6), max_size=12).map(b"".join)


def converse(*chunks: bytes) -> tuple[bytes, bool]:
    """Everything the connection says to `chunks`, and whether it is closed after them."""
    connection = HttpConnection(LIMITS, wall_clock=lambda: 0.0)
    said = b""
    for chunk in chunks:
        connection.feed(chunk)
        while (step := connection.next_request()) is not None:
            said += connection.answer(plain(HTTPStatus.OK, step.path) if isinstance(step, HttpRequest) else step)
    return said, connection.closed


def status_codes(said: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"^HTTP/1\.1 ([0-9]{3}) ", said, re.MULTILINE)]


def read_by_a_client(said: bytes) -> list[int]:
    """The responses in `said` to GET requests, as another program's HTTP client reads them."""
    codes = []
    while said:
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
        client.send(h11.EndOfMessage())
        client.receive_data(said)
        head = client.next_event()
        assert isinstance(head, h11.Response)
        codes.append(head.status_code)
        while type(client.next_event()) is not h11.EndOfMessage:
            pass
        said = client.trailing_data[0]
    return codes


@given(streams)
def test_any_bytes_give_responses_or_silence(stream):
    said, closed = converse(stream)
    codes = status_codes(said)

    assert bool(codes) == bool(said)
    assert closed or all(code == 200 or code == 400 for code in codes)
    if b"HEAD" not in stream:
        assert read_by_a_client(said) == codes


@given(streams.filter(bool))
def test_how_the_bytes_are_cut_changes_no_answer(stream):
    """But for refusals by size: what is complete at once is measured later than what is still coming."""
    whole, whole_closed = converse(stream)
    piecewise, piecewise_closed = converse(*(bytes([one]) for one in stream))

    if b" 431 " not in whole + piecewise:
        assert (status_codes(piecewise), piecewise_closed) == (status_codes(whole), whole_closed)


@given(streams, st.booleans())
def test_after_the_end_of_the_stream_the_connection_is_closed_and_says_nothing(stream, waits):
    connection = HttpConnection(LIMITS, wall_clock=lambda: 0.0)
    connection.feed(stream)
    while waits and (step := connection.next_request()) is not None:
        connection.answer(plain(HTTPStatus.OK, "ok") if isinstance(step, HttpRequest) else step)
    connection.feed(b"")
    while (step := connection.next_request()) is not None:
        connection.answer(plain(HTTPStatus.OK, "ok") if isinstance(step, HttpRequest) else step)

    assert connection.closed
    connection.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.next_request() is None


@given(streams)
def test_running_out_of_time_closes_wherever_the_request_stands(stream):
    connection = HttpConnection(LIMITS, wall_clock=lambda: 0.0)
    connection.feed(stream)
    while (step := connection.next_request()) is not None:
        connection.answer(plain(HTTPStatus.OK, "ok") if isinstance(step, HttpRequest) else step)
    late = connection.time_out()
    if late is not None:
        assert connection.answer(late).startswith(b"HTTP/1.1 408 ")

    assert connection.closed


@given(
    st.text(max_size=60) | st.lists(st.sampled_from(["text/plain", ";q=", "0.5", ",", ";", "*/*", "="])).map("".join)
)
def test_any_accept_field_chooses_a_format(accept):
    dialect_for(accept)
