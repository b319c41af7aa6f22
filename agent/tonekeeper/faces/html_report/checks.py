"""Everything that was looked at, and what nobody could look at, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tonekeeper.core.checks import Outcome
from tonekeeper.core.examination import Examination, ExaminationState, Stage
from tonekeeper.core.report import Report
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, quiet, section, state, table

_TITLES = ("Check", "Outcome", "Seen, or why not")
_UNFINISHED = "not finished"
_STAGES = {Stage.WAITING: "not begun", Stage.RUNNING: _UNFINISHED}

Check = tuple[str, str, str]
"""What, outcome, detail."""


def checks(report: Report, examination: Examination | None) -> str:
    """Of the examination, if there was one; otherwise of what the agent looked at by itself."""
    known = _checks(report, examination)
    if not known:
        return ""
    rows = [(escape(what), state(outcome), escape(detail)) for what, outcome, detail in known]
    body = f'<div class="card outcomes">{table("What was checked, and what was not", _TITLES, rows)}</div>'
    return section("checks", "Everything that was checked", body, quiet(_counted(known)))


def tally(report: Report, examination: Examination | None) -> str:
    """In a sentence; empty where nothing was checked."""
    known = _checks(report, examination)
    if not known:
        return ""
    took = ""
    if examination is not None:
        ended = "stopped after" if examination.state is ExaminationState.STOPPED else "in"
        took = (
            f" {ended} {wording.duration(examination.elapsed_s)}{', the essentials only' if examination.quick else ''}"
        )
    return f"{len(known)}{took}: {_counted(known)}"


def _checks(report: Report, examination: Examination | None) -> Sequence[Check]:
    if examination is not None and examination.checks:
        return [
            (one.check, one.outcome or _STAGES.get(one.stage, _UNFINISHED), one.detail) for one in examination.checks
        ]
    return [(one.check, one.outcome, one.detail) for one in report.checks]


def _counted(known: Sequence[Check]) -> str:
    counts = Counter(outcome for _, outcome, _ in known)
    order = [*Outcome, *(outcome for outcome in counts if outcome not in list(Outcome))]
    return ", ".join(_count(counts[outcome], outcome) for outcome in order if counts[outcome])


def _count(number: int, outcome: str) -> str:
    return wording.counted(number, outcome) if outcome == Outcome.PROBLEM else f"{number} {outcome}"
