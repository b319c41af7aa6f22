"""The HTTP connection without a socket: bytes in, bytes out."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tonekeeper.faces.http.connection import HttpConnection, Limits, http_date
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, plain

LIMITS = Limits(header_bytes=1024, body_bytes=64)


def connection() -> HttpConnection:
    return HttpConnection(LIMITS, wall_clock=lambda: 784111777.0)


def talk(conn: HttpConnection, *chunks: bytes) -> bytes:
    """What comes back for `chunks` when every complete request is answered with its own method and path."""
    out = b""
    for chunk in chunks:
        conn.feed(chunk)
        while (step := conn.next_request()) is not None:
            out += conn.answer(step if isinstance(step, HttpResponse) else echo(step))
    return out


def echo(request: HttpRequest) -> HttpResponse:
    return plain(HTTPStatus.OK, f"{request.method} {request.path}?{request.query} {request.body.decode()}".strip())


def status_of(answer: bytes) -> int:
    return int(answer.split()[1])


def test_a_request_is_answered_with_head_and_body_in_one_piece():
    answer = talk(connection(), b"GET /healthz?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")

    assert answer == (
        b"HTTP/1.1 200 OK\r\n"
        b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 17\r\n"
        b"\r\n"
        b"GET /healthz?x=1\n"
    )


def test_a_request_fed_byte_by_byte_is_the_same_request():
    request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"

    assert talk(connection(), *(bytes([one]) for one in request)) == talk(connection(), request)


def test_head_has_the_fields_of_get_and_no_body():
    conn = connection()
    answer = talk(conn, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert b"Content-Length: 8\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
    assert not conn.closed


def test_not_modified_says_nothing_of_the_body_it_leaves_out_and_keeps_the_connection():
    conn = connection()
    conn.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert isinstance(conn.next_request(), HttpRequest)
    said = conn.answer(HttpResponse(HTTPStatus.NOT_MODIFIED, "", b"", (("ETag", 'W/"a"'),)))

    assert said == b'HTTP/1.1 304 Not Modified\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: W/"a"\r\n\r\n'
    assert conn.is_idle


def test_a_connection_is_kept_for_the_next_request():
    conn = connection()
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    assert [status_of(talk(conn, request)) for _ in range(3)] == [200, 200, 200]
    assert conn.is_idle
    assert not conn.closed


def test_requests_sent_in_one_go_are_answered_in_order():
    answer = talk(connection(), b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")

    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b"GET /1") < answer.index(b"GET /2")


def test_the_next_request_waits_until_the_last_is_answered():
    conn = connection()
    conn.feed(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")

    first = conn.next_request()
    assert isinstance(first, HttpRequest)
    assert conn.next_request() is None
    conn.answer(echo(first))
    second = conn.next_request()
    assert isinstance(second, HttpRequest)
    assert (first.path, second.path) == ("/1", "/2")


@pytest.mark.parametrize(
    "request_bytes",
    [b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"],
    ids=["connection-close", "http-1.0"],
)
def test_a_connection_that_was_asked_to_close_closes_after_the_answer(request_bytes):
    conn = connection()
    answer = talk(conn, request_bytes)

    assert status_of(answer) == 200
    assert b"Connection: close" in answer
    assert conn.closed


def test_an_absolute_target_means_its_path():
    assert b"GET /a?b=c" in talk(connection(), b"GET http://site.example/a?b=c HTTP/1.1\r\nHost: a\r\n\r\n")


def test_a_wish_for_another_protocol_is_not_heeded():
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"

    assert status_of(talk(connection(), request)) == 200


def test_fields_sent_twice_are_joined():
    conn = connection()
    conn.feed(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: x/y\r\naccept: z/w\r\n\r\n")
    request = conn.next_request()

    assert isinstance(request, HttpRequest)
    assert request.headers["accept"] == "x/y, z/w"


def test_a_body_in_chunks_is_put_together():
    request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    assert talk(connection(), request).endswith(b"POST /? abcde\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n bad: fold\r\n\tx\r\nnocolon\r\n\r\n", 400),
        (b"GET foo HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n" + 65 * b"x" + b"\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + 1025 * b"x" + b"\r\n\r\n", 431),
        (b"GET /" + 1025 * b"x" + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + 1025 * b"x", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_status(sent, status):
    answer = talk(connection(), sent)

    assert status_of(answer) == status
    assert b"cannot " in answer


def test_after_a_refusal_in_mid_request_the_connection_is_closed_and_hears_nothing_more():
    conn = connection()
    talk(conn, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65\r\n\r\n")

    assert conn.closed
    assert talk(conn, 65 * b"x", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == b""


def test_a_peer_that_just_leaves_gets_no_answer():
    conn = connection()

    assert talk(conn, b"") == b""
    assert conn.closed


def test_a_peer_that_leaves_in_mid_request_gets_no_answer():
    conn = connection()

    assert talk(conn, b"GET / HT", b"") == b""
    assert conn.closed


def test_a_peer_that_ends_its_side_after_the_request_is_still_answered():
    assert status_of(talk(connection(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"")) == 200


def test_a_request_that_takes_too_long_is_answered_408_and_closed():
    conn = connection()
    talk(conn, b"GET / HT")
    late = conn.time_out()

    assert late is not None
    assert status_of(conn.answer(late)) == 408
    assert conn.closed


def test_a_body_that_takes_too_long_is_answered_408_and_closed():
    conn = connection()
    talk(conn, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
    late = conn.time_out()

    assert late is not None
    assert status_of(conn.answer(late)) == 408
    assert conn.closed


def test_an_idle_connection_times_out_without_a_word():
    conn = connection()
    talk(conn, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert conn.time_out() is None
    assert conn.closed


def test_a_connection_is_idle_until_the_first_byte_of_a_request():
    conn = connection()
    assert conn.is_idle

    talk(conn, b"G")
    assert not conn.is_idle


def test_a_refusal_can_be_sent_before_anything_was_asked():
    conn = connection()

    assert status_of(conn.answer(plain(HTTPStatus.SERVICE_UNAVAILABLE, "cannot take more"))) == 503
    assert conn.closed


def test_the_date_is_written_as_rfc_9110_has_it():
    assert http_date(784111777.0) == "Sun, 06 Nov 1994 08:49:37 GMT"


ENDLESS = HttpStream("text/event-stream", lambda sink: lambda: None, (("Cache-Control", "no-store"),))


def begin(request: bytes) -> tuple[HttpConnection, bytes]:
    conn = connection()
    conn.feed(request)
    assert isinstance(conn.next_request(), HttpRequest)
    return conn, conn.begin(ENDLESS)


def test_a_stream_goes_in_chunks_and_the_connection_waits_for_its_end():
    conn, head = begin(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert head == (
        b"HTTP/1.1 200 OK\r\n"
        b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"Content-Type: text/event-stream\r\n"
        b"Cache-Control: no-store\r\n"
        b"Transfer-Encoding: chunked\r\n"
        b"\r\n"
    )
    assert conn.piece(b"abc") == b"3\r\nabc\r\n"
    assert conn.is_streaming
    assert not conn.is_idle
    assert conn.next_request() is None


def test_a_peer_of_http_1_0_gets_the_pieces_as_they_are():
    conn, head = begin(b"GET / HTTP/1.0\r\n\r\n")

    assert b"chunked" not in head
    assert b"Connection: close\r\n" in head
    assert conn.piece(b"abc") == b"abc"


def test_head_of_a_stream_begins_none():
    conn, head = begin(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length" not in head
    assert not conn.is_streaming
    assert conn.is_idle
