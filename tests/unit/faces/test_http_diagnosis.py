"""Begin a diagnosis, see how far it has come, stop it: over HTTP, by whom it should be and nobody else."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
import pytest

from tests.unit.faces import examinations, reports
from tests.unit.faces.examinations import ScriptedDiagnoses
from tonekeeper.core.examination import NOT_BEGUN, Examination, ExaminationState
from tonekeeper.faces.http.message import HttpRequest, HttpResponse
from tonekeeper.faces.http.routes import Routes

PATH = "/api/v1/diagnose"
JSON = {"host": "127.0.0.1:8642", "content-type": "application/json"}
PAGE = {"origin": "http://127.0.0.1:8642", "sec-fetch-site": "same-origin"}


class Site:
    def __init__(self, token: str = "") -> None:
        self.diagnoses = ScriptedDiagnoses()
        self._routes = Routes(reports.healthy, lambda: True, token, self.diagnoses)

    def ask(self, method: str, body: bytes = b"", headers: dict[str, str] | None = None) -> HttpResponse:
        response = self._routes.respond(HttpRequest(method, PATH, headers=JSON | (headers or {}), body=body))
        assert isinstance(response, HttpResponse)
        return response


def read(response: HttpResponse) -> Examination:
    assert response.content_type == "application/json"
    return msgspec.json.decode(response.body, type=Examination)


def test_before_anybody_asked_there_is_none():
    assert read(Site().ask("GET")) == NOT_BEGUN


@pytest.mark.parametrize(
    ("body", "begun"),
    [
        (b"", (False, ())),
        (b"{}", (False, ())),
        (b'{"quick": true}', (True, ())),
        (b'{"only": ["dns", "nat"]}', (False, ("dns", "nat"))),
    ],
)
def test_a_diagnosis_is_begun_as_wished(body, begun):
    site = Site()
    response = site.ask("POST", body)

    assert response.status == HTTPStatus.ACCEPTED
    assert read(response).state is ExaminationState.RUNNING
    assert site.diagnoses.begun == [begun]


def test_how_far_it_has_come_is_told_with_what_is_waited_for_and_until_when():
    site = Site()
    site.ask("POST")
    checks = msgspec.json.decode(site.ask("GET").body)["checks"]

    assert checks[2] == {
        "check": "nat",
        "stage": "running",
        "outcome": "",
        "detail": "an answer of stun.example.net:3478",
        "left_s": 8.0,
    }


def test_a_second_one_beside_it_is_a_conflict():
    site = Site()
    site.ask("POST")
    response = site.ask("POST")

    assert response.status == HTTPStatus.CONFLICT
    assert b"one is running" in response.body


def test_one_that_runs_can_be_stopped_and_what_was_known_stands():
    site = Site()
    site.ask("POST")
    stopped = read(site.ask("DELETE"))

    assert stopped.state is ExaminationState.STOPPED
    assert stopped.checks == examinations.CHECKS


def test_to_stop_what_does_not_run_changes_nothing():
    assert read(Site().ask("DELETE")) == NOT_BEGUN


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", b"Input data was truncated"),
        (b"[]", b"Expected `object`, got `array`"),
        (b'{"quick": "yes"}', b"Expected `bool`, got `str` - at `$.quick`"),
        (b'{"only": "dns"}', b"Expected `array`, got `str` - at `$.only`"),
        (b'{"fast": true}', b"Object contains unknown field `fast`"),
        (b'{"only": ["dsn"]}', b"there is no check dsn"),
        (b"\xff", b"cannot begin a diagnosis"),
    ],
)
def test_a_wish_that_cannot_be_read_is_refused_with_the_place_and_an_example(body, sentence):
    site = Site()
    response = site.ask("POST", body)

    assert response.status == HTTPStatus.BAD_REQUEST
    assert sentence in response.body
    assert b'write {"quick": true} or {"only": ["dns"]}' in response.body
    assert site.diagnoses.begun == []


@pytest.mark.parametrize("sent", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"])
def test_what_a_form_can_send_begins_nothing(sent):
    site = Site()
    response = site.ask("POST", b'{"quick": true}', {"content-type": sent})

    assert response.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert b"send Content-Type: application/json" in response.body
    assert site.diagnoses.begun == []


def test_the_type_may_carry_parameters():
    assert Site().ask("POST", headers={"content-type": "Application/JSON; charset=utf-8"}).status == HTTPStatus.ACCEPTED


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://127.0.0.1:8080"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8642"},
    ],
)
def test_a_page_of_another_site_begins_and_stops_nothing(method, headers):
    site = Site()
    site.diagnoses.now = examinations.running()
    response = site.ask(method, headers=headers)

    assert response.status == HTTPStatus.FORBIDDEN
    assert b"use the agent's own page" in response.body
    assert site.diagnoses.now == examinations.running()
    assert site.diagnoses.begun == []


@pytest.mark.parametrize(
    "headers",
    [
        PAGE,
        {"origin": PAGE["origin"]},
        {"sec-fetch-site": "none"},
        # What a proxy passes on that speaks TLS itself and has its own name for the agent.
        {"origin": "https://site.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_the_agents_own_page_may(headers):
    assert Site().ask("POST", headers=headers).status == HTTPStatus.ACCEPTED


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "", "[evil]", "127.0.0.1.evil.example"])
def test_a_name_that_somebody_points_at_the_agent_is_not_its_own_page(host):
    response = Site().ask("POST", headers={"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"})

    assert response.status == HTTPStatus.FORBIDDEN
    assert b"use an address or localhost, or [http] token_file" in response.body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8642", "LOCALHOST", "[::1]:8642", "192.0.2.1:8642"])
def test_an_address_and_localhost_cannot_be_pointed_elsewhere(host):
    assert Site().ask("POST", headers={"host": host}).status == HTTPStatus.ACCEPTED


def test_with_a_token_the_agent_may_have_a_name():
    site = Site("secret")
    headers = {"host": "site.example", "authorization": "Bearer secret"}

    assert site.ask("POST", headers=headers).status == HTTPStatus.ACCEPTED
    assert site.ask("POST", headers={"host": "site.example"}).status == HTTPStatus.UNAUTHORIZED


def test_an_agent_that_makes_none_has_no_such_resource():
    routes = Routes(reports.healthy, lambda: True)

    assert routes.respond(HttpRequest("POST", PATH, headers=JSON)).status == HTTPStatus.NOT_FOUND
