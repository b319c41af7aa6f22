"""The answer first: the report in one sentence, and each finding with what follows from it.

The first finding of a report is the worst, and among equals the one nearest to the site's own hardware, because what
lies further away is usually its consequence. What a finding explains is not shown beside it, but folded under it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.report import CauseReport, FindingReport, PathState, Report, Severity


@dataclass(frozen=True, slots=True)
class FoldedFinding:
    finding: FindingReport
    consequences: tuple[FindingReport, ...]
    """What would be findings of their own if this one did not explain them."""


def folded(report: Report) -> tuple[FoldedFinding, ...]:
    """In the order of the report; a consequence of two causes is folded under the first."""
    left = list(report.explained)
    causes = []
    for finding in report.findings:
        own = [one for one in left if CauseReport(finding.code, finding.subject) in one.causes]
        left = [one for one in left if one not in own]
        causes.append(FoldedFinding(finding, tuple(one.finding for one in own)))
    return tuple(causes)


def verdict_of(report: Report) -> str:
    """What is wrong and whose fault it is; where nothing is, what is known to work and what nobody has looked at."""
    worst = next(iter(report.findings), None)
    if worst is not None and worst.severity is not Severity.INFO:
        return worst.summary
    paths = [path for sbc in report.sbcs for path in sbc.paths]
    up = sum(path.state is PathState.UP for path in paths)
    if not up:
        return "No SBC has answered yet; the first verdicts are still to come."
    known = "Every path works" if up == len(paths) else f"{up} of {len(paths)} paths work"
    return f"{known}: {active_place(report)}."


def active_place(report: Report) -> str:
    """Where calls go."""
    active = report.active
    return f"calls go over {active.wan} to {active.sbc}" if active.sbc else "no path is chosen yet"
