"""What answers for others, and what does not."""

from __future__ import annotations

import pytest

from tonekeeper.core.beside.portal import UNRESTRICTED, Asked, WanAsked, judge_portal
from tonekeeper.core.checks import Outcome
from tonekeeper.core.report import Severity
from tonekeeper.wire.http_answer import HttpAnswer

NOWHERE = "192.0.2.1"
SILENCE = Asked(NOWHERE, why="nobody answers")
REDIRECTION = Asked(NOWHERE, HttpAnswer(302, "Found", "http://portal.example/login?mac=00:15:65", "lighttpd", "", None))


def page(status: int) -> Asked:
    return Asked("http://check.example/", HttpAnswer(status, "", "", "", "", None))


def finding(*wans: WanAsked, broken: tuple[str, ...] = ()):
    result = judge_portal(wans, broken)
    assert result.outcome is Outcome.PROBLEM
    (one,) = result.observations
    assert one.code == "captive-portal"
    return one


def test_silence_is_what_an_address_without_anybody_should_give():
    result = judge_portal([WanAsked("fibre", (SILENCE,))])
    assert (result.outcome, result.detail) == (Outcome.OK, "fibre: nobody answers for others")


def test_a_redirection_is_a_portal_with_its_page():
    one = finding(WanAsked("fibre", (SILENCE, REDIRECTION)))
    assert (one.subject, one.severity) == ("fibre", Severity.WARNING)
    assert one.evidence["why"] == (
        "192.0.2.1, where nobody lives, answers 302 Found and sends to http://portal.example/login"
    )


def test_a_portal_on_a_wan_that_is_down_is_critical():
    wans = WanAsked("lte", (SILENCE,)), WanAsked("fibre", (REDIRECTION,))
    assert finding(*wans, broken=("fibre",)).severity is Severity.CRITICAL
    assert finding(*wans, broken=("lte",)).severity is Severity.WARNING


@pytest.mark.parametrize(("status", "is_portal"), [(200, True), (204, True), (511, True), (404, False), (503, False)])
def test_an_error_of_a_proxy_is_told_without_alarm(status, is_portal):
    one = finding(
        WanAsked("fibre", (Asked(NOWHERE, HttpAnswer(status, "", "", "", "1.1 squid", None)),)), broken=("fibre",)
    )
    assert one.severity is (Severity.CRITICAL if is_portal else Severity.INFO)
    assert "(1.1 squid)" in one.evidence["why"]


@pytest.mark.parametrize(("status", "caught"), [(204, False), (200, True), (302, True), (511, True), (500, False)])
def test_the_operators_own_page_answers_204_unless_somebody_else_answers_for_it(status, caught):
    result = judge_portal([WanAsked("fibre", (SILENCE,), page(status))])
    assert (result.outcome is Outcome.PROBLEM) is caught


def test_a_page_that_does_not_answer_is_told():
    silent = Asked("http://check.example/", why="nobody answers")
    result = judge_portal([WanAsked("fibre", (SILENCE,), silent)])
    assert result.detail == "fibre: nobody answers for others, http://check.example/: nobody answers"


def test_the_portal_that_a_lease_names_is_evidence_and_no_finding_by_itself():
    lease = "https://portal.example/api"
    assert judge_portal([WanAsked("fibre", (SILENCE,), leased=lease)]).outcome is Outcome.OK
    assert finding(WanAsked("fibre", (REDIRECTION,), leased=lease)).evidence["portal"] == lease
    assert "portal" not in finding(WanAsked("fibre", (REDIRECTION,), leased=UNRESTRICTED)).evidence


def test_what_was_not_asked_is_never_ok():
    metered = WanAsked("lte", skipped="it is metered")
    mute = WanAsked("cable", (Asked(NOWHERE, why="no route", sent=False), Asked("2001:db8::1", why="x", sent=False)))
    for wan, why in ((metered, "lte: it is metered"), (mute, "cable: no route"), (WanAsked("x"), "x: nobody was")):
        result = judge_portal([WanAsked("fibre", (SILENCE,)), wan])
        assert result.outcome is Outcome.NOT_CHECKED
        assert why in result.detail
    assert judge_portal([]).outcome is Outcome.NOT_CHECKED
