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
