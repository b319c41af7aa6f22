"""What is known of the NAT behind one WAN."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.instants import LONG_AGO
from tonekeeper.core.nat.result import NatResult


@dataclass(slots=True)
class NatKnowledge:
    result: NatResult | None = None
    measured_at: float = LONG_AGO
    tried_at: float = LONG_AGO
    """When the latest measurement began."""
    measuring: bool = False
    wanted: bool = False
    """Somebody waits for it."""
