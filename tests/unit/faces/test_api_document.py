"""docs/api.md says what the agent does: its example, its table of metrics and its table of requests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.faces import reports
from tests.unit.faces.examinations import ScriptedDiagnoses
from tonekeeper.core.examination import CheckProgress, Examination, ExaminationState, Stage
from tonekeeper.core.report import (
    CauseReport,
    CheckReport,
    EgressReport,
    ExplainedReport,
    FirewallReport,
    Report,
    RuleReport,
)
from tonekeeper.faces.http.connection import Limits
from tonekeeper.faces.http.events import LOOK, MOST, REFRESH
from tonekeeper.faces.http.exposition import Dialect
from tonekeeper.faces.http.message import HttpRequest, HttpStream
from tonekeeper.faces.http.metrics import render_metrics
from tonekeeper.faces.http.routes import Routes

DOCUMENT = (Path(__file__).parents[3] / "docs" / "api.md").read_text()

BLOCKED = FirewallReport(
    origin="lan",
    sbc="alternate",
    wan="fibre",
    transport="udp",
    address="198.51.100.20:5060",
    direction="out",
    verdict="drop",
    rule=RuleReport("inet", "fw", "forward", 0, "policy drop", ""),
    reason="",
    arrives_at="",
)
PROHIBITED = EgressReport(
    wan="fibre",
    sbc="alternate",
    transport="udp",
    address="198.51.100.20:5060",
    outcome="prohibited",
    hop="203.0.113.1",
    last_hop="",
    cause="upstream filter",
    largest=None,
    detail="ICMP 3/13 administratively prohibited, says 203.0.113.1",
)


def example() -> object:
    (fenced,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    return msgspec.json.decode(fenced)


def key_paths(value: object, at: str = "") -> Iterator[str]:
    """`agent.name`, `wans[].name` ...; what evidence, reasons and responses are made of depends on the case."""
    match value:
        case dict() if not at.endswith((".evidence", ".reasons", ".responses")):
            for key, inner in value.items():
                path = f"{at}.{key}".removeprefix(".")
                yield path
                yield from key_paths(inner, path)
        case list():
            for inner in value:
                yield from key_paths(inner, f"{at}[]")


def test_every_key_of_the_example_is_in_the_report_and_the_other_way_round():
    sbcs = tuple(replace(sbc, calls=None, voicemail=None) for sbc in reports.proven().sbcs)  # as registrations are
    full = replace(reports.failed_over(), sbcs=sbcs, nat=reports.behind_nat().nat, phones=reports.phones())
    full = replace(full, egress=(PROHIBITED,))
    full = replace(full, firewall=(BLOCKED,), checks=(CheckReport("clock", "ok", "0.004 s off", 61.0),))
    full = replace(full, explained=(ExplainedReport(full.findings[0], (CauseReport("sbc-down", "primary"),)),))
    report = msgspec.json.decode(msgspec.json.encode(full))

    assert set(key_paths(example())) == set(key_paths(report))


def test_the_example_is_a_report():
    msgspec.convert(example(), Report)


def test_every_key_that_is_explained_is_in_the_example():
    explained = [
        name
        for row in re.findall(r"^\| (`[a-z_.\[\]]+`(?:, `[a-z_.\[\]]+`)*) \|", DOCUMENT, re.MULTILINE)
        for name in re.findall(r"`([a-z]+[.\[][a-z_.\[\]]*)`", row)
    ]

    assert len(explained) > 15
    assert {name.removesuffix("[]") for name in explained} <= set(key_paths(example()))


def test_every_metric_is_in_the_table_with_its_labels():
    path = {"wan", "sbc", "transport", "address"}
    documented = {
        name: {label for word in re.findall(r"\w+", labels) for label in (path if word == "path" else {word})}
        for name, labels in re.findall(r"^\| `(tonekeeper_\w+)` \| ([^|]*) ?\|", DOCUMENT, re.MULTILINE)
    }
    everything = replace(
        reports.steered(),
        sbcs=(*reports.steered().sbcs, *reports.proven().sbcs),
        active=reports.failed_over().active,
        nat=reports.behind_nat().nat,
        phones=reports.phones(),
    )
    rendered = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(render_metrics(everything, Dialect.TEXT).decode())
        for sample in family.samples
    }

    assert documented == rendered


def test_every_request_of_the_table_is_answered_and_there_is_no_other():
    routes = Routes(reports.healthy, lambda: True, diagnoses=ScriptedDiagnoses(), journal=lambda since: iter(()))
    documented = set(re.findall(r"^\| `([A-Z]+) (/\S*)` \|", DOCUMENT, re.MULTILINE))
    paths = {path for _, path in documented} | {"/api/v1", "/api/v1/diagnose/", "/api"}
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    headers = {"host": "localhost", "content-type": "application/json"}

    async def answered() -> set[tuple[str, str]]:
        tried = {(method, path): HttpRequest(method, path, headers=headers) for method in methods for path in paths}
        answers = {request: routes.respond(tried[request]) for request in tried}
        return {request for request, it in answers.items() if isinstance(it, HttpStream) or it.status < 300}

    assert len(documented) == 11
    assert asyncio.run(answered()) == documented


def test_every_key_and_every_word_of_a_diagnosis_is_told():
    (section,) = re.findall(r"^## Diagnosis\n(.*?)^## ", DOCUMENT, re.MULTILINE | re.DOTALL)
    told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)

    assert set(told) == {one.name for one in (*fields(Examination), *fields(CheckProgress))}
    for word in (*ExaminationState, *Stage):
        assert f"`{word}`" in section


def test_the_figures_of_events_are_the_ones_in_force():
    text = " ".join(DOCUMENT.split())

    assert f"within {LOOK:g} s of a change" in text
    assert f"every {REFRESH * LOOK:g} s for the numbers" in text
    assert f"{MOST} listen to events" in text
    assert f"does not read for {Limits().request_time:g} s is let go" in text


def test_the_limits_are_the_ones_in_force():
    limits = Limits()
    text = " ".join(DOCUMENT.split())

    assert f"more than {limits.request_time:g} s to arrive" in text
    assert f"a body of more than {limits.body_bytes} bytes" in text
    assert f"more than {limits.header_bytes} bytes of request line" in text
    assert f"all {limits.connections} connections are busy" in text
    assert f"closed after {limits.idle_time:g} s" in text
