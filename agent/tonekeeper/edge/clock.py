"""Whether somebody moved the wall clock: it is compared with the monotonic one, which nobody can move."""

from __future__ import annotations

import time
from collections.abc import Callable

LEAST_JUMP = 2.0
"""Seconds. Less is drift, and what NTP slews between two checks."""


class JumpDetector:
    """A suspended machine counts as a jump: its monotonic clock stood still."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def check(self) -> float | None:
        """Seconds by which the wall clock jumped since the last check, forward or back; None if it did not."""
        offset = self._wall() - self._monotonic()
        by, self._offset = offset - self._offset, offset
        return by if abs(by) > LEAST_JUMP else None
