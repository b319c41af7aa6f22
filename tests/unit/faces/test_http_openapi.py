"""The OpenAPI document: valid, complete, and true of what is answered."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.unit.faces import reports
from tests.unit.faces.examinations import ScriptedDiagnoses
from tonekeeper.core.report import Report
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream
from tonekeeper.faces.http.routes import Routes

PATH = "/api/v1/openapi.json"
REPORTS = (reports.healthy(), reports.failed_over())


def routes_of(report: Report = REPORTS[0], token: str = "") -> Routes:
    return Routes(lambda: report, lambda: True, token, ScriptedDiagnoses(), journal=lambda since: iter(()))


def document_of(routes: Routes, token: str = "") -> dict[str, Any]:
    response = answered(routes, "GET", PATH, token)
    assert response.status is HTTPStatus.OK
    return msgspec.json.decode(response.body)


def answered(routes: Routes, method: str, path: str, token: str = "", body: bytes = b"") -> HttpResponse:
    headers = {"host": "127.0.0.1", "content-type": "application/json", "authorization": f"Bearer {token}"}
    response = routes.respond(HttpRequest(method, path, headers=headers, body=body))
    assert isinstance(response, HttpResponse)
    return response


@pytest.mark.parametrize("token", ["", "secret"])
def test_the_document_is_valid(token):
    OpenAPIV31SpecValidator(document_of(routes_of(token=token), token)).validate()


def test_what_is_not_in_the_document_is_not_answered_and_what_is_in_it_is():
    routes = routes_of()
    document = document_of(routes)
    told = answered(routes, "GET", "/nowhere").body.decode()

    assert sorted(document["paths"]) == told.partition("there is ")[2].rstrip().split(", ")
    for path, operations in document["paths"].items():
        allowed = dict(answered(routes, "PATCH", path).headers)["Allow"]
        assert {method.upper() for method in operations} | {"HEAD"} == set(allowed.split(", "))


def test_without_a_token_there_is_no_security_and_with_one_only_the_probes_of_liveness_are_open():
    assert "security" not in document_of(routes_of())
    guarded = document_of(routes_of(token="secret"), "secret")
    open_paths = {path for path, of in guarded["paths"].items() if of.get("get", {}).get("security") == []}
    assert open_paths == {"/healthz", "/readyz"}


@pytest.mark.parametrize("report", REPORTS)
def test_every_answer_is_as_the_document_says(report):
    document = document_of(routes_of(report))
    for (method, path), answer in asyncio.run(all_answers(routes_of(report), document)).items():
        described = document["paths"][path][method]["responses"]
        if isinstance(answer, HttpStream):
            assert answer.content_type in described["200"]["content"]
            continue
        content = described[str(answer.status.value)]["content"][answer.content_type]
        assert described[str(answer.status.value)].get("headers", {}).keys() <= dict(answer.headers).keys()
        if "schema" in content:
            schema = {**content["schema"], "components": document["components"]}
            Draft202012Validator(schema).validate(msgspec.json.decode(answer.body))
    assert "schema" in document["paths"]["/api/v1/status"]["get"]["responses"]["200"]["content"]["application/json"]


async def all_answers(routes: Routes, document: dict[str, Any]) -> dict[tuple[str, str], HttpResponse | HttpStream]:
    """To every request of the document, by method and path."""
    headers = {"host": "127.0.0.1", "content-type": "application/json"}
    asked = [(method, path) for path, operations in document["paths"].items() for method in operations]
    return {(method, path): routes.respond(HttpRequest(method.upper(), path, "", headers)) for method, path in asked}


def test_an_answer_that_is_otherwise_would_be_noticed():
    routes = routes_of()
    document = document_of(routes)
    schema = {"$ref": "#/components/schemas/Report", "components": document["components"]}
    wrong = msgspec.json.decode(answered(routes, "GET", "/api/v1/status").body)
    wrong["wans"][0]["state"] = "sideways"
    assert [error.message for error in Draft202012Validator(schema).iter_errors(wrong)] != []
