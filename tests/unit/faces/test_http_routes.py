from __future__ import annotations

import asyncio
import base64
import gzip
from http import HTTPStatus

import msgspec
import pytest

from tests.unit.faces import reports
from tests.unit.faces.examinations import ScriptedDiagnoses
from tonekeeper.core.report import Report
from tonekeeper.faces.http.events import LOOK, MOST
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, Sink
from tonekeeper.faces.http.routes import Routes

TOKEN = "correct horse"


def ask(
    path: str, method: str = "GET", *, ready: bool = True, token: str = "", headers: dict[str, str] | None = None
) -> HttpResponse:
    routes = Routes(reports.failed_over, lambda: ready, token)
    response = routes.respond(HttpRequest(method, path, headers=headers or {}))
    assert isinstance(response, HttpResponse)
    return response


def test_healthz_is_200_while_the_process_runs():
    assert (ask("/healthz", ready=False).status, ask("/healthz").body) == (HTTPStatus.OK, b"ok\n")


def test_readyz_is_503_until_the_first_round_of_verdicts_is_complete():
    assert ask("/readyz", ready=False).status == HTTPStatus.SERVICE_UNAVAILABLE
    assert ask("/readyz", ready=True).status == HTTPStatus.OK


def test_status_is_the_report_as_json():
    response = ask("/api/v1/status")

    assert response.content_type == "application/json"
    assert msgspec.json.decode(response.body, type=Report) == reports.failed_over()


def test_status_has_the_keys_of_the_contract():
    status = msgspec.json.decode(ask("/api/v1/status").body)

    assert status["schema"] == 1
    assert {"name", "version", "role", "uptime_s"} <= status["agent"].keys()
    assert {"name", "interface", "state", "penalty", "transitions", "blamed"} <= status["wans"][0].keys()
    sbc = status["sbcs"][0]
    assert {"name", "uri", "state", "control", "media", "active", "paths"} <= sbc.keys()
    path = sbc["paths"][0]
    assert {"wan", "transport", "address", "state", "rtt_ms", "loss", "last_reply"} <= path.keys()
    assert {"wan", "sbc", "since_s", "reason"} <= status["active"].keys()
    finding = status["findings"][0]
    assert {"code", "severity", "subject", "summary", "evidence", "remedy"} <= finding.keys()
    assert {"nat", "firewall", "phones"} <= status.keys()


def test_states_are_written_as_their_words():
    status = msgspec.json.decode(ask("/api/v1/status").body)

    assert [sbc["state"] for sbc in status["sbcs"]] == ["down", "healthy"]


def test_metrics_follow_the_accept_field():
    plain = ask("/metrics")
    openmetrics = ask("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})

    assert plain.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert openmetrics.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert dict(openmetrics.headers)["Vary"] == "Accept, Accept-Encoding"


def test_the_page_may_run_nothing_but_its_own_script():
    headers = dict(ask("/").headers)

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_answer_may_be_kept_in_a_cache():
    for path in ("/", "/api/v1/status", "/metrics", "/healthz", "/readyz"):
        assert ("Cache-Control", "no-store") in ask(path).headers


def test_an_unknown_path_is_404_and_names_what_there_is():
    response = ask("/nonsense")

    assert response.status == HTTPStatus.NOT_FOUND
    assert b"/api/v1/status" in response.body


def test_an_unknown_method_is_405_and_names_what_is_allowed():
    response = ask("/metrics", "DELETE")

    assert response.status == HTTPStatus.METHOD_NOT_ALLOWED
    assert ("Allow", "GET, HEAD") in response.headers
    assert b"cannot DELETE here; use GET" in response.body


def test_where_a_diagnosis_can_be_begun_other_methods_are_allowed():
    routes = Routes(reports.failed_over, lambda: True, diagnoses=ScriptedDiagnoses())
    response = routes.respond(HttpRequest("PUT", "/api/v1/diagnose"))

    assert isinstance(response, HttpResponse)
    assert ("Allow", "DELETE, GET, HEAD, POST") in response.headers
    assert b"cannot PUT here; use DELETE or GET or POST" in response.body


def test_the_page_has_buttons_where_a_diagnosis_can_be_begun():
    routes = Routes(reports.failed_over, lambda: True, diagnoses=ScriptedDiagnoses())
    response = routes.respond(HttpRequest("GET", "/"))

    assert isinstance(response, HttpResponse)
    assert b"Quick check" in response.body
    assert b"Quick check" not in ask("/").body


def test_events_are_a_stream_for_as_many_as_there_is_room_for():
    async def listen() -> None:
        routes = Routes(reports.failed_over, lambda: True, diagnoses=ScriptedDiagnoses())
        for _ in range(MOST):
            stream = routes.respond(HttpRequest("GET", "/api/v1/events", headers={"last-event-id": "7"}))
            assert isinstance(stream, HttpStream)
            assert ("Cache-Control", "no-store") in stream.headers
            stream.open(Nowhere())
        refused = routes.respond(HttpRequest("GET", "/api/v1/events"))
        assert isinstance(refused, HttpResponse)
        assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert dict(refused.headers)["Retry-After"] == "10"

    asyncio.run(listen())


def test_a_diagnosis_that_is_begun_is_told():
    async def listen() -> None:
        routes = Routes(reports.failed_over, lambda: True, diagnoses=ScriptedDiagnoses())
        stream, reader = routes.respond(HttpRequest("GET", "/api/v1/events")), Nowhere()
        assert isinstance(stream, HttpStream)
        stream.open(reader)
        headers = {"host": "localhost", "content-type": "application/json"}
        routes.respond(HttpRequest("POST", "/api/v1/diagnose", headers=headers))
        await asyncio.wait_for(reader.has_heard(b"2 of 4 checks done"), 5 * LOOK)

    asyncio.run(listen())


class Nowhere(Sink):
    """Takes everything."""

    is_behind = False
    taken = b""

    def write(self, piece: bytes) -> None:
        self.taken += piece

    async def has_heard(self, word: bytes) -> None:
        while word not in self.taken:
            await asyncio.sleep(0.01)


def test_head_is_answered_like_get():
    assert ask("/healthz", "HEAD") == ask("/healthz", "GET")


@pytest.mark.parametrize("path", ["/", "/api/v1/events", "/api/v1/status", "/metrics", "/nonsense"])
def test_with_a_token_nothing_is_told_without_it(path):
    response = ask(path, token=TOKEN)

    assert response.status == HTTPStatus.UNAUTHORIZED
    assert "WWW-Authenticate" in dict(response.headers)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_liveness_is_told_without_the_token(path):
    assert ask(path, token=TOKEN).status == HTTPStatus.OK


@pytest.mark.parametrize(
    "field", [f"Bearer {TOKEN}", f"bearer  {TOKEN} ", "Basic " + base64.b64encode(b"noc:" + TOKEN.encode()).decode()]
)
def test_the_token_is_taken_as_bearer_or_as_password(field):
    assert ask("/metrics", token=TOKEN, headers={"authorization": field}).status == HTTPStatus.OK


@pytest.mark.parametrize(
    "field",
    ["", "Bearer", "Bearer wrong", f"Digest {TOKEN}", "Basic !", "Basic bm9j", f"Basic {TOKEN}", "Bearer \xff\x00"],
)
def test_anything_else_is_not_the_token(field):
    assert ask("/metrics", token=TOKEN, headers={"authorization": field}).status == HTTPStatus.UNAUTHORIZED


def test_who_has_the_report_is_told_that_nothing_has_happened():
    said = [reports.healthy()]
    routes = Routes(lambda: said[0], lambda: True)

    def again(tag: str) -> HttpResponse:
        response = routes.respond(HttpRequest("GET", "/api/v1/status", headers={"if-none-match": tag}))
        assert isinstance(response, HttpResponse)
        return response

    first = again("")
    tag = dict(first.headers)["ETag"]
    unchanged = again(tag)
    said[0] = reports.failed_over()
    changed = again(tag)

    assert (first.status, unchanged.status, changed.status) == (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.OK)
    assert unchanged.body == b""
    assert {"ETag", "Vary", "Cache-Control"} <= dict(unchanged.headers).keys()
    assert dict(changed.headers)["ETag"] != tag


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status"])
def test_what_is_long_is_compressed_for_who_takes_it(path):
    plain, short = ask(path), ask(path, headers={"accept-encoding": "gzip"})

    assert gzip.decompress(short.body) == plain.body
    assert "Accept-Encoding" in dict(plain.headers)["Vary"]
