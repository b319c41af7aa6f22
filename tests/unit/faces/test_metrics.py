"""The metrics, read back with the field's own parsers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.unit.faces import reports
from tonekeeper.core.findings import CATALOGUE
from tonekeeper.core.report import Report, Severity
from tonekeeper.faces.http.metrics import Dialect, dialect_for, render_metrics

PATH = {"wan": "fibre", "sbc": "alternate", "transport": "udp", "address": reports.ALTERNATE}


def parsed(report: Report, dialect: Dialect) -> Iterator[Metric]:
    parse = parse_openmetrics if dialect is Dialect.OPENMETRICS else parse_text
    yield from parse(render_metrics(report, dialect).decode())


def values(report: Report, name: str, dialect: Dialect = Dialect.OPENMETRICS, **labels: str) -> list[float]:
    """The values of the samples called `name` that carry `labels`."""
    return [
        sample.value
        for family in parsed(report, dialect)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    "situation",
    [reports.healthy, reports.failed_over, reports.steered, reports.behind_nat, reports.offline, reports.at_start],
)
def test_both_formats_are_read_by_the_fields_own_parser(situation, dialect):
    assert len(list(parsed(situation(), dialect))) > 15


def test_both_formats_carry_the_same_samples():
    text, openmetrics = (
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in parsed(replace(reports.steered(), nat=reports.behind_nat().nat), dialect)
            for sample in family.samples
        }
        for dialect in Dialect
    )

    assert text == openmetrics


@pytest.mark.parametrize("dialect", Dialect)
def test_a_path_is_named_by_wan_sbc_transport_and_address(dialect):
    report = reports.failed_over()

    assert values(report, "tonekeeper_path_up", dialect, **PATH) == [1]
    assert values(report, "tonekeeper_path_rtt_seconds", dialect, **PATH) == [0.0093]
    assert values(report, "tonekeeper_path_loss_ratio", dialect, **PATH) == [0]
    assert values(report, "tonekeeper_probes_sent_total", dialect, **PATH) == [2306]


def test_a_path_with_the_verdict_down_is_not_up():
    assert values(reports.failed_over(), "tonekeeper_path_up", sbc="primary") == [0, 0]


def test_a_state_is_one_of_its_words():
    report = reports.failed_over()

    assert values(report, "tonekeeper_sbc_state", sbc="primary", state="down") == [1]
    assert values(report, "tonekeeper_sbc_state", sbc="primary", state="healthy") == [0]


def test_what_is_not_known_has_no_sample():
    report = reports.at_start()

    for name in ("path_up", "path_rtt_seconds", "path_loss_ratio", "path_reply_age_seconds", "wan_up", "active"):
        assert values(report, f"tonekeeper_{name}") == []
    assert values(report, "tonekeeper_failback_wait_seconds") == []
    assert values(report, "tonekeeper_path_state", state="unknown") == [1, 1, 1, 1]


def test_findings_are_counted_by_code_and_severity():
    report = reports.failed_over()
    (finding,) = report.findings
    other = replace(finding, subject="alternate")
    warning = replace(finding, code="no-alternate", severity=Severity.WARNING)
    report = replace(report, findings=(finding, other, warning))

    assert values(report, "tonekeeper_findings", code="sbc-down", severity="critical") == [2]
    assert values(report, "tonekeeper_findings", code="no-alternate", severity="warning") == [1]


def test_a_flapping_wan_shows_its_penalty_and_when_it_is_trusted_again():
    report = reports.steered()

    assert values(report, "tonekeeper_wan_penalty", wan="fibre") == [2640.3]
    assert values(report, "tonekeeper_wan_suppressed") == [1, 0]
    assert values(report, "tonekeeper_wan_reuse_wait_seconds") == [420]
    assert values(report, "tonekeeper_wan_losses_last_hour", wan="fibre") == [3]
    assert values(report, "tonekeeper_sbc_suppressed") == [0, 1]
    assert values(report, "tonekeeper_sbc_reuse_wait_seconds", sbc="alternate") == [398]


def test_only_a_metered_wan_has_an_account():
    report = reports.steered()

    assert values(report, "tonekeeper_probing_bytes_total") == [234_000]
    assert values(report, "tonekeeper_probing_budget_bytes", wan="lte") == [50 * 1024 * 1024]


def test_a_move_is_counted_with_the_flows_it_deleted():
    report = reports.steered()

    assert values(report, "tonekeeper_steering_settled") == [0]
    assert values(report, "tonekeeper_steering_moves_total") == [1]
    assert values(report, "tonekeeper_steering_flushed_flows_total") == [11]
    assert values(report, "tonekeeper_steering_kept_calls") == [1]
    assert values(report, "tonekeeper_steering_stale_flows") == [1]


def test_where_nothing_is_steered_there_are_no_series_of_steering():
    assert b"tonekeeper_steering" not in render_metrics(reports.failed_over(), Dialect.TEXT)


def test_the_bindings_that_are_kept_alive_have_two_bounds_each():
    report = reports.behind_nat()
    name = "tonekeeper_nat_binding_seconds"

    assert values(report, name, wan="fibre", kind="replied", bound="low") == [28]
    assert values(report, name, wan="fibre", kind="replied", bound="high") == [30]
    assert values(report, name, wan="fibre", kind="stream", bound="low") == [300]
    assert values(report, name, wan="fibre", kind="stream", bound="high") == []
    assert values(report, name, kind="unreplied") == []
    assert values(report, "tonekeeper_nat_keepalive_seconds", wan="fibre") == [21]


def test_what_was_not_checked_of_a_nat_has_no_sample():
    report = reports.behind_nat()

    assert values(report, "tonekeeper_nat_binding_seconds", wan="lte", kind="replied") == []
    assert values(report, "tonekeeper_nat_keepalive_seconds", wan="lte") == []
    assert values(report, "tonekeeper_nat_sip_alg", wan="fibre") == [0]
    assert values(report, "tonekeeper_nat_sip_alg", wan="lte") == []
    assert values(report, "tonekeeper_nat_info", mapping="not checked", filtering="not checked") == [1]


def test_a_nat_that_rewrites_sip_is_a_one():
    fibre, _ = reports.behind_nat().nat

    assert values(replace(reports.healthy(), nat=(replace(fibre, sip_alg="yes"),)), "tonekeeper_nat_sip_alg") == [1]


def test_where_no_nat_was_measured_there_are_no_series_of_it():
    assert b"tonekeeper_nat" not in render_metrics(reports.healthy(), Dialect.TEXT)


def test_two_wans_and_two_sbcs_have_at_most_150_series_even_with_every_finding_that_can_be_shown_at_once():
    report = reports.steered()
    fibre, _ = report.wans
    known, _ = reports.behind_nat().nat
    known = replace(known, lifetime_s=dict.fromkeys(known.lifetime_s, (28.0, 30.0)))
    hiding = {code for entry in CATALOGUE.values() for code in entry.depends_on}
    worst = replace(
        report,
        wans=tuple(replace(fibre, name=name) for name in ("fibre", "lte")),
        sbcs=tuple(replace(sbc, suppressed_s=60.0) for sbc in report.sbcs),
        active=replace(report.active, failback_s=60.0),
        findings=tuple(replace(report.findings[0], code=code) for code in CATALOGUE.keys() - hiding),
        nat=tuple(replace(known, wan=name) for name in ("fibre", "lte")),
    )

    assert 100 < sum(len(family.samples) for family in parsed(worst, Dialect.TEXT)) <= 150


def test_the_version_is_a_label_of_the_build():
    assert values(reports.healthy(), "tonekeeper_build_info", version="0.1.0") == [1]


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("name", ['a"b', "a\\", "a\nb", 'x"} 1\ntonekeeper_path_up 7\n#', "ü\u202e\x1b[2J", "\udcff"])
def test_hostile_names_stay_inside_their_label(name, dialect):
    names = {
        sample.labels["wan"]
        for family in parsed(reports.hostile(name), dialect)
        for sample in family.samples
        if "wan" in sample.labels
    }

    assert names == {name.encode("utf-8", "backslashreplace").decode()}


@pytest.mark.parametrize(
    ("accept", "dialect"),
    [
        ("", Dialect.TEXT),
        ("*/*", Dialect.TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Dialect.TEXT),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Dialect.TEXT),
        ("application/openmetrics-text", Dialect.OPENMETRICS),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            Dialect.OPENMETRICS,
        ),
        (
            "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8; q=0.6, text/plain;q=0.5",
            Dialect.OPENMETRICS,
        ),
        ("application/openmetrics-text;version=0.0.1", Dialect.TEXT),
        ("application/openmetrics-text;q=0", Dialect.TEXT),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.9", Dialect.TEXT),
        ("application/openmetrics-text;q=nonsense", Dialect.TEXT),
        ("application/openmetrics-text;q=nan", Dialect.TEXT),
        (";;,=,;q", Dialect.TEXT),
    ],
)
def test_the_format_is_what_the_accept_field_prefers(accept, dialect):
    assert dialect_for(accept) is dialect
