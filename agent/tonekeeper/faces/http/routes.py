"""What the agent answers to which request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from tonekeeper.core.examination import Examination
from tonekeeper.core.report import Report
from tonekeeper.faces.http import metrics
from tonekeeper.faces.http.compression import compressed
from tonekeeper.faces.http.exposition import Dialect
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, plain
from tonekeeper.faces.http.operation import Operation
from tonekeeper.faces.http.revision import Revisions, matches
from tonekeeper.faces.http.token import CHALLENGE, carries_token

if TYPE_CHECKING:
    from tonekeeper.core.journal_reading import JournalReader
    from tonekeeper.faces.http.diagnosis import Diagnoses
    from tonekeeper.faces.http.events import Events

_FRESH = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


class Routes:
    """The table of resources.

    `report` gives the latest report; `ready` says whether the first round of verdicts is complete. With a `token`,
    all but the two probes of liveness ask for it. Without `diagnoses` none can be begun over HTTP. `is_guarded`:
    whoever comes here has proved who they are without a token.
    """

    def __init__(
        self,
        report: Callable[[], Report],
        ready: Callable[[], bool],
        token: str = "",
        diagnoses: Diagnoses | None = None,
        *,
        journal: JournalReader | None = None,
        is_guarded: bool = False,
    ) -> None:
        self._report = report
        self._ready = ready
        self._token = token
        self._is_guarded = bool(token) or is_guarded
        self._diagnoses = diagnoses
        self._events: Events | None = None
        self._revisions = Revisions()
        self._resources = self._table()
        if journal is not None:
            self._resources["/api/v1/journal"] = self._journalling(journal)
        if diagnoses is not None:
            self._resources["/api/v1/diagnose"] = self._diagnosing(diagnoses)

    def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        """The response to `request`: 401, 404 and 405 where there is none."""
        operations = self._resources.get(request.path, {})
        operation = operations.get("GET" if request.method == "HEAD" else request.method)
        is_open = any(one.is_open for one in operations.values())
        if self._token and not is_open and not carries_token(request, self._token):
            return plain(HTTPStatus.UNAUTHORIZED, "cannot answer without the token of [http] token_file", *CHALLENGE)
        if not operations:
            there = ", ".join(sorted(self._resources))
            return plain(HTTPStatus.NOT_FOUND, f"cannot find {request.path!r}; there is {there}")
        if operation is None:
            allowed = ", ".join(sorted({*operations, "HEAD"}))
            text = f"cannot {request.method} here; use {' or '.join(sorted(operations))}"
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, text, ("Allow", allowed))
        response = operation.handler(request)
        return compressed(request, response) if isinstance(response, HttpResponse) else response

    def look_soon(self) -> None:
        """Something has happened that those who listen to events would like to see."""
        if self._events is not None:
            self._events.look_soon()

    def _table(self) -> dict[str, dict[str, Operation]]:
        """By path and method; the OpenAPI document is made of it."""
        text = ("text/plain; charset=utf-8",)
        busy = (HTTPStatus.SERVICE_UNAVAILABLE,)
        return {
            "/": {"GET": Operation(self._page, "The status page, for people", ("text/html; charset=utf-8",))},
            "/api/v1/events": {
                "GET": Operation(
                    self._listen, "What of the page is new", ("text/event-stream; charset=utf-8",), refusals=busy
                )
            },
            "/api/v1/openapi.json": {"GET": Operation(self._describe, "This document", ("application/json",))},
            "/api/v1/status": {"GET": Operation(self._status, "The report", Report, has_tag=True)},
            "/healthz": {"GET": Operation(self._health, "Whether the process runs", text, is_open=True)},
            "/metrics": {"GET": Operation(self._metrics, "The report as metrics", tuple(Dialect))},
            "/readyz": {
                "GET": Operation(self._readiness, "Whether every path has a verdict", text, refusals=busy, is_open=True)
            },
        }

    def _describe(self, request: HttpRequest) -> HttpResponse:
        # Loaded for the first who asks. Likewise below.
        from tonekeeper.faces.http.openapi import render_openapi  # noqa: PLC0415

        version = self._report().agent.version
        body = render_openapi(self._resources, version, asks_for_token=bool(self._token))
        return HttpResponse(HTTPStatus.OK, "application/json", body, _FRESH)

    def _health(self, request: HttpRequest) -> HttpResponse:
        return plain(HTTPStatus.OK, "ok", *_FRESH)

    def _readiness(self, request: HttpRequest) -> HttpResponse:
        if self._ready():
            return plain(HTTPStatus.OK, "ok", *_FRESH)
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, "not ready: the first round of verdicts is not complete", *_FRESH)

    def _status(self, request: HttpRequest) -> HttpResponse:
        report = self._report()
        tag = self._revisions.tag(report)
        headers = (*_FRESH, ("ETag", tag))
        if matches(request.headers.get("if-none-match", ""), tag):
            return HttpResponse(HTTPStatus.NOT_MODIFIED, "", b"", (*headers, ("Vary", "Accept-Encoding")))
        return HttpResponse(HTTPStatus.OK, "application/json", msgspec.json.encode(report), headers)

    def _metrics(self, request: HttpRequest) -> HttpResponse:
        dialect = metrics.dialect_for(request.headers.get("accept", ""))
        body = metrics.render_metrics(self._report(), dialect)
        return HttpResponse(HTTPStatus.OK, dialect.value, body, (*_FRESH, ("Vary", "Accept")))

    def _page(self, request: HttpRequest) -> HttpResponse:
        from tonekeeper.faces.http.page.render import CONTENT_SECURITY_POLICY, render_page  # noqa: PLC0415

        body = render_page(self._report(), self._examination()).encode("utf-8", "backslashreplace")
        headers = (
            *_FRESH,
            ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
            ("Referrer-Policy", "no-referrer"),
        )
        return HttpResponse(HTTPStatus.OK, "text/html; charset=utf-8", body, headers)

    def _listen(self, request: HttpRequest) -> HttpResponse | HttpStream:
        if self._events is None:
            from tonekeeper.faces.http.events import Events  # noqa: PLC0415

            call_later = asyncio.get_running_loop().call_later
            self._events = Events(self._report, self._examination, call_later)
        stream = self._events.stream(_FRESH)
        if stream is None:
            text = "cannot tell one more listener; ask /api/v1/status now and then"
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, text, ("Retry-After", "10"))
        return stream

    def _examination(self) -> Examination | None:
        return self._diagnoses.progress() if self._diagnoses is not None else None

    def _journalling(self, journal: JournalReader) -> dict[str, Operation]:
        from tonekeeper.faces.http.journal import JournalRoute  # noqa: PLC0415

        return JournalRoute(journal).operations()

    def _diagnosing(self, diagnoses: Diagnoses) -> dict[str, Operation]:
        from tonekeeper.faces.http.diagnosis import DiagnosisRoutes  # noqa: PLC0415

        return DiagnosisRoutes(diagnoses, self._is_guarded, self.look_soon).operations()
