"""How many confirming probes a `down` verdict takes, from the loss of the path and a budget of false alarms.

A wrong verdict needs one lost steady probe (probability p) and then k lost confirming probes in a row (probability
q each, given that the probe before was lost: on a bursty line q is far above p, so the two are measured apart).
A site with n paths sends M steady probes a month on each, so it expects

    n * M * p * q**k

false alarms a month. k is the smallest number that brings this down to what the operator accepts. Measured shares
are replaced by an upper bound (two standard errors), because a line that was clean for an hour is not proven clean.
The aim is 0.355 of the stated budget: a Poisson count of that mean exceeds one in 5 % of months, not in a third.

Where that is more than MOST, because the line falls silent in long bursts, it is time that is needed and not packets:
the first EPISODE confirmations follow each other as ever, so that what is learnt of bursts stays comparable, and the
others are spread over the time that k of them would take, up to LONGEST. Beyond that a line that is silent again and
again is reported down each time, whatever the budget says.

What is measured is "no answer within the adaptive timeout", not packet loss alone: a line that stalls for a second
now and then needs more patience in the same way. Probes of a real outage are not counted; a verdict that was taken
back within one interval was no outage, and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import NamedTuple

MONTH = 30 * 86400.0
AIM = 0.355
FEWEST, MOST = 2, 12
LONGEST = 80
"""Confirmations that may be waited for, if not sent: 12 s on a fast line."""
Q_FLOOR, Q_CEILING = 0.02, 0.9
MEMORY = 1000
"""Steady probes after which an observation has faded to 1/e: 80 minutes at a 5 s cadence."""

EPISODE_MEMORY = 8 * MEMORY
"""The same for what an episode taught about bursts, which are rarer: eleven hours."""
EPISODE = 3
"""Misses in a row that one episode teaches at the most."""
CONFIRMED, CONFIRMED_MISSED = 30.0, 0.6
ENOUGH = 20
"""Probes before a share of them means anything."""

_FADE = 1 - 1 / MEMORY
_SEEN_FADE = 1 - 10 / MEMORY
_EPISODE_FADE = 1 - 1 / EPISODE_MEMORY


@dataclass(slots=True)
class LossEstimate:
    """Fading counts. They start as if 200 probes had been sent and one lost, and 30 misses confirmed, 0.6 in vain.

    What was learnt about bursts fades back to that with every answered probe, and one episode teaches only so much: a
    single hiccup of a clean line must not slow its next verdicts for days.
    """

    probes: float = 200.0
    misses: float = 1.0
    confirmed: float = CONFIRMED
    confirmed_missed: float = CONFIRMED_MISSED
    seen: float = 0.0
    """The same without the start values and fading ten times as fast: what the report may show as measured."""
    seen_missed: float = 0.0

    def answered(self) -> None:
        """A steady probe was answered in time."""
        self.probes = self.probes * _FADE + 1
        self.misses *= _FADE
        self.seen = self.seen * _SEEN_FADE + 1
        self.seen_missed *= _SEEN_FADE
        self.confirmed = CONFIRMED + (self.confirmed - CONFIRMED) * _EPISODE_FADE
        self.confirmed_missed = CONFIRMED_MISSED + (self.confirmed_missed - CONFIRMED_MISSED) * _EPISODE_FADE

    def missed(self, in_a_row: int, then_answered: bool) -> None:
        """A steady probe was missed and `in_a_row - 1` confirming ones after it; was the next one answered?"""
        self.probes = self.probes * _FADE + 1
        self.misses = self.misses * _FADE + 1
        self.seen = self.seen * _SEEN_FADE + 1
        self.seen_missed = self.seen_missed * _SEEN_FADE + 1
        in_vain = min(in_a_row - 1, EPISODE)
        self.confirmed += in_vain + (then_answered and in_a_row <= EPISODE)
        self.confirmed_missed += in_vain

    @property
    def share(self) -> float | None:
        """Share of steady probes missed, 0..1; None before anything was measured."""
        return self.seen_missed / self.seen if self.seen else None

    @property
    def lately(self) -> float:
        """The same for judging: 0 until enough was seen to say more."""
        return self.seen_missed / self.seen if self.seen >= ENOUGH else 0.0

    @property
    def p(self) -> float:
        """Upper bound for the probability that a steady probe is missed."""
        return _upper_bound(self.misses, self.probes)

    @property
    def q(self) -> float:
        """Upper bound for the probability that a probe is missed when the one before was.

        Never below p: losses come in bursts or at random, none keeps away from the one before.
        """
        measured = self.confirmed_missed / self.confirmed
        if self.confirmed > CONFIRMED + 1:  # more than the start values: an estimate with an error of its own
            measured = _upper_bound(self.confirmed_missed, self.confirmed)
        return min(Q_CEILING, max(Q_FLOOR, self.p, measured))


def _upper_bound(events: float, trials: float) -> float:
    share = min(1.0, events / trials)
    return min(1.0, share + 2 * sqrt(share * (1 - share) / trials))


class Patience(NamedTuple):
    confirmations: int
    """Probes in a row that must be missed after the first miss before the path is called down."""
    pause: float
    """Timeouts to wait before each of them, but for the first EPISODE."""


def confirmations(loss: LossEstimate, *, paths: int, interval: float, false_alarms_per_month: float) -> Patience:
    probes_per_month = MONTH / interval
    tolerable = AIM * false_alarms_per_month / (max(1, paths) * probes_per_month)
    if loss.p <= tolerable:
        return Patience(FEWEST, 0.0)
    needed = min(LONGEST, max(FEWEST, ceil(log(loss.p / tolerable) / -log(loss.q))))
    return Patience(min(MOST, needed), max(0, needed - MOST) / (MOST - EPISODE))
