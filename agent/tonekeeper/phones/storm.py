"""How many registrations per second a registrar sees from many such phones, every day and when it comes back.

Phones that keep a registrar's silence company send each REGISTER several times, wait, and start over. Whatever is sent
first after the silence ends is answered, so what arrives then is what was being sent all along: phones times copies by
the length of a round. Rounds that grow with each failure make that less the longer it lasts.

The rate is a mean, and chance adds to it: phones that are independent of each other arrive like a Poisson process, of
which the busiest of many thousand seconds lies five standard deviations above the mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tonekeeper.phones.behaviour import Backoff
from tonekeeper.phones.conditions import Conditions
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.parameter import Capability

DEVIATIONS = 5.0
LEAST_SHARE = 0.1
"""Of a rate so small that chance alone exceeds it: a few per second."""
OUTAGES_S = (60.0, 180.0, 600.0)
_AGES = 12


def affordable(rate: float) -> float:
    """The mean that leaves room for chance: m + 5*sqrt(m) + 1 <= rate."""
    root = (-DEVIATIONS + math.sqrt(DEVIATIONS**2 + 4 * max(0.0, rate - 1))) / 2
    return max(LEAST_SHARE * rate, root * root)


def mean_refresh_s(in_force: InForce) -> float | None:
    expiry = in_force.seconds(Capability.REGISTRATION_EXPIRY)
    return None if expiry is None or math.isinf(expiry) else sum(in_force.refresh_s(expiry)) / 2


def steady_rate(in_force: InForce, phones: int) -> float | None:
    """Registrations per second while all is well, at one server."""
    refresh = mean_refresh_s(in_force)
    return None if not refresh else phones / refresh


@dataclass(frozen=True, slots=True)
class Round:
    """One walk through all servers, none of which answers. What nobody knows is taken to last 64*T1 (RFC 3261)."""

    busy_s: float
    sends: int


def round_of(in_force: InForce, conditions: Conditions) -> Round:
    give_up, last = _bounded(in_force, in_force.give_up_s), _bounded(in_force, in_force.last_give_up_s)
    others = max(1, len(conditions.servers)) - 1 if in_force.tries_next_server else 0
    if conditions.transport != "udp":
        return Round(give_up * others + last, others + 1)
    sends = in_force.sends_before(give_up) * others + in_force.sends_before(last)
    return Round(give_up * others + last, sends)


def _bounded(in_force: InForce, give_up: float | None) -> float:
    return 64 * in_force.t1 if give_up is None or math.isinf(give_up) else give_up


def rate_after(in_force: InForce, conditions: Conditions, outage_s: float) -> float | None:
    """Registrations per second in the first moments after so long an outage of everything; None: nobody knows."""
    rule, one, refresh = in_force.after_silence, round_of(in_force, conditions), mean_refresh_s(in_force)
    if rule is None or not refresh:
        return None
    if not isinstance(rule, Backoff):
        return 0.0
    noticed = conditions.phones * min(1.0, outage_s / refresh)
    longest = min(outage_s, refresh)
    densities = []
    for step in range(_AGES):
        length = _round_length(in_force, rule, one, outage_s - longest * (step + 0.5) / _AGES)
        if length is None:
            return None
        densities.append(0.0 if math.isinf(length) else one.sends / length)
    return noticed * sum(densities) / _AGES


def worst_rate(in_force: InForce, conditions: Conditions) -> float | None:
    """After the worst outage of up to ten minutes."""
    rates = [rate_after(in_force, conditions, outage) for outage in OUTAGES_S]
    return None if None in rates else max(rate for rate in rates if rate is not None)


def _round_length(in_force: InForce, rule: Backoff, one: Round, age: float) -> float | None:
    """Of the round that a phone is in that noticed the outage `age` seconds ago."""
    at, failures = 0.0, 0
    while True:
        failures += 1
        wait = in_force.wait_s(rule, failures)
        if wait is None:
            return None
        length = max(0.5, one.busy_s + sum(wait) / 2)
        at += length
        if at >= age or failures > 1000:
            return length
