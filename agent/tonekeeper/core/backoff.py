"""How long to wait before asking again: ever longer, and never at the moment when everybody else asks.

A server that returns meets all its clients at once. What brings it back down is not how many they are but that they
come together, so every wait here is drawn from a range, not only doubled (Brooker, "Exponential Backoff And Jitter",
AWS 2015: full jitter ends the collisions with the least work).
"""

from __future__ import annotations

from tonekeeper.core.chance import Chance

REGISTER_BASE_ALL_FAILED = 30.0
REGISTER_BASE_SOME_WORK = 90.0
REGISTER_MOST = 1800.0
"""Seconds: base-time and max-time of RFC 5626 section 4.5."""
FIRST_PROBE_SPREAD = 10.0
"""Seconds over which the first probes fall once a site has its connection back: a fleet behind one provider gets it
back in the same second."""

_MOST_DOUBLINGS = 64
"""Beyond this every cap is reached; 2**n as a float has an end."""


def full_jitter(failures: int, base: float, cap: float, chance: Chance, floor: float = 0.0) -> float:
    """Seconds: uniform between `floor` and min(cap, base * 2**failures)."""
    upper = _doubled(failures, base, cap)
    lower = min(floor, upper)
    return lower + chance.random() * (upper - lower)


def register_retry_bound(failures: int, *, any_flow_works: bool) -> float:
    """The upper bound W of RFC 5626 section 4.5, seconds, after this many failures in a row."""
    base = REGISTER_BASE_SOME_WORK if any_flow_works else REGISTER_BASE_ALL_FAILED
    return _doubled(failures, base, REGISTER_MOST)


def register_retry(failures: int, chance: Chance, *, any_flow_works: bool) -> float:
    """Seconds until a failed REGISTER is tried again: uniform between 50 and 100 % of the bound."""
    return register_retry_bound(failures, any_flow_works=any_flow_works) * (0.5 + 0.5 * chance.random())


def first_probe_delay(chance: Chance) -> float:
    """Seconds that one path waits with its first probe after an outage of the whole site."""
    return FIRST_PROBE_SPREAD * chance.random()


def _doubled(failures: int, base: float, cap: float) -> float:
    return min(cap, base * 2.0 ** min(failures, _MOST_DOUBLINGS))
