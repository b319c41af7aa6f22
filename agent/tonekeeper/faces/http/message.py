"""What a route sees of HTTP: a request that is complete, a response that is not yet framed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

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


def plain(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> HttpResponse:
    """A response that is one line of text."""
    return HttpResponse(status, "text/plain; charset=utf-8", f"{text}\n".encode(), headers)
