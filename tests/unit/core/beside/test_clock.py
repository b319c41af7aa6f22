"""The clock, by what time servers, a Date and the kernel say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.beside.clock import (
    CertificateDates,
    ClockSeen,
    DatedAnswer,
    KernelClock,
    ServerTime,
    SilentServer,
    judge_clock,
    majority,
    time_of,
)
from tonekeeper.core.checks import Outcome
from tonekeeper.core.report import Severity
from tonekeeper.wire.ntp import NtpAnswer

YEAR = 365 * 86400.0
NOON = 1795395010.0


def server(offset: float, name: str = "a", error: float = 0.01) -> ServerTime:
    return ServerTime(name, offset, error)


def finding(seen: ClockSeen):
    result = judge_clock(seen)
    assert result.outcome is Outcome.PROBLEM
    (one,) = result.observations
    assert one.code == "clock-wrong"
    return one


def answer(**changes: object) -> NtpAnswer:
    known = {"leap": 0, "stratum": 2, "reference": "", "root_delay": 0.02, "root_dispersion": 0.005, "origin": 1}
    return NtpAnswer(**(known | {"received": NOON + 0.05, "sent": NOON + 0.06} | changes))


# --- one answer


def test_the_offset_is_right_to_half_of_the_way_there_and_back():
    one = time_of("a", answer(), began=NOON - 10.0, took=0.11)
    assert one == ServerTime("a", pytest.approx(10.0), pytest.approx(0.05 + 0.015))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stratum": 0, "reference": "INIT"}, "is not synchronised itself"),
        ({"stratum": 0}, "is not synchronised itself"),
        ({"stratum": 16}, "is not synchronised itself"),
        ({"leap": 3}, "is not synchronised itself"),
        ({"sent": None}, "is not synchronised itself"),
        ({"received": None}, "is not synchronised itself"),
        ({"root_dispersion": 1.5}, "may be 1.5 s off itself"),
        ({"root_delay": 2.4}, "may be 1.2 s off itself"),
    ],
)
def test_a_server_without_a_good_time_is_not_believed(changes, why):
    assert time_of("a", answer(**changes), NOON, 0.1) == SilentServer("a", why)


@pytest.mark.parametrize("kiss", ["DENY", "RSTR", "RATE"])
def test_a_server_that_asks_to_be_left_alone_is_no_witness(kiss):
    told = time_of("a", answer(stratum=0, reference=kiss), NOON, 0.1)
    assert told == SilentServer("a", f"asks to be left alone ({kiss})", kiss)


# --- several servers


def test_servers_that_agree_are_believed_against_one_that_does_not():
    servers = (server(0.01), server(-YEAR, "b"), server(0.02, "c"))
    assert majority(servers) == (servers[0], servers[2])
    result = judge_clock(ClockSeen(servers))
    assert (result.outcome, result.detail) == (Outcome.OK, "0.0 s off, 2 of 3 time servers agree")


def test_two_servers_that_contradict_each_other_prove_nothing():
    result = judge_clock(ClockSeen((server(0.0), server(60.0, "b"))))
    assert result.outcome is Outcome.NOT_CHECKED
    assert result.detail == "the time servers contradict each other (a +0.0 s, b +60.0 s): name a third one"


def test_servers_agree_within_what_they_grant_themselves():
    assert len(majority((server(0.0, error=0.3), server(0.5, error=0.2)))) == 2
    assert majority((server(0.0, error=0.3), server(0.51, error=0.2))) == ()


@given(st.lists(st.builds(ServerTime, st.just("x"), st.floats(-1e6, 1e6), st.floats(0, 2)), max_size=6))
def test_a_majority_is_more_than_half_or_nobody(servers):
    assert len(majority(servers)) == 0 or 2 * len(majority(servers)) > len(servers)


# --- how bad it is


@pytest.mark.parametrize("offset", [0.0, 2.0, -2.0])
def test_two_seconds_are_tolerated(offset):
    assert judge_clock(ClockSeen((server(offset),))).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("offset", "severity", "words"),
    [
        (2.1, Severity.WARNING, "is 2.1 s behind"),
        (-600.0, Severity.WARNING, "is 10 min ahead"),
        (86400.0, Severity.WARNING, "is 24 hours behind"),
        (86401.0, Severity.CRITICAL, "is 24 hours behind"),
        (-YEAR, Severity.CRITICAL, "is 365 days ahead"),
    ],
)
def test_more_is_a_warning_and_beyond_a_day_critical(offset, severity, words):
    one = finding(ClockSeen((server(offset),)))
    assert one.severity is severity
    assert one.evidence["why"] == f"{words}, says the time server a"
    assert float(one.evidence["offset"]) == pytest.approx(offset, abs=0.05)


@pytest.mark.parametrize(
    ("dates", "offset"),
    [
        (CertificateDates("primary", begins_in=30.0, ends_in=YEAR), 60.0),
        (CertificateDates("primary", begins_in=-YEAR, ends_in=-30.0), -60.0),
        (CertificateDates("primary", begins_in=-YEAR, ends_in=30.0), 60.0),
    ],
)
def test_a_clock_that_turns_the_verdict_on_a_certificate_is_critical_however_little_it_is_off(dates, offset):
    one = finding(ClockSeen((server(offset),), certificates=(dates, dates)))
    assert one.severity is Severity.CRITICAL
    assert one.evidence["certificates"] == "primary"
    assert "the certificates of primary are judged wrongly" in one.evidence["why"]


def test_a_certificate_that_is_bad_by_any_clock_is_not_the_clocks_fault():
    expired = CertificateDates("primary", begins_in=-YEAR, ends_in=-3600.0)
    assert finding(ClockSeen((server(60.0),), certificates=(expired,))).severity is Severity.WARNING


# --- lesser witnesses


def test_a_date_is_good_for_minutes_only():
    fine = judge_clock(ClockSeen(dated=(DatedAnswer("http://portal.example", -100.0),)))
    assert (fine.outcome, fine.detail) == (Outcome.OK, "not 2 min off, says the Date of http://portal.example")
    assert finding(ClockSeen(dated=(DatedAnswer("http://x", -YEAR),))).severity is Severity.CRITICAL


def test_a_time_server_is_believed_before_a_date_and_that_before_the_kernel():
    kept = KernelClock(kept=True, error=0.01)
    assert judge_clock(ClockSeen((server(0.0),), dated=(DatedAnswer("x", YEAR),))).outcome is Outcome.OK
    assert judge_clock(ClockSeen(dated=(DatedAnswer("x", YEAR),), kernel=kept)).outcome is Outcome.PROBLEM


def test_a_kernel_whose_clock_somebody_keeps_is_believed():
    result = judge_clock(ClockSeen(kernel=KernelClock(kept=True, error=0.02)))
    assert (result.outcome, result.detail) == (Outcome.OK, "kept right to 0.0 s, says this host's kernel")


def test_a_clock_that_nobody_keeps_and_nobody_can_compare_is_told_and_not_called_wrong():
    one = finding(ClockSeen(silent=(SilentServer("a", "does not answer"),), kernel=KernelClock(kept=False, error=16.0)))
    assert one.severity is Severity.INFO
    assert one.evidence["why"] == (
        "is kept by nobody, says its kernel, and how far it is off is not known (a does not answer)"
    )


def test_without_any_witness_the_clock_is_not_checked_and_what_would_help_is_said():
    result = judge_clock(ClockSeen())
    assert result.outcome is Outcome.NOT_CHECKED
    assert "[checks] time_servers" in result.detail


def test_certificates_that_are_all_outside_their_validity_speak_against_a_clock_that_nobody_keeps():
    past = CertificateDates("primary", begins_in=YEAR, ends_in=2 * YEAR), CertificateDates("alternate", 30.0, YEAR)
    nobody, somebody = KernelClock(kept=False, error=16.0), KernelClock(kept=True, error=0.1)
    for kernel in (nobody, None):
        one = finding(ClockSeen(kernel=kernel, certificates=past))
        assert one.severity is Severity.CRITICAL
        assert "probably wrong: by it, the certificates of primary and alternate are all outside" in one.evidence["why"]
    assert judge_clock(ClockSeen(kernel=somebody, certificates=past)).outcome is Outcome.OK


def test_one_sbc_whose_certificates_are_bad_says_nothing_of_the_clock():
    expired, good = CertificateDates("primary", -YEAR, -3600.0), CertificateDates("alternate", -YEAR, YEAR)
    nobody = KernelClock(kept=False, error=16.0)
    assert finding(ClockSeen(kernel=nobody, certificates=(expired, expired))).severity is Severity.INFO
    assert finding(ClockSeen(kernel=nobody, certificates=(expired, good))).severity is Severity.INFO
