"""One turn of the crank: the situation, the moment, and what this event has led to so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from tonekeeper.core.commands import Command, LogChange
from tonekeeper.core.situation import Change, Situation

MOST_CHANGES = 50
"""Changes kept for the report; older ones are in the journal only."""


@dataclass(slots=True)
class Turn:
    situation: Situation
    now: float
    commands: list[Command] = field(default_factory=list)
    stale: bool = False
    """Something changed that blame, health or the decision depend on."""
    readdressed: bool = False
    """An interface has other addresses: steering must know, nobody's health changed by it."""
    renewed: bool = False
    """A way out over a WAN has appeared, or appeared again."""

    def log(self, subject: str, before: str, after: str, reason: str) -> None:
        self.commands.append(LogChange(subject, str(before), str(after), reason))
        changes = self.situation.changes
        changes.append(Change(self.now, subject, str(before), str(after), reason))
        del changes[:-MOST_CHANGES]
