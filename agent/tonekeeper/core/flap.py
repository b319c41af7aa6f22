"""Flap damping: a WAN or an SBC that keeps coming and going is not trusted until it has been quiet (RFC 2439).

Every loss adds a penalty, the penalty halves each half-life, above `suppress` the subject is suppressed, below `reuse`
it is free again; a ceiling keeps the longest suppression within `max_suppress`.

The routers' figures (half-life 15 min, suppress 2000, reuse 750) are scaled for access circuits, where one outage is
one loss and not, as in BGP, many echoes of it:

- half-life 5 min: a bad spell of a line lasts minutes; after one of ten the line is free again within a quarter hour.
- suppress 2500: one outage never suppresses, nor do two; the third within about two minutes does.
- reuse 1000: what one single outage weighs. From three in a row to there it takes eight minutes of quiet.
- max_suppress 30 min: a line that was bad all night is tried again at breakfast.

A changed address weighs half: calls survive neither, but the line did not go away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log2

from tonekeeper.core.instants import NEVER
from tonekeeper.core.site import DampingPolicy

LOSS = 1000.0
ADDRESS_CHANGE = 500.0
WINDOW = 3600.0
"""Seconds for which losses are counted for people."""
MOST_REMEMBERED = 200


@dataclass(slots=True)
class Damper:
    """The figure of merit of one subject."""

    penalty: float = 0.0
    """As of `at`."""
    at: float = 0.0
    reuse_at: float = NEVER
    """When a suppressed subject is free again; NEVER for one that is not suppressed."""
    losses: list[float] = field(default_factory=list)
    """Instants within the window, oldest first."""

    @property
    def is_suppressed(self) -> bool:
        return self.reuse_at < NEVER

    def level(self, policy: DampingPolicy, now: float) -> float:
        """The penalty at this moment."""
        return float(self.penalty * 2.0 ** (-(now - self.at) / policy.half_life))

    def lost(self, weight: float, policy: DampingPolicy, now: float) -> None:
        """It went away, or changed under its users."""
        ceiling = policy.reuse * 2.0 ** (policy.max_suppress / policy.half_life)
        self.penalty = min(ceiling, self.level(policy, now) + weight)
        self.at = now
        self.losses = [*self.losses_since(now - WINDOW), now][-MOST_REMEMBERED:]
        if self.penalty >= policy.suppress or self.is_suppressed:
            self.reuse_at = now + policy.half_life * log2(max(1.0, self.penalty / policy.reuse))

    def release(self, now: float) -> bool:
        """True if a suppression ends by now."""
        if now < self.reuse_at:
            return False
        self.reuse_at = NEVER
        return True

    def losses_since(self, instant: float) -> list[float]:
        return [at for at in self.losses if at > instant]
