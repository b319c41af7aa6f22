"""What the agent has found out about where packets stop, and how long they may be."""

from __future__ import annotations

from dataclasses import dataclass, field

from tonekeeper.core.egress.result import EgressTrial
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.site import Path


@dataclass(frozen=True, slots=True)
class KnownTrial:
    trial: EgressTrial
    at: float


@dataclass(frozen=True, slots=True)
class Tried:
    """An examination that was begun."""

    path: Path
    at: float
    reason: str
    """Why the path was down then; empty: it was up."""


@dataclass(slots=True)
class EgressKnowledge:
    trials: list[KnownTrial] = field(default_factory=list)
    """The latest of each path."""
    tries: list[Tried] = field(default_factory=list)
    """The latest of each path while it was down, and while it was up."""
    asked: Path | None = None
    """Being examined."""
    asked_at: float = LONG_AGO
    charged: int = 0
    """Packets, when it was asked."""
    free_at: float = LONG_AGO
    """No examination begins before."""
    look_at: float = NEVER
    """When one is due."""

    def trial_of(self, path: Path) -> KnownTrial | None:
        return next((known for known in self.trials if known.trial.path == path), None)

    def tried(self, path: Path, *, was_down: bool) -> Tried | None:
        return next((one for one in self.tries if one.path == path and bool(one.reason) is was_down), None)
