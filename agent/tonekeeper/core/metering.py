"""What probing costs on a metered WAN, and the cadence that follows from what may still be spent.

An idle metered WAN is asked as often as its budget allows: what is left of it, spread over what is left of its 30 days.
It answers for itself all the same when another path comes into doubt, and while the site is on it, it is probed as
often as any other: calls cost far more than probes then.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.budget import MONTH

EXCHANGE = 1000
"""Bytes that one probe with its answer is taken to cost, IP and UDP headers included (an OPTIONS and a 200 with all
that Kamailio says in it are 900)."""
SLOWEST = 3600.0
"""Seconds between two probes when nothing is left: a standby nobody has asked for an hour is not proven."""


@dataclass(slots=True)
class Meter:
    """One WAN's account."""

    began: float
    spent: int = 0
    """Bytes, since `began`."""

    def count(self, now: float, octets: int = EXCHANGE) -> None:
        """A probe leaves, or something else that costs `octets`."""
        if now >= self.began + MONTH:
            self.began, self.spent = now, 0
        self.spent += octets

    def interval(self, budget: int, paths: int, steady: float, now: float) -> float:
        """Seconds between two probes of each of `paths`, no oftener than `steady`."""
        left = budget - self.spent
        rest = max(0.0, self.began + MONTH - now)
        if left < EXCHANGE:
            return SLOWEST
        return min(SLOWEST, max(steady, rest * EXCHANGE * max(1, paths) / left))
