"""One HTTP/1.1 connection without a socket: bytes in, requests out; responses in, bytes out.

    feed(bytes) ... next_request() -> HttpRequest    a complete request; answer() it before asking for the next
                                      HttpResponse   what came cannot be served: answer() with this
                                      None           nothing complete; feed more
    answer(response) -> bytes                        status line, headers and body as one piece
    begin(stream), piece(bytes), end() -> bytes      the same for a body that comes in pieces, and may end or not
    closed                                           nothing more will come out: close after writing

h11 speaks the protocol. What is added here are the limits, and the rule that nothing a peer sends raises:
it is a request, a refusal (after which the connection is closed), or silence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import h11

from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, plain

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer, and all of them together, can take from the agent."""

    header_bytes: int = 8192
    """Request line and header fields; beyond it 431."""
    body_bytes: int = 65536
    """Beyond it 413."""
    connections: int = 32
    """At once; beyond it the longest idle one is closed, and when none is idle the answer is 503."""
    request_time: float = 10.0
    """Seconds from a request's first byte to its last (408), and for a peer to take a response."""
    idle_time: float = 75.0
    """Seconds between two requests; more than a minute, since many scrape once a minute."""


class HttpConnection:
    """The server's side of one connection. `wall_clock` gives Unix time, for the Date field."""

    def __init__(self, limits: Limits, wall_clock: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._wall_clock = wall_clock
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.header_bytes)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._ended = False
        self.closed = False

    @property
    def is_idle(self) -> bool:
        """No byte of a request has come since the connection began or the last answer left."""
        return self._h11.their_state is h11.IDLE and not self._h11.trailing_data[0]

    @property
    def is_streaming(self) -> bool:
        """A stream has begun: there are pieces to come."""
        return self._h11.our_state is h11.SEND_BODY

    def feed(self, data: bytes) -> None:
        """Bytes from the peer; empty when it has ended its side."""
        if not (self.closed or self._ended):
            self._ended = not data
            self._h11.receive_data(data)

    def next_request(self) -> HttpRequest | HttpResponse | None:
        """The next complete request, or the refusal of something that cannot be served, or None: feed more."""
        while not self.closed:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                return self._refuse_malformed(error)
            match event:
                case h11.Request():
                    self._head = event
                    if refusal := self._refuse_head(event):
                        return refusal
                case h11.Data():
                    self._body += event.data
                    if len(self._body) > self._limits.body_bytes:
                        return self._refuse_body()
                case h11.EndOfMessage():
                    return self._complete()
                case h11.ConnectionClosed():
                    self.closed = True
                case _:  # NEED_DATA, or PAUSED until the last request is answered
                    return None
        return None

    def answer(self, response: HttpResponse) -> bytes:
        """`response` as bytes, for the request that `next_request` gave last."""
        headers = [("Date", http_date(self._wall_clock()))]
        if response.status is not HTTPStatus.NOT_MODIFIED:  # which would speak of the body that it leaves out
            headers += [("Content-Type", response.content_type), ("Content-Length", str(len(response.body)))]
        headers += response.headers
        if self._h11.their_state is not h11.DONE:
            headers.append(("Connection", "close"))
        status = response.status
        parts = [
            self._h11.send(h11.Response(status_code=status.value, headers=headers, reason=status.phrase.encode())),
            b"" if self._is_head else self._h11.send(h11.Data(data=response.body)),
            self._h11.send(h11.EndOfMessage()),
        ]
        self._begin_again()
        return b"".join(part for part in parts if part)

    def begin(self, stream: HttpStream) -> bytes:
        """Status line and headers of `stream`, likewise; of a HEAD that is all."""
        headers = [
            ("Date", http_date(self._wall_clock())),
            ("Content-Type", stream.content_type),
            *stream.headers,
        ]
        head = self._h11.send(h11.Response(status_code=HTTPStatus.OK.value, headers=headers, reason=b"OK")) or b""
        if self._is_head:
            head += self._h11.send(h11.EndOfMessage()) or b""
            self._begin_again()
        return head

    def piece(self, data: bytes) -> bytes:
        """`data` as the next piece of the stream that was begun."""
        return self._h11.send(h11.Data(data=data)) or b""

    def end(self) -> bytes:
        """What is to follow the last piece."""
        ending = self._h11.send(h11.EndOfMessage()) or b""
        self._begin_again()
        return ending

    @property
    def _is_head(self) -> bool:
        return self._head is not None and self._head.method == b"HEAD"

    def time_out(self) -> HttpResponse | None:
        """The peer took too long: the 408 for a request that has begun, None where there is nobody to tell."""
        if self.closed or self.is_idle or self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.closed = True
            return None
        seconds = self._limits.request_time
        return plain(HTTPStatus.REQUEST_TIMEOUT, f"cannot wait for the rest of the request: {seconds:g} s have passed")

    def _begin_again(self) -> None:
        self._head = None
        self._body.clear()
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        else:
            self.closed = True

    def _complete(self) -> HttpRequest | HttpResponse:
        assert self._head is not None
        target = self._head.target.decode("ascii", "replace")
        if (path := _path_of(target)) is None:
            return plain(HTTPStatus.BAD_REQUEST, f"cannot read the request target {target!r}; write /path")
        path, _, query = path.partition("?")
        headers: dict[str, str] = {}
        for name, value in self._head.headers:
            key, text = name.decode("ascii"), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return HttpRequest(self._head.method.decode("ascii"), path, query, headers, bytes(self._body))

    def _refuse_head(self, head: h11.Request) -> HttpResponse | None:
        if not head.http_version.startswith(b"1."):
            return plain(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "cannot speak this version of HTTP; use HTTP/1.1")
        if len(head.target) + sum(len(name) + len(value) + 4 for name, value in head.headers) > (
            self._limits.header_bytes  # h11 only counts what is incomplete
        ):
            return self._refuse_size()
        for name, value in head.headers:
            if name == b"content-length" and int(value) > self._limits.body_bytes:
                return self._refuse_body()
        if self._h11.they_are_waiting_for_100_continue:
            # No route takes a body worth asking twice for; clients then send again without the expectation.
            return plain(HTTPStatus.EXPECTATION_FAILED, "cannot promise to take the body; send it without Expect")
        return None

    def _refuse_malformed(self, error: h11.RemoteProtocolError) -> HttpResponse | None:
        if self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE) or (self._ended and error.error_status_hint == 400):
            self.closed = True
            return None
        if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            return self._refuse_size()
        return plain(HTTPStatus(error.error_status_hint), f"cannot read the request: {error}")

    def _refuse_size(self) -> HttpResponse:
        limit = self._limits.header_bytes
        text = f"cannot take more than {limit} bytes of request line and header fields"
        return plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text)

    def _refuse_body(self) -> HttpResponse:
        text = f"cannot take more than {self._limits.body_bytes} bytes of body"
        return plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)


def http_date(unix_time: float) -> str:
    """IMF-fixdate (RFC 9110 section 5.6.7), whatever the locale: `Sun, 06 Nov 1994 08:49:37 GMT`."""
    at = time.gmtime(unix_time)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year:04} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT"


def _path_of(target: str) -> str | None:
    """The path of an origin-form or absolute-form target (RFC 9112 section 3.2); None for what has no path."""
    if target.startswith("/") or target == "*":
        return target
    scheme, colon, rest = target.partition("://")
    if colon and scheme.lower() in ("http", "https"):
        return "/" + rest.partition("/")[2]
    return None
