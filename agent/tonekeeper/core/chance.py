"""Jitter that can be replayed: a generator whose whole state is one integer.

Not for anything that must be unpredictable on the wire; that arrives inside events.
"""

from __future__ import annotations

from dataclasses import dataclass

_MASK = (1 << 64) - 1


@dataclass(slots=True)
class Chance:
    """SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). `state` is all there is, so a checkpoint is one number."""

    state: int

    def random(self) -> float:
        """Uniform in [0, 1)."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)
