"""What is common to the machines that do one job and end: a NAT measurement, a deep probe.

`handle(event, now) -> commands` and `next_deadline()`, as everywhere in the core; one `Finished` is the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """`next_deadline()` has come. One event sends one packet at most; the driver asks again until none is due."""

    token: str
    """32 fresh random hex digits: what must be unpredictable in the packet that this timer sends is cut from it."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[Result_co]):
    """The end, exactly once. Nothing that comes afterwards changes anything."""

    result: Result_co
