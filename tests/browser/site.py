"""A site whose report and whose diagnoses a test makes up, served to the browser by the agent's own HTTP server."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from tests.unit.faces import reports
from tests.unit.faces.examinations import ScriptedDiagnoses
from tonekeeper.core.report import (
    CauseReport,
    CheckReport,
    EgressReport,
    ExplainedReport,
    FindingReport,
    FirewallReport,
    Report,
    RuleReport,
    Severity,
)
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, plain
from tonekeeper.faces.http.routes import Routes
from tonekeeper.faces.http.server import HttpServer
from tonekeeper.wire.endpoint import Endpoint

ANY = Endpoint("127.0.0.1", 0)


class Site:
    """`now`: what the report says. `refuses`: paths that are answered with 503 from now on."""

    def __init__(self) -> None:
        self.now: Report = reports.healthy()
        self.diagnoses = ScriptedDiagnoses()
        self.refuses: set[str] = set()
        self.asked: list[str] = []
        self._routes = Routes(lambda: self.now, lambda: True, diagnoses=self.diagnoses)
        self._loop = asyncio.new_event_loop()
        self._server = self._new_server(ANY)

    @property
    def url(self) -> str:
        return f"http://{self._where}/"

    @contextlib.contextmanager
    def served(self) -> Iterator[Site]:
        thread = threading.Thread(target=self._loop.run_forever, name="site")
        thread.start()
        try:
            self._where = self._do(self._server.start)
            yield self
            self._do(self._server.close)
            self._do(lambda: asyncio.sleep(0))  # what was closed is closed in the next turn of the loop
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def go_away(self) -> None:
        """As an agent that is stopped: nobody listens there any more."""
        self._do(self._server.close)

    def come_back(self) -> None:
        self._server = self._new_server(self._where)
        self._do(self._server.start)

    def let_go(self) -> None:
        """Every connection, as a router on the way does."""
        self._loop.call_soon_threadsafe(self._server.peers.close)

    def _new_server(self, where: Endpoint) -> HttpServer:
        return HttpServer(where, self._respond)

    def _do(self, act: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)

    def _respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        self.asked.append(f"{request.method} {request.path}")
        if request.path in self.refuses:
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, "cannot take one more connection")
        return self._routes.respond(request)


def eventful() -> Report:
    """Something in every part of the page, folded parts included."""
    flow = FirewallReport("lan", "primary", "fibre", "udp", "198.51.100.10:5060", "out", "accept", None, "", "")
    rule = RuleReport("inet", "fw", "forward", 0, "policy drop", "")
    way = EgressReport(
        "fibre", "primary", "udp", "198.51.100.10:5060", "answered", "", "", "fine", 1500, "OPTIONS was answered 200"
    )
    follows = FindingReport(
        "no-alternate",
        Severity.WARNING,
        "alternate over fibre",
        "There is nowhere to go if alternate over fibre fails.",
        {"why": "nothing else is proven"},
        "Configure a second SBC.",
        40.0,
    )
    proven = reports.proven()
    return replace(
        reports.failed_over(),
        wans=reports.steered().wans,
        sbcs=(reports.failed_over().sbcs[0], replace(proven.sbcs[1], active=True), *proven.sbcs[:1]),
        findings=(*reports.failed_over().findings, *reports.steered().findings),
        explained=(ExplainedReport(follows, (CauseReport("sbc-down", "primary"),)),),
        nat=reports.behind_nat().nat,
        firewall=(flow, replace(flow, verdict="drop", rule=rule, sbc="alternate")),
        egress=(way, replace(way, sbc="alternate", cause="local rule", outcome="forbidden here", largest=None)),
        phones=reports.phones(),
        checks=(
            CheckReport("clock", "ok", "2 time servers agree, 0.004 s off", 61.0),
            CheckReport("dhcp", "not checked", "it takes a raw socket: run as root, or give it CAP_NET_RAW", 61.0),
        ),
    )
