"""What can be asked: a handler, and what there is to say of it to somebody who writes a program against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream

Handler = Callable[[HttpRequest], HttpResponse | HttpStream]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Of the query; may be left out."""

    name: str
    kind: type
    summary: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one resource."""

    handler: Handler
    summary: str
    answer: type | tuple[str, ...]
    """Of this type, as JSON; or of these media types, without a schema."""
    status: HTTPStatus = HTTPStatus.OK
    refusals: tuple[HTTPStatus, ...] = ()
    """That are its own, besides 401; a line of text each."""
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None
    has_tag: bool = False
    """Answers with an ETag, and with 304 to who has it."""
    is_open: bool = False
    """Asks for no token."""
