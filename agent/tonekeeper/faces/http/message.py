"""What a route sees of HTTP: a request that is complete, a response that is not yet framed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    """As sent; HEAD is a route's GET whose body the connection leaves out."""
    path: str
    """Of the target, without the query: `/api/v1/status`."""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; fields sent several times are joined with a comma (RFC 9110 section 5.3)."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Headers = ()
    """More than Content-Type, Content-Length, Date and Connection, which the connection writes."""


class Sink(Protocol):
    """Where the pieces of a stream go."""

    @property
    def is_behind(self) -> bool:
        """The peer has not taken what it was given: wait, for what is written now would only pile up."""

    def write(self, piece: bytes) -> None: ...

    def end(self) -> None:
        """There will be no more pieces. What `open` gave back is not called any more."""


@dataclass(frozen=True, slots=True)
class HttpStream:
    """A response 200 whose body comes in pieces, until it ends or the peer leaves."""

    content_type: str
    open: Callable[[Sink], Callable[[], None]]
    """Called when the head is out; what it gives back is called once, when the peer has left."""
    headers: Headers = ()


def plain(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> HttpResponse:
    """A response that is one line of text."""
    return HttpResponse(status, "text/plain; charset=utf-8", f"{text}\n".encode(), headers)
