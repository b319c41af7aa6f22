"""The findings, worst first: what was measured, what to do, and what follows from each."""

from __future__ import annotations

from collections import Counter

from tonekeeper.core.report import FindingReport, Report, Severity
from tonekeeper.core.verdict import FoldedFinding, folded
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, facts, lines, quiet, section, state


def findings(report: Report) -> str:
    told = folded(report)
    counts = Counter(one.finding.severity for one in told)
    summary = ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])
    body = "".join(map(_finding, told)) or "<p>None.</p>"
    return section("findings", "Findings", body, quiet(summary))


def _finding(one: FoldedFinding) -> str:
    finding = one.finding
    about = f"{finding.code} {finding.subject}".rstrip()
    return (
        f'<article class="card finding {wording.tone_of(finding.severity)}">'
        f"<h3>{state(finding.severity)} {escape(finding.summary)}</h3>"
        + facts({"What to do": lines(finding.remedy), "Measured": _evidence(finding), "Follows from it": _rest(one)})
        + f"<small><code>{escape(about)}</code>, for {wording.duration(finding.since_s)}</small></article>"
    )


def _evidence(finding: FindingReport) -> str:
    rows = (f"<li><span>{escape(name)}</span> {escape(value)}</li>" for name, value in finding.evidence.items())
    return f'<ul class="evidence">{"".join(rows)}</ul>' if finding.evidence else ""


def _rest(one: FoldedFinding) -> str:
    rows = "".join(f"<li>{state(each.severity)} {_consequence(each)}</li>" for each in one.consequences)
    return f'<ul class="consequences">{rows}</ul>' if rows else ""


def _consequence(finding: FindingReport) -> str:
    return escape(finding.summary) + quiet(wording.evidence(finding))
