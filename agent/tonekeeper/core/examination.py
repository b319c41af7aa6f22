"""How far a diagnosis has come: what waits, what runs and until when at most, what was found.

Values only. Who runs the checks is app's business; terminal, page and API show this.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


class ExaminationState(StrEnum):
    NEVER = "never"
    """Nobody has asked yet."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """By a person, before its end; what was known then stands."""


@dataclass(frozen=True, slots=True)
class CheckProgress:
    check: str
    stage: Stage
    outcome: str
    """ok, problem, not checked; empty before it is done."""
    detail: str
    """While it runs, what is waited for; then what was seen, or why it was not checked."""
    left_s: float | None
    """Seconds until it is over at most; null where it does not run, or nobody can say."""


@dataclass(frozen=True, slots=True)
class Examination:
    state: ExaminationState
    quick: bool
    elapsed_s: float
    left_s: float | None
    """Seconds until all of it is over at most."""
    checks: tuple[CheckProgress, ...]
    verdict: str
    """In one sentence; empty before the end."""


NOT_BEGUN = Examination(ExaminationState.NEVER, quick=False, elapsed_s=0.0, left_s=None, checks=(), verdict="")
