"""What the person at the keyboard chose to see."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.report import Report
from tonekeeper.core.verdict import FoldedFinding, folded


@dataclass(frozen=True, slots=True)
class View:
    chosen: FoldedFinding | None = None
    """As it was when it was chosen; None: the first."""
    is_open: bool = False
    """Evidence and remedy of the chosen finding fill the screen."""
    scrolled: int = 0
    """Lines of them above the screen."""
    is_paused: bool = False


def findings_of(report: Report | None) -> tuple[FoldedFinding, ...]:
    return () if report is None else folded(report)


def place_of(chosen: FoldedFinding | None, findings: tuple[FoldedFinding, ...]) -> int | None:
    """Where the chosen finding is now; None where it is over."""
    if chosen is None:
        return 0 if findings else None
    wanted = (chosen.finding.code, chosen.finding.subject)
    places = (place for place, one in enumerate(findings) if (one.finding.code, one.finding.subject) == wanted)
    return next(places, None)
