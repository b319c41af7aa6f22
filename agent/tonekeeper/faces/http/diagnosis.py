"""Diagnosis over HTTP: POST begins one, GET says how far it has come, DELETE stops it.

A diagnosis sends packets, so no page of somebody else may begin one in a browser that reaches the agent:
- The browser must say that the request comes from the agent's own page (Fetch Metadata, or Origin of RFC 6454); who
  says nothing of it is no browser.
- A body must be JSON, which no form can send.
- Without a token or a certificate of the client, it must be sent to an address or to localhost: whoever owns a name
  could point it at the agent, and a page of that name would look like the agent's own.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Protocol

import msgspec

from tonekeeper.core.examination import Examination
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, plain
from tonekeeper.faces.http.operation import Operation

_FRESH = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))
_EXAMPLE = '{"quick": true} or {"only": ["dns"]}'


class Diagnoses(Protocol):
    """Who runs the checks; one diagnosis at a time."""

    def begin(self, *, quick: bool, only: tuple[str, ...]) -> Examination | None:
        """`only`: names of checks; all where it is empty. None: one is running. ValueError: no such check."""

    def progress(self) -> Examination:
        """Of the one that runs, else of the last one."""

    def stop(self) -> Examination:
        """What is known by then stands; nothing happens where none runs."""


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a POST."""

    quick: bool = False
    only: tuple[str, ...] = ()


class DiagnosisRoutes:
    """`is_guarded`: whoever comes here has shown a token or a certificate of their own.

    `on_change`: one has begun, or was stopped.
    """

    def __init__(self, diagnoses: Diagnoses, is_guarded: bool, on_change: Callable[[], None]) -> None:
        self._diagnoses = diagnoses
        self._is_guarded = is_guarded
        self._on_change = on_change

    def operations(self) -> dict[str, Operation]:
        forbidden = HTTPStatus.FORBIDDEN
        refusals = (HTTPStatus.BAD_REQUEST, forbidden, HTTPStatus.CONFLICT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return {
            "GET": Operation(self.show, "How far the diagnosis has come that runs, or ran last", Examination),
            "POST": Operation(
                self.begin, "Begin a diagnosis", Examination, HTTPStatus.ACCEPTED, refusals=refusals, body=Wish
            ),
            "DELETE": Operation(self.stop, "Stop the one that runs", Examination, refusals=(forbidden,)),
        }

    def show(self, request: HttpRequest) -> HttpResponse:
        return _answer(HTTPStatus.OK, self._diagnoses.progress())

    def begin(self, request: HttpRequest) -> HttpResponse:
        if refusal := self._refuse_foreign(request) or _refuse_form(request):
            return refusal
        try:
            wish = msgspec.json.decode(request.body or b"{}", type=Wish)
            begun = self._diagnoses.begin(quick=wish.quick, only=wish.only)
        except (msgspec.DecodeError, ValueError) as error:
            return plain(HTTPStatus.BAD_REQUEST, f"cannot begin a diagnosis: {error}; write {_EXAMPLE}", *_FRESH)
        if begun is None:
            text = "cannot begin a diagnosis: one is running; wait for it, or stop it with DELETE"
            return plain(HTTPStatus.CONFLICT, text, *_FRESH)
        self._on_change()
        return _answer(HTTPStatus.ACCEPTED, begun)

    def stop(self, request: HttpRequest) -> HttpResponse:
        if refusal := self._refuse_foreign(request):
            return refusal
        stopped = self._diagnoses.stop()
        self._on_change()
        return _answer(HTTPStatus.OK, stopped)

    def _refuse_foreign(self, request: HttpRequest) -> HttpResponse | None:
        if not _is_from_own_page(request):
            text = "cannot take this from a page of another site; use the agent's own page"
        elif not self._is_guarded and not _is_address(request.headers.get("host", "")):
            text = "cannot take this under a name without a token; use an address or localhost, or [http] token_file"
        else:
            return None
        return plain(HTTPStatus.FORBIDDEN, text, *_FRESH)


def _is_from_own_page(request: HttpRequest) -> bool:
    """Likewise for what is from no page at all."""
    headers = request.headers
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    return "origin" not in headers or headers["origin"].partition("://")[2] == headers.get("host")


def _is_address(host: str) -> bool:
    """Whether this Host field, with or without a port, names an address or localhost."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _refuse_form(request: HttpRequest) -> HttpResponse | None:
    sent = request.headers.get("content-type", "")
    if sent.partition(";")[0].strip().lower() == "application/json":
        return None
    text = f"cannot read a body of type {sent!r}; send Content-Type: application/json"
    return plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text, *_FRESH)


def _answer(status: HTTPStatus, examination: Examination) -> HttpResponse:
    return HttpResponse(status, "application/json", msgspec.json.encode(examination), _FRESH)
