"""What is known of the NAT behind one WAN."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.instants import LONG_AGO
from tonekeeper.core.nat.result import NatResult


@dataclass(slots=True)
class NatKnowledge:
    result: NatResult | None = None
    at: float = LONG_AGO
    """When it was measured, or last tried."""
    measuring: bool = False
