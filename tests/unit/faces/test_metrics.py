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
from tonekeeper.core.tallies import BOUNDS
from tonekeeper.faces.http.exposition import BUCKETS, Dialect
from tonekeeper.faces.http.metrics import MOST_FINDINGS, dialect_for, render_metrics
from tonekeeper.faces.http.phone_metrics import MOST_PROFILES
from tonekeeper.faces.http.sbc_metrics import MOST_CODES

PATH = {"wan": "fibre", "sbc": "alternate", "transport": "udp", "address": reports.ALTERNATE}


def parsed(report: Report, dialect: Dialect) -> Iterator[Metric]:
    parse = parse_openmetrics if dialect is Dialect.OPENMETRICS else parse_text
    yield from parse(render_metrics(report, dialect).decode())


def count(report: Report) -> int:
    return sum(len(family.samples) for family in parsed(report, Dialect.TEXT))


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
    [
        reports.healthy,
        reports.failed_over,
        reports.steered,
        reports.behind_nat,
        reports.proven,
        reports.offline,
        reports.at_start,
    ],
)
def test_both_formats_are_read_by_the_fields_own_parser(situation, dialect):
    assert len(list(parsed(situation(), dialect))) > 15


def test_both_formats_carry_the_same_samples():
    text, openmetrics = (
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in parsed(everything(), dialect)
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


def test_findings_are_counted_by_severity_and_none_is_a_zero():
    report = reports.failed_over()
    (finding,) = report.findings
    warning = replace(finding, code="no-alternate", severity=Severity.WARNING)
    report = replace(report, findings=(finding, replace(finding, subject="alternate"), warning))

    assert values(report, "tonekeeper_findings", severity="critical") == [2]
    assert values(report, "tonekeeper_findings", severity="warning") == [1]
    assert values(report, "tonekeeper_findings", severity="info") == [0]


def test_only_the_worst_findings_have_a_name():
    (finding,) = reports.failed_over().findings
    many = tuple(replace(finding, code=f"code-{number}") for number in range(20))
    report = replace(reports.failed_over(), findings=many)

    assert values(report, "tonekeeper_findings", severity="critical") == [20]
    assert values(report, "tonekeeper_finding_info") == [1] * MOST_FINDINGS
    assert values(report, "tonekeeper_finding_info", code="code-0", subject="primary") == [1]


def test_two_findings_of_one_code_and_subject_are_one_series():
    (finding,) = reports.failed_over().findings

    assert values(replace(reports.failed_over(), findings=(finding, finding)), "tonekeeper_finding_info") == [1]


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


def test_registrations_and_calls_are_counted_and_timed():
    report = reports.proven()

    assert values(report, "tonekeeper_registration_attempts_total") == [78, 78]
    assert values(report, "tonekeeper_registration_successes_total") == [77, 78]
    assert values(report, "tonekeeper_registration_seconds_sum", sbc="primary") == [3.1]
    assert values(report, "tonekeeper_registration_seconds_count", sbc="primary") == [77]
    assert values(report, "tonekeeper_registration_seconds_bucket", sbc="primary") == [76, 77, 77, 77]
    assert values(report, "tonekeeper_registration_seconds_bucket", sbc="primary", le="+Inf") == [77]
    assert values(report, "tonekeeper_call_attempts_total") == [6, 6]
    assert values(report, "tonekeeper_call_setup_seconds_count") == [6, 6]
    assert values(report, "tonekeeper_voicemail_successes_total") == [12, 24]


def test_the_buckets_shown_are_among_those_that_are_counted():
    assert set(BUCKETS) < set(BOUNDS)


def test_the_sound_of_calls_is_that_of_the_latest_and_sums_over_all():
    report = reports.proven()

    assert values(report, "tonekeeper_call_loss_ratio") == [1, 0.01]
    assert values(report, "tonekeeper_call_jitter_seconds") == [0.0014]
    assert values(report, "tonekeeper_call_mos") == [4.3]
    assert values(report, "tonekeeper_call_packets_lost_total") == [102, 6]
    assert values(report, "tonekeeper_calls_one_way_total") == [1, 0]


def test_a_function_works_or_fails_and_says_how_long_its_outages_lasted():
    report = reports.proven()

    assert values(report, "tonekeeper_function_up", sbc="primary", function="media") == [0]
    assert values(report, "tonekeeper_function_up", sbc="primary", function="voicemail") == [1]
    assert values(report, "tonekeeper_function_pass_age_seconds", sbc="primary", function="media") == [10_900]
    assert values(report, "tonekeeper_function_recoveries_total", sbc="primary", function="calls") == [2]
    assert values(report, "tonekeeper_function_outage_seconds_total", sbc="primary", function="calls") == [370.5]
    assert values(report, "tonekeeper_function_outage_seconds_total", sbc="primary", function="media") == [0]


def test_an_outage_of_signalling_is_timed_without_any_deep_probe():
    primary, alternate = reports.healthy().sbcs
    (signalling, *_) = reports.proven().sbcs[0].functions
    report = replace(reports.healthy(), sbcs=(replace(primary, functions=(signalling,)), alternate))

    assert values(report, "tonekeeper_function_recoveries_total") == [1]
    assert values(report, "tonekeeper_function_outage_seconds_total", function="signalling") == [42]
    assert values(report, "tonekeeper_function_up") == []


@pytest.mark.parametrize("absent", ["registration", "call", "voicemail"])
def test_what_is_not_probed_has_no_series(absent):
    assert f"tonekeeper_{absent}".encode() not in render_metrics(reports.healthy(), Dialect.TEXT)


def test_responses_are_counted_by_class_and_code():
    report = reports.proven()

    assert values(report, "tonekeeper_sip_responses_total", sbc="primary", **{"class": "5xx"}) == [3]
    assert values(report, "tonekeeper_sip_responses_total", sbc="primary", code="489", **{"class": "4xx"}) == [12]


def test_a_code_that_comes_late_shares_the_series_of_its_class_for_ever():
    early = {"200": 9, "503": 1, "404": 1, "480": 1, "500": 2}
    late = early | {"486": 3, "603": 1, "502": 4, "4xx": 5}
    primary, alternate = reports.healthy().sbcs
    before, after = (
        {
            sample.labels["class"] + "/" + sample.labels["code"]: sample.value
            for family in parsed(
                replace(reports.healthy(), sbcs=(replace(primary, responses=codes), alternate)), Dialect.TEXT
            )
            for sample in family.samples
            if sample.name == "tonekeeper_sip_responses_total"
        }
        for codes in (early, late)
    )

    assert before == {"2xx/200": 9, "5xx/503": 1, "4xx/404": 1, "4xx/480": 1, "5xx/other": 2}
    assert after == before | {"5xx/other": 6, "4xx/other": 8, "6xx/other": 1}


def test_a_certificate_counts_down_and_the_first_to_expire_speaks_for_the_sbc():
    report = reports.proven()
    primary, alternate = report.sbcs
    first, second = primary.paths
    assert second.tls is not None
    expired = replace(second, tls=replace(second.tls, expires_s=-60.0))
    report = replace(report, sbcs=(replace(primary, paths=(first, expired)), alternate))

    assert values(report, "tonekeeper_sbc_certificate_expiry_seconds") == [-60]
    assert values(report, "tonekeeper_sbc_addresses_age_seconds") == [185]


def test_phones_are_counted_by_profile_with_how_their_last_register_ended():
    report = replace(reports.healthy(), phones=reports.phones())

    assert values(report, "tonekeeper_phones", profile="yealink-desk") == [2]
    assert values(report, "tonekeeper_phones_registered", profile="yealink-desk") == [1]
    assert values(report, "tonekeeper_phones_refused", profile="yealink-desk") == [1]
    assert values(report, "tonekeeper_phones_expiry_seconds", profile="yealink-desk") == [600]
    assert values(report, "tonekeeper_phones_keepalive_seconds", profile="yealink-desk") == [30]


def test_of_phones_that_never_registered_in_the_clear_only_their_number_is_told():
    desk, *_ = reports.phones()
    hidden = replace(desk, profile="", status=None, granted_s=None, keepalive_s=None)
    report = replace(reports.healthy(), phones=(hidden,))

    assert values(report, "tonekeeper_phones", profile="unknown") == [1]
    for name in ("registered", "refused", "expiry_seconds", "keepalive_seconds"):
        assert values(report, f"tonekeeper_phones_{name}") == []


def crowded() -> Report:
    """The phones of a hundred models, some refused, and as many that are no model's."""
    desk, *_ = reports.phones()
    phones = tuple(
        replace(desk, address=f"10.0.{number}.{each}", profile=f"vendor-model-{number:02}" if number else "")
        for number in range(100)
        for each in range(1 + number % 7)
    )
    return replace(plain_at_worst(), phones=phones)


def test_the_phones_of_a_site_have_at_most_30_series_and_no_addresses():
    assert count(crowded()) - count(plain_at_worst()) == 5 * (MOST_PROFILES + 2) == 30
    assert b"10.0." not in render_metrics(crowded(), Dialect.TEXT)
    assert sum(values(crowded(), "tonekeeper_phones")) == len(crowded().phones)


def test_where_no_phones_are_known_there_are_no_series_of_them():
    assert b"tonekeeper_phones" not in render_metrics(plain_at_worst(), Dialect.TEXT)


def test_the_storm_guard_counts_what_it_let_through_and_what_it_held_back():
    report = reports.proven()

    assert values(report, "tonekeeper_storm_guard_packets_total") == [9222]
    assert values(report, "tonekeeper_storm_guard_bytes_total") == [8_299_800]
    assert values(report, "tonekeeper_storm_guard_postponed_total") == [3]


def plain_at_worst() -> Report:
    """All that can be there at once where OPTIONS is the only probe, and more: WANs and SBCs suppressed, NATs known,
    every finding that can be shown, names looked up, certificates, SBCs in every kind of trouble. A metered WAN has two
    series of its account and none of its NAT, which is not measured there."""
    report = reports.steered()
    fibre, _ = report.wans
    known, _ = reports.behind_nat().nat
    known = replace(known, lifetime_s=dict.fromkeys(known.lifetime_s, (28.0, 30.0)))
    secured, _ = reports.proven().sbcs
    hiding = {code for entry in CATALOGUE.values() for code in entry.depends_on}
    return replace(
        report,
        wans=tuple(replace(fibre, name=name) for name in ("fibre", "lte")),
        sbcs=tuple(
            replace(
                sbc,
                suppressed_s=60.0,
                paths=tuple(replace(path, tls=secured.paths[0].tls) for path in sbc.paths),
                functions=secured.functions[:1],
                responses={"200": 9, "503": 1, "404": 1, "480": 1, "500": 1, "403": 1},
                confirmed_s=60.0,
            )
            for sbc in report.sbcs
        ),
        active=replace(report.active, failback_s=60.0),
        findings=tuple(replace(report.findings[0], code=code) for code in CATALOGUE.keys() - hiding),
        nat=tuple(replace(known, wan=name) for name in ("fibre", "lte")),
    )


def everything() -> Report:
    """The same with all deep probes, each function having failed once."""
    _, deep = reports.proven().sbcs
    functions = tuple(replace(one, recoveries=1, recovery_s=30.0) for one in deep.functions)
    report = plain_at_worst()
    return replace(
        report,
        sbcs=tuple(
            replace(
                sbc,
                functions=functions,
                registrations=deep.registrations,
                calls=deep.calls,
                voicemail=deep.voicemail,
                call_quality=deep.call_quality,
            )
            for sbc in report.sbcs
        ),
    )


def test_two_wans_and_two_sbcs_have_at_most_150_series_whatever_happens():
    assert 100 < count(plain_at_worst()) <= 150


def test_the_deep_probes_of_an_sbc_have_at_most_40_series():
    assert 60 < count(everything()) - count(plain_at_worst()) <= 80


def test_a_server_that_gives_every_answer_there_is_has_few_series():
    primary, alternate = reports.healthy().sbcs
    responses = {str(code): 1 for code in range(200, 700)}
    report = replace(reports.healthy(), sbcs=(replace(primary, responses=responses), alternate))

    assert len(values(report, "tonekeeper_sip_responses_total")) == MOST_CODES + 5


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
