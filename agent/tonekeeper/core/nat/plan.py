"""Which bindings are left idle for how long, and in what order they are made.

The idle times lie on a grid whose steps are as fine as the result shall be, 5 % or 1 s, whichever is larger; finer
where a step would make the measurement late. With one socket per idle time and kind that is more than may be open at
a time, so the long idle times are made while the short ones end. Every binding has an instant by which it must have
been made for the measurement to end within 1.15 times the lifetime and 2 s; the most urgent is made first.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.nat.result import BindingKind

RESOLUTION = 0.05
FINEST = 1.0
VERDICT_WIDTH = 0.06
"""Seconds between the last sign of life and the proof of death on a quiet line, which widen the interval as well."""
SHORTEST_STEP = 0.35
SLOWNESS, ALLOWANCE = 1.15, 2.0
"""A measurement may take `SLOWNESS` times the lifetime and `ALLOWANCE` seconds ..."""
PROMISED_FROM = 9.0
"""... for lifetimes of 10 s and more."""
OVERHEAD = {BindingKind.UNREPLIED: 0.7, BindingKind.REPLIED: 0.7, BindingKind.STREAM: 3.3}
"""Seconds that go to reaching the server, making the binding and being sure that it is dead, on a busy machine."""


@dataclass(frozen=True, slots=True)
class IdleTime:
    kind: BindingKind
    seconds: float
    make_by: float
    """Seconds after the start."""
    is_last: bool


def idle_times(kind: BindingKind, longest: float) -> tuple[float, ...]:
    """The grid from 1 s to `longest`, in seconds."""
    grid = [min(FINEST, longest)]
    while grid[-1] < longest:
        grid.append(min(longest, grid[-1] + _step(kind, grid[-1])))
    return tuple(grid)


def _step(kind: BindingKind, seconds: float) -> float:
    step = max(FINEST, seconds * RESOLUTION / (1 - RESOLUTION)) - VERDICT_WIDTH
    if seconds < PROMISED_FROM:
        return step
    return min(step, max(SHORTEST_STEP, (SLOWNESS - 1) * seconds + ALLOWANCE - OVERHEAD[kind]))


def plan(kinds: tuple[BindingKind, ...], longest: float) -> tuple[IdleTime, ...]:
    """All of them, the most urgent first."""
    planned = [
        IdleTime(kind, seconds, _make_by(kind, seconds), seconds == longest)
        for kind in kinds
        for seconds in idle_times(kind, longest)
    ]
    return tuple(sorted(planned, key=lambda idle: (idle.make_by, idle.seconds)))


def _make_by(kind: BindingKind, seconds: float) -> float:
    slack = (SLOWNESS * (1 - RESOLUTION) - 1) * seconds
    return slack - OVERHEAD[kind] if seconds >= PROMISED_FROM else slack
