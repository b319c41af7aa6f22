"""Verdicts and problems as the report has them."""

from __future__ import annotations

from collections.abc import Iterable

from tonekeeper.core.findings import Observation
from tonekeeper.core.firewall.flows import FlowVerdict
from tonekeeper.core.report import FindingReport, FirewallReport, RuleReport, Severity

_SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


def firewall_reports(verdicts: Iterable[FlowVerdict]) -> tuple[FirewallReport, ...]:
    return tuple(_report(verdict) for verdict in verdicts)


def _report(verdict: FlowVerdict) -> FirewallReport:
    question, rule = verdict.question, verdict.rule
    seen = RuleReport(rule.family, rule.table, rule.chain, rule.handle, rule.text, rule.comment) if rule else None
    return FirewallReport(
        origin=question.origin,
        sbc=question.sbc,
        wan=question.wan,
        transport=question.traffic,
        address=str(question.address),
        direction=question.direction,
        verdict=verdict.verdict,
        rule=seen,
        reason=verdict.reason,
        arrives_at=verdict.arrives_at,
        interface=question.lan,
    )


def finding_reports(observations: Iterable[Observation]) -> tuple[FindingReport, ...]:
    """As a command shows them that has just looked; worst first."""
    found = [
        FindingReport(
            code=one.code,
            severity=one.severity,
            subject=one.subject,
            summary=one.entry.summary.format(subject=one.subject, **one.evidence),
            evidence=one.evidence,
            remedy=one.entry.remedy.format(subject=one.subject, **one.evidence),
            since_s=0.0,
        )
        for one in observations
    ]
    return worst_first(found)


def worst_first(findings: Iterable[FindingReport]) -> tuple[FindingReport, ...]:
    return tuple(sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity)))
