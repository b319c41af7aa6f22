"""Chance, as it is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Draws(Protocol):
    """A generator that was seeded elsewhere, as `core/chance.py` has it."""

    def random(self) -> float:
        """Uniform in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Always:
    """The same draw each time: 0 is the shortest of everything, just below 1 the longest."""

    draw: float

    def random(self) -> float:
        return self.draw
