"""What will happen, in order of time; what falls on the same instant happens in the order it was planned in."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, TypeVar

What = TypeVar("What")


class Timeline:
    __slots__ = ("_planned", "heap")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Callable[[float, Any], object], Any]] = []
        """Earliest first, as heapq keeps it; to be looked at."""
        self._planned = 0

    def plan(self, at: float, action: Callable[[float, What], object], what: What) -> None:
        """Call `action(at, what)` when `at` has come."""
        self._planned += 1
        heappush(self.heap, (at, self._planned, action, what))

    def step(self) -> None:
        """Let the next thing happen. `IndexError` when nothing is planned."""
        at, _, action, what = heappop(self.heap)
        action(at, what)
