"""The answer first, and every consequence under its cause."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.core.talk import Talk
from tests.unit.faces import reports
from tonekeeper.core.events import ReversePathFilterRead
from tonekeeper.core.report import CauseReport, ExplainedReport, FindingReport, Severity
from tonekeeper.core.verdict import folded, verdict_of


def finding(code: str, subject: str, severity: Severity = Severity.WARNING) -> FindingReport:
    return FindingReport(code, severity, subject, f"{code} of {subject}.", {}, "", 1.0)


def test_the_verdict_is_the_first_finding_unless_that_is_a_mere_note():
    report = replace(reports.healthy(), findings=(finding("wan-down", "fibre", Severity.CRITICAL),))
    assert verdict_of(report) == "wan-down of fibre."
    report = replace(reports.healthy(), findings=(finding("single-wan", "fibre", Severity.INFO),))
    assert verdict_of(report).startswith("Every path works")


def test_a_consequence_of_two_causes_is_folded_under_the_first():
    first, second = finding("wan-down", "fibre"), finding("sbc-down", "primary")
    causes = (CauseReport("sbc-down", "primary"), CauseReport("wan-down", "fibre"))
    both = ExplainedReport(finding("no-alternate", "alternate over lte"), causes)
    report = replace(reports.healthy(), findings=(first, second), explained=(both,))

    assert [len(one.consequences) for one in folded(report)] == [1, 0]


def test_what_a_dead_site_explains_is_told_with_its_cause():
    talk = Talk().begin()
    talk.pass_time(60)
    talk.silence()
    talk.pass_time(60)

    report = talk.report
    explained = {one.finding.code: one.causes for one in report.explained}
    assert report.findings[0].code == "site-offline"
    assert explained["no-alternate"] == (CauseReport("site-offline", report.findings[0].subject),)
    assert [one.code for one in folded(report)[0].consequences] == [one.finding.code for one in report.explained]


def test_a_wan_whose_answers_this_kernel_drops_is_explained_by_that():
    talk = Talk().begin()
    talk.silence(wan="lte")
    talk.tell(ReversePathFilterRead("wwan0", 1))
    talk.pass_time(60)

    assert talk.findings()[0] == "rp-filter-strict lte"
    assert talk.report.findings[0].severity is Severity.CRITICAL
    assert "wan-down lte" not in talk.findings()


def test_a_wan_that_dies_after_it_was_heard_is_not_blamed_on_the_filter():
    talk = Talk().begin()
    talk.tell(ReversePathFilterRead("wwan0", 1))
    talk.pass_time(60)
    assert talk.findings() == ["rp-filter-strict lte"]
    talk.silence(wan="lte")
    talk.pass_time(60)
    assert talk.findings() == ["wan-down lte"]
