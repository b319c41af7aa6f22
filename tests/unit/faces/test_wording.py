from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.faces import reports
from tonekeeper.core.report import Severity
from tonekeeper.faces import wording


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-0.2, "0.0 s"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (192.0, "3 min 12 s"),
        (3600.0, "1 h"),
        (18120.0, "5 h 2 min"),
        (788400.0, "9 d 3 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(None, "-"), (0.0, "0 %"), (0.001, "0.1 %"), (0.0994, "9.9 %"), (0.1, "10 %"), (1.0, "100 %")]
)
def test_loss_is_said_in_percent(ratio, text):
    path = replace(reports.healthy().sbcs[0].paths[0], loss=ratio)

    assert wording.loss(path) == text


@pytest.mark.parametrize(("rtt_ms", "text"), [(None, "-"), (0.42, "0.4 ms"), (9.94, "9.9 ms"), (9.96, "10 ms")])
def test_the_round_trip_is_said_in_milliseconds(rtt_ms, text):
    path = replace(reports.healthy().sbcs[0].paths[0], rtt_ms=rtt_ms)

    assert wording.rtt(path) == text


def test_a_finding_for_information_does_not_hide_that_all_is_well():
    (finding,) = reports.failed_over().findings
    report = replace(reports.healthy(), findings=(replace(finding, severity=Severity.INFO),))

    assert wording.verdict(report).word == "OK"


def test_a_warning_is_the_verdict_when_nothing_is_worse():
    (finding,) = reports.failed_over().findings
    report = replace(reports.healthy(), findings=(replace(finding, severity=Severity.WARNING, summary="Mind this."),))

    assert wording.verdict(report) == wording.Verdict(wording.Tone.WARNING, "WARNING", "Mind this.")


def test_the_way_back_is_mentioned_only_where_there_is_one():
    here = reports.healthy()
    waiting, due = (replace(here, active=replace(here.active, failback_s=wait)) for wait in (240.0, 0.0))

    assert [wording.failback_wait(report) for report in (here, waiting, due)] == [
        "",
        "way back possible in 4 min",
        "way back possible now",
    ]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (234_000, "229 KiB"),
        (1_048_000, "1.0 MiB"),
        (52_428_800, "50 MiB"),
        (1024**3, "1.0 GiB"),
        (5000 * 1024**3, "5000 GiB"),
    ],
)
def test_a_size_is_said_with_its_unit(count, text):
    assert wording.size(count) == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ((28.0, 30.0), "28-30 s"),
        ((29.64, 30.2), "29.6-30.2 s"),
        ((300.0, None), "over 300 s"),
        ((0.0, 2.0), "up to 2 s"),
    ],
)
def test_a_lifetime_is_said_as_far_as_it_was_bracketed(bounds, text):
    assert wording.interval(bounds) == text


def test_a_nat_that_nothing_is_known_of_says_only_why():
    fibre, _ = reports.behind_nat().nat
    parts = ("mapping", "filtering", "unreplied", "replied", "stream", "tcp", "sip_alg")
    dark = replace(
        fibre,
        mapping="not checked",
        filtering="not checked",
        mapped_address="",
        lifetime_s=dict.fromkeys(fibre.lifetime_s),
        sip_alg="not checked",
        keepalive_s=None,
        reasons=dict.fromkeys(parts, "no answer"),
    )

    assert wording.nat(dark) == (
        "not checked: mapping, filtering, unreplied, replied, stream, tcp, SIP ALG (no answer); measured 2 h ago"
    )


def test_damping_is_said_only_of_what_has_flapped():
    fibre, lte = reports.steered().wans
    _, alternate = reports.steered().sbcs

    assert wording.damping(fibre) == "penalty 2640, 3 losses in 1 h, trusted again in 7 min"
    assert wording.damping(replace(fibre, penalty=0.4, losses_1h=1, suppressed_s=None)) == "1 loss in 1 h"
    assert wording.damping(alternate) == "penalty 2510, trusted again in 6 min 38 s"
    assert wording.damping(lte) == ""


def test_steering_says_where_everything_goes_and_what_has_not_followed():
    assert wording.steering(reports.steered()) == (
        "3 destinations over lte; deleting flows that sit on another WAN; 1 call kept on the WAN it began on; "
        "1 flow still on another WAN; 1 move and 11 flows deleted since the start"
    )


def test_steering_at_rest_is_said_in_a_few_words():
    resting = replace(reports.steered().steering, phase="resting", kept_calls=0, stale_flows=(), moves=0)

    assert wording.steering(replace(reports.steered(), steering=resting)) == "3 destinations over lte"


def test_steering_without_a_chosen_place_claims_nothing():
    waiting = replace(reports.steered().steering, phase="resting", interface="", kept_calls=0, stale_flows=(), moves=0)

    assert wording.steering(replace(reports.steered(), steering=waiting)) == "nothing yet"


def test_a_certificate_that_is_refused_says_why_and_another_how_long_it_lasts():
    primary, _ = reports.proven().sbcs
    first, second = primary.paths
    assert second.tls is not None
    refused = replace(second.tls, problem="it is for sbc9.example.net", expires_s=60.0)
    primary = replace(primary, confirmed_s=None, call_quality=None, media="not checked")

    assert wording.sbc_facts(replace(primary, paths=(first, replace(second, tls=refused)))) == (
        "certificate not acceptable: it is for sbc9.example.net; certificate good for 41 d"
    )


def test_of_an_sbc_that_is_only_asked_for_options_by_its_address_there_are_no_facts():
    assert [wording.sbc_facts(sbc) for sbc in reports.healthy().sbcs] == ["", ""]


def test_a_function_that_works_has_no_failure_and_one_that_never_passed_says_so():
    *_, media, voicemail = reports.proven().sbcs[0].functions

    assert wording.failure(media) == "fails over fibre and lte: nothing comes back"
    assert wording.failure(voicemail) == ""
    assert wording.passed(replace(media, passed_s=None)) == "never"


def test_a_storm_guard_that_holds_nothing_back_is_not_mentioned():
    assert wording.storm_guard(reports.healthy()) == ""
    assert wording.storm_guard(reports.proven()).startswith("3 probes postponed")
