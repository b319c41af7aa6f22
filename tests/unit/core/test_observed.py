"""What the agent says of a check by itself: ok, a problem, not checked and why, or nothing yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.talk import site as talk_site
from tests.unit.faces import reports
from tonekeeper.core.checks import Check, Outcome
from tonekeeper.core.observed import OBSERVED
from tonekeeper.core.report import FindingReport, Report, SbcState, Severity, WanState
from tonekeeper.core.site import Depth, DepthPolicy, LanPolicy, NatPolicy, Site

SITE = talk_site()


def judged(check: Check, report: Report, site: Site = SITE) -> tuple[Outcome, str] | None:
    result = OBSERVED[check](site, report)
    return None if result is None else (result.outcome, result.detail)


def with_finding(code: str, subject: str = "") -> Report:
    return replace(reports.healthy(), findings=(FindingReport(code, Severity.WARNING, subject, "", {}, "", 1.0),))


def test_all_is_well_where_all_answers():
    assert judged(Check.WANS, reports.healthy()) == (Outcome.OK, "fibre up, lte up")
    assert judged(Check.SBCS, reports.healthy()) == (Outcome.OK, "primary healthy, alternate healthy")
    assert judged(Check.RP_FILTER, reports.healthy()) == (Outcome.OK, "no WAN drops its own answers")


@pytest.mark.parametrize(
    ("check", "code"),
    [
        (Check.WANS, "wan-flapping"),
        (Check.WANS, "site-offline"),
        (Check.SBCS, "standby-drift"),
        (Check.RP_FILTER, "rp-filter-strict"),
        (Check.SIP_ALG, "sip-helper-attached"),
    ],
)
def test_a_finding_makes_its_check_a_problem(check: Check, code: str):
    found = judged(check, with_finding(code, "fibre"))
    assert found is not None
    assert found[0] is Outcome.PROBLEM


def test_what_is_not_known_yet_is_awaited():
    unknown = replace(reports.healthy().wans[0], state=WanState.UNKNOWN)
    assert judged(Check.WANS, replace(reports.healthy(), wans=(unknown,))) is None
    sbc = replace(reports.healthy().sbcs[0], state=SbcState.UNKNOWN)
    assert judged(Check.SBCS, replace(reports.healthy(), sbcs=(sbc,))) is None
    called = replace(SITE.sbcs[0], depths=(DepthPolicy(Depth.CALL, 60.0, "600"),))
    assert judged(Check.MEDIA, reports.healthy(), replace(SITE, sbcs=(called,))) is None
    measured = replace(SITE, nat=NatPolicy("stun.example.net"))
    assert judged(Check.NAT, reports.healthy(), measured) is None


def test_what_is_not_configured_is_not_checked_and_says_what_to_configure():
    for check, key in ((Check.MEDIA, "[sbc.call]"), (Check.NAT, "[nat]"), (Check.PHONES, "[lan]")):
        found = judged(check, reports.healthy(), replace(SITE, nat=None, lan=LanPolicy()))
        assert found is not None
        assert found[0] is Outcome.NOT_CHECKED
        assert key in found[1]


def test_an_address_that_was_configured_needs_no_dns():
    assert judged(Check.DNS, reports.healthy()) == (
        Outcome.NOT_CHECKED,
        "every SBC is configured by its address",
    )


def test_no_sbc_is_called_ill_while_nobody_answers_over_any_wan():
    assert judged(Check.SBCS, with_finding("site-offline", "site")) == (
        Outcome.NOT_CHECKED,
        "nobody answers over any WAN",
    )
