"""packaging/provider speaks of metrics, labels and findings that there are, in all of its parts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.unit.faces import reports
from tonekeeper.faces.http.exposition import Dialect
from tonekeeper.faces.http.metrics import render_metrics

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "packaging" / "provider" / "prometheus"
GRAFANA = ROOT / "packaging" / "provider" / "grafana"
OF_A_TARGET = {"site": set(), "job": {"tonekeeper"}, "instance": set()}
"""What scraping adds to each series."""

NAME = re.compile(r"\b(?:[a-z_]+:)?tonekeeper_[a-z0-9_]+(?::[a-z0-9_]+)?|\bup\b")
SELECTOR = re.compile(rf"({NAME.pattern})(?:{{([^}}]*)}})?")
MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")

Labels = dict[str, set[str]]


def rendered() -> dict[str, Labels]:
    """Every series the agent can give: name, labels, values seen of each."""
    situations = (
        reports.failed_over(),
        reports.proven(),
        reports.steered(),
        reports.behind_nat(),
        replace(reports.healthy(), phones=reports.phones()),
    )
    found: dict[str, Labels] = {"up": {}}
    for report in situations:
        for family in text_string_to_metric_families(render_metrics(report, Dialect.OPENMETRICS).decode()):
            for sample in family.samples:
                labels = found.setdefault(sample.name, defaultdict(set))
                for label, value in sample.labels.items():
                    labels[label].add(value)
    return found


def rules(file: str) -> list[dict[str, Any]]:
    document = yaml.safe_load((PROMETHEUS / file).read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


RECORDINGS = {rule["record"]: rule["expr"] for rule in rules("recording.rules.yml")}
ALERTS = {rule["alert"]: rule for rule in rules("alerts.rules.yml")}
EXPRESSIONS = {**RECORDINGS, **{name: rule["expr"] for name, rule in ALERTS.items()}}
AGENT = rendered()
DASHBOARD = json.loads((GRAFANA / "tonekeeper.json").read_text())


def panels_of(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries_of(dashboard: dict[str, Any]) -> list[str]:
    """PromQL of the panels, and of the variables."""
    variables = [one["query"]["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    asked = [re.sub(r"^\w+_(?:result|values)\((.*?)(?:, \w+)?\)$", r"\1", query) for query in variables]
    return asked + [target["expr"] for panel in panels_of(dashboard) for target in panel["targets"]]


def labels_of(name: str) -> Labels:
    """A recorded series has the labels that its name begins with."""
    if name in RECORDINGS:
        level = name.partition(":")[0]
        return {} if level == "fleet" else {label: set() for label in level.split("_")}
    return {**AGENT[name], **OF_A_TARGET}


def strangers(expression: str) -> Iterator[str]:
    """What `expression` asks for and nobody has."""
    known: set[str] = set()
    for name, matchers in SELECTOR.findall(expression):
        if name not in AGENT and name not in RECORDINGS:
            yield name
            continue
        labels = labels_of(name)
        known |= set(labels)
        for label, operator, value in MATCHER.findall(matchers):
            seen = labels.get(label)
            if seen is None:
                yield f"{name}{{{label}}}"
            elif seen and "$" not in value and not any(re.fullmatch(value, one) for one in seen):
                yield f"{name}{{{label}{operator}{value}}}"
    for group in GROUPING.findall(expression):
        yield from (f"by {label}" for label in re.findall(r"\w+", group) if label not in known)


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_a_rule_asks_for_nothing_that_the_agent_does_not_tell(expression):
    assert NAME.search(expression)
    assert list(strangers(expression)) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("tonekeeper_path_upp", "tonekeeper_path_upp"),
        ('tonekeeper_path_up{provider="a"}', "tonekeeper_path_up{provider}"),
        ('tonekeeper_sbc_state{state="dwon"}', "tonekeeper_sbc_state{state=dwon}"),
        ("sum by (wan, sbc) (tonekeeper_wan_up)", "by sbc"),
        ("sbc:tonekeeper_sbc_down:ration", "sbc:tonekeeper_sbc_down:ration"),
        ("sum by (wan) (sbc:tonekeeper_sbc_down:ratio)", "by wan"),
    ],
)
def test_what_nobody_has_would_be_noticed(expression, expected):
    assert list(strangers(expression)) == [expected]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_what_to_do(name):
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    base, _, code = rule["annotations"]["runbook_url"].partition("#")
    assert base == "{{ $externalLabels.playbook }}"
    headings = re.findall(r"^### (\S+)$", (ROOT / "docs" / "playbook.md").read_text(), re.MULTILINE)
    assert code in [*headings, "{{ $labels.code }}"]


def test_each_alert_is_tested_where_it_fires_and_where_it_does_not():
    document = yaml.safe_load((PROMETHEUS / "tests" / "alerts.test.yml").read_text())
    tested = {
        (one["alertname"], bool(one.get("exp_alerts")))
        for test in document["tests"]
        for one in test.get("alert_rule_test", ())
    }
    assert tested == {(name, fires) for name in ALERTS for fires in (True, False)}


@pytest.mark.parametrize("file", ["prometheus.yml", "agent.yml"])
def test_the_jobs_are_those_that_the_rules_count(file):
    (job,) = yaml.safe_load((PROMETHEUS / file).read_text())["scrape_configs"]
    assert job["job_name"] in OF_A_TARGET["job"]
    assert {"source_labels": ["site"], "target_label": "instance"} in job["relabel_configs"]


def test_a_large_site_is_below_the_limits_of_a_scrape():
    (job,) = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    body = render_metrics(reports.large(8), Dialect.OPENMETRICS)
    samples = [line for line in body.splitlines() if not line.startswith(b"#")]
    assert len(samples) < job["sample_limit"]
    assert len(body) < 1_000_000
    assert job["body_size_limit"] == "1MB"


def test_the_dashboard_is_what_its_script_writes():
    done = subprocess.run([sys.executable, GRAFANA / "dashboard.py"], capture_output=True, text=True, check=True)
    assert done.stdout == (GRAFANA / "tonekeeper.json").read_text()


@pytest.mark.parametrize("query", queries_of(DASHBOARD))
def test_the_dashboard_asks_for_nothing_that_the_agent_does_not_tell(query):
    assert NAME.search(query)
    assert list(strangers(query)) == []


def test_a_legend_of_the_dashboard_names_labels_that_its_series_have():
    for panel in panels_of(DASHBOARD):
        for target in panel["targets"]:
            known = set().union(*(labels_of(name) for name in NAME.findall(target["expr"])))
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= known, panel["title"]


def test_every_variable_of_the_dashboard_is_one_it_has():
    text = json.dumps(DASHBOARD)
    known = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)\}?", text.replace("$__", "")))
    assert {"site", "wan", "sbc"} <= known
    assert used == known


def test_the_panels_of_the_dashboard_lie_beside_each_other():
    taken: set[tuple[int, int]] = set()
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_no_series_is_recorded_for_nobody():
    read = " ".join([*(rule["expr"] for rule in ALERTS.values()), *RECORDINGS.values(), *queries_of(DASHBOARD)])
    assert set(RECORDINGS) <= set(NAME.findall(read))
