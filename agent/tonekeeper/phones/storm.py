"""How many registrations per second a registrar sees from many such phones, every day and when it comes back.

Phones that nobody answers send each REGISTER several times, wait, and start over. Whatever is sent first after the
silence ends is answered, so what arrives then is what was being sent all along: the phones that are busy asking, times
the copies that each sends in a second. How many are busy at once depends on the waits and on how well they part phones
that noticed together, and it changes with time: a few phones stand for all, and the worst moment of ten minutes counts.

The rate is a mean, and chance adds to it: phones that are independent of each other arrive like a Poisson process, of
which the busiest of many thousand seconds lies five standard deviations above the mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tonekeeper.phones.behaviour import Backoff, Probe
from tonekeeper.phones.conditions import Conditions
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.parameter import Capability

DEVIATIONS = 5.0
LEAST_SHARE = 0.1
"""Of a rate so small that chance alone exceeds it: a few per second."""
LONGEST_OUTAGE_S = 600.0
Range = tuple[float, float]
_FEWEST_SAMPLES, _MOST_SAMPLES = 48, 384
_SAMPLES_BUSY = 4
"""At least so many are busy at a time, or the worst moment would be one of few."""
_MOST_ROUNDS = 200
_ONE_PHONE, _NEXT_ROUND = 0.6180339887498949, 0.7548776662466927
"""Steps of two sequences that fill a square evenly: who it is, and the draw of its next wait."""


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


def notice_within_s(in_force: InForce) -> float | None:
    """All phones notice a silence within so long of each other: between two registrations, or two probes."""
    refresh, probe = mean_refresh_s(in_force), in_force.profile.behaviour.probe
    if not refresh or not isinstance(probe, Probe) or in_force.value(probe.switch) in (None, "off", ""):
        return refresh
    interval = in_force.seconds(probe.interval)
    return min(refresh, interval) if interval else refresh


def first_rate(in_force: InForce, conditions: Conditions) -> float | None:
    """Registrations per second after an outage so short that nobody has waited yet: waits cannot make it less."""
    notice = notice_within_s(in_force)
    if not notice:
        return None
    one = round_of(in_force, conditions)
    return conditions.phones * min(1.0, one.busy_s / notice) * one.sends / one.busy_s


def worst_rate(
    in_force: InForce, conditions: Conditions, *, own: Range = (1.0, 1.0), least_s: float = 0.0
) -> float | None:
    """After the worst outage of everything, of `least_s` to ten minutes; None: nobody knows.

    `own`: where phones are given values that differ, the least and the greatest as multiples of this phone's.
    """
    rule, first = in_force.after_silence, first_rate(in_force, conditions)
    if rule is None or first is None:
        return None
    if not isinstance(rule, Backoff):
        return first
    one = round_of(in_force, conditions)
    share = _busy_share(in_force, rule, one, own, least_s)
    if share is None:
        return None
    rate = conditions.phones * share * one.sends / one.busy_s
    return rate if least_s else max(first, rate)


def _busy_share(in_force: InForce, rule: Backoff, one: Round, own: Range, least_s: float) -> float | None:
    """Of all phones, those that are asking in the worst moment."""
    notice = notice_within_s(in_force)
    assert notice
    notice_within = min(notice, LONGEST_OUTAGE_S)
    samples = round(min(_MOST_SAMPLES, max(_FEWEST_SAMPLES, _SAMPLES_BUSY * notice_within / one.busy_s)))
    changes: list[tuple[float, int]] = []
    waits: list[Range] = []
    """After the first round of failures, after the second ...: those of all phones."""
    for number in range(samples):
        who = number * _ONE_PHONE % 1.0
        at, failures = notice_within * (number + 0.5) / samples, 0
        while at < LONGEST_OUTAGE_S and failures < _MOST_ROUNDS:
            failures += 1
            if at + one.busy_s > least_s:
                changes += [(max(at, least_s), 1), (at + one.busy_s, -1)]
            if failures > len(waits):
                between = in_force.wait_s(rule, failures)
                if between is None:
                    return None
                waits.append(between)
            at += one.busy_s + _drawn(waits[failures - 1], failures, own, who)
    return _most(changes) / samples * notice_within / notice


def _drawn(between: Range, failures: int, own: Range, who: float) -> float:
    low, high = between
    if math.isinf(low):
        return low
    if own[0] < own[1]:
        return low * (own[0] + (own[1] - own[0]) * who)
    return low + (high - low) * ((who + failures * _NEXT_ROUND) % 1.0)


def _most(changes: list[tuple[float, int]]) -> int:
    """Most at a time."""
    now = most = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
