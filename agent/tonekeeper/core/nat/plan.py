"""Which bindings are left idle for how long, and in what order they are made.

The idle times lie on a grid whose steps are as fine as the result shall be, 5 % or 1 s, whichever is larger (TCP, which
lives for hours: less fine); finer where a step would make the measurement late. With one socket per idle time and kind
that is more than may be open at a time, so the long idle times are made while the short ones end. Every binding has an
instant by which it must have been made for the measurement to end within 1.15 times the lifetime and 2 s; the most
urgent is made first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tonekeeper.core.nat.result import BindingKind


class Pace(NamedTuple):
    """How fine the grid is and how fast it must be gone through."""

    resolution: float
    """Of an interval's upper end; 1 s where that is more."""
    slowness: float
    """Times the lifetime that a measurement may take, and `ALLOWANCE` seconds."""
    first: float
    """Seconds: the shortest idle time."""


UDP = Pace(resolution=0.05, slowness=1.15, first=1.0)
"""This is what is promised, for lifetimes of `PROMISED_FROM` seconds and more."""
TCP_AS_GUEST = Pace(resolution=0.25, slowness=2.2, first=5.0)
"""Half a dozen sockets at a time, so that those of UDP are hardly late."""
TCP_AWAITED = Pace(resolution=0.1, slowness=1.25, first=5.0)

FINEST = 1.0
VERDICT_WIDTH = 0.06
"""Seconds between the last sign of life and the proof of death on a quiet line, which widen the interval as well."""
SHORTEST_STEP = 0.35
ALLOWANCE = 2.0
PROMISED_FROM = 9.0
OVERHEAD = {BindingKind.UNREPLIED: 0.7, BindingKind.REPLIED: 0.7, BindingKind.STREAM: 3.3, BindingKind.TCP: 2.0}
"""Seconds that go to reaching the server, making the binding and being sure that it is dead, on a busy machine."""


@dataclass(frozen=True, slots=True)
class IdleTime:
    kind: BindingKind
    seconds: float
    make_by: float
    """Seconds after the start."""
    is_last: bool


def idle_times(kind: BindingKind, longest: float, pace: Pace = UDP) -> tuple[float, ...]:
    """The grid up to `longest`, in seconds."""
    grid = [min(pace.first, longest)]
    while grid[-1] < longest:
        grid.append(min(longest, grid[-1] + _step(kind, grid[-1], pace)))
    return tuple(grid)


def _step(kind: BindingKind, seconds: float, pace: Pace) -> float:
    step = max(FINEST, seconds * pace.resolution / (1 - pace.resolution)) - VERDICT_WIDTH
    if seconds < PROMISED_FROM:
        return step
    return min(step, max(SHORTEST_STEP, (pace.slowness - 1) * seconds + ALLOWANCE - OVERHEAD[kind]))


def plan(kinds: tuple[BindingKind, ...], longest: float, pace: Pace = UDP) -> tuple[IdleTime, ...]:
    """All of them, the most urgent first."""
    planned = [
        IdleTime(kind, seconds, _make_by(kind, seconds, pace), seconds == longest)
        for kind in kinds
        for seconds in idle_times(kind, longest, pace)
    ]
    return tuple(sorted(planned, key=lambda idle: (idle.make_by, idle.seconds)))


def _make_by(kind: BindingKind, seconds: float, pace: Pace) -> float:
    slack = (pace.slowness * (1 - pace.resolution) - 1) * seconds
    return slack - OVERHEAD[kind] if seconds >= PROMISED_FROM else slack
