"""What the agent answers to which request."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import msgspec

from tonekeeper.core.report import Report
from tonekeeper.faces.http import metrics
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, plain
from tonekeeper.faces.http.page.render import CONTENT_SECURITY_POLICY, render_page
from tonekeeper.faces.http.token import CHALLENGE, carries_token

_OPEN = ("/healthz", "/readyz")
_FRESH = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


class Routes:
    """The table of resources.

    `report` gives the latest report; `ready` says whether the first round of verdicts is complete. With a `token`,
    all but the two probes of liveness ask for it.
    """

    def __init__(self, report: Callable[[], Report], ready: Callable[[], bool], token: str = "") -> None:
        self._report = report
        self._ready = ready
        self._token = token
        self._get: dict[str, Callable[[HttpRequest], HttpResponse]] = {
            "/": self._page,
            "/api/v1/status": self._status,
            "/healthz": self._health,
            "/metrics": self._metrics,
            "/readyz": self._readiness,
        }

    def respond(self, request: HttpRequest) -> HttpResponse:
        """The response to `request`: 401, 404 and 405 where there is none."""
        if self._token and request.path not in _OPEN and not carries_token(request, self._token):
            return plain(HTTPStatus.UNAUTHORIZED, "cannot answer without the token of [http] token_file", *CHALLENGE)
        handler = self._get.get(request.path)
        if handler is None:
            return plain(HTTPStatus.NOT_FOUND, f"cannot find {request.path!r}; there is {', '.join(sorted(self._get))}")
        if request.method not in ("GET", "HEAD"):
            return plain(
                HTTPStatus.METHOD_NOT_ALLOWED, f"cannot {request.method} here; use GET", ("Allow", "GET, HEAD")
            )
        return handler(request)

    def _health(self, request: HttpRequest) -> HttpResponse:
        return plain(HTTPStatus.OK, "ok", *_FRESH)

    def _readiness(self, request: HttpRequest) -> HttpResponse:
        if self._ready():
            return plain(HTTPStatus.OK, "ok", *_FRESH)
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, "not ready: the first round of verdicts is not complete", *_FRESH)

    def _status(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(HTTPStatus.OK, "application/json", msgspec.json.encode(self._report()), _FRESH)

    def _metrics(self, request: HttpRequest) -> HttpResponse:
        dialect = metrics.dialect_for(request.headers.get("accept", ""))
        body = metrics.render_metrics(self._report(), dialect)
        return HttpResponse(HTTPStatus.OK, dialect.value, body, (*_FRESH, ("Vary", "Accept")))

    def _page(self, request: HttpRequest) -> HttpResponse:
        body = render_page(self._report()).encode("utf-8", "backslashreplace")
        headers = (
            *_FRESH,
            ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
            ("Referrer-Policy", "no-referrer"),
        )
        return HttpResponse(HTTPStatus.OK, "text/html; charset=utf-8", body, headers)
