"""Lines that delay, lose and fall silent.

A `Link` is one direction, a `Line` the pair of them: an access circuit, or the stretch from there to one SBC.
Loss comes in two kinds. *Independent*: every datagram takes the same risk. *Bursty* (Gilbert 1960, Elliott 1963): the
line is either good or bad, each with a loss of its own, and stays so for exponentially distributed times. The
chain runs in time and not per datagram, because the datagrams of a probe train are seconds or milliseconds apart, and
it is exactly the millisecond ones that a burst takes together.
"""

from __future__ import annotations

from math import log
from random import Random
from typing import Protocol


class Loss(Protocol):
    def loses(self, now: float) -> bool:
        """Whether a datagram that enters the line at `now` is lost."""


class IndependentLoss:
    __slots__ = ("_random", "share")

    def __init__(self, share: float, random: Random) -> None:
        self.share = share
        self._random = random.random

    def loses(self, now: float) -> bool:
        return self._random() < self.share


class BurstyLoss:
    """Gilbert-Elliott in continuous time; `good_for` and `bad_for` are mean stays in seconds, losses are shares."""

    __slots__ = ("_bad", "_random", "_until", "bad_for", "good_for", "loss_when_bad", "loss_when_good")

    def __init__(
        self, *, good_for: float, bad_for: float, loss_when_bad: float, loss_when_good: float, random: Random
    ) -> None:
        self.good_for = good_for
        self.bad_for = bad_for
        self.loss_when_bad = loss_when_bad
        self.loss_when_good = loss_when_good
        self._random = random
        self._bad = True  # the first look at a line ends this stay, and it begins good
        self._until = 0.0

    @property
    def share(self) -> float:
        """Of a steady stream, in the long run."""
        lost = self.good_for * self.loss_when_good + self.bad_for * self.loss_when_bad
        return lost / (self.good_for + self.bad_for)

    def loses(self, now: float) -> bool:
        while self._until <= now:
            self._bad = not self._bad
            self._until += self._random.expovariate(1 / (self.bad_for if self._bad else self.good_for))
        share = self.loss_when_bad if self._bad else self.loss_when_good
        return share > 0 and self._random.random() < share


class Link:
    """One direction of a line. A datagram takes `delay` and an exponentially distributed `jitter` (mean), seconds."""

    __slots__ = ("_random", "delay", "jitter", "loss", "silent")

    def __init__(self, random: Random) -> None:
        self._random = random.random
        self.delay = 0.0
        self.jitter = 0.0
        self.loss: Loss | None = None
        self.silent = False

    def carry(self, now: float) -> float | None:
        """When a datagram that enters now comes out at the other end; None if it never does."""
        if self.silent or (self.loss is not None and self.loss.loses(now)):
            return None
        if self.jitter:
            return now + self.delay - self.jitter * log(1.0 - self._random())
        return now + self.delay


class Line:
    """Both directions, and the verbs that make trouble on them."""

    def __init__(self, random: Random, *, delay: float, jitter: float) -> None:
        self._random = random
        self.out = Link(random)
        self.back = Link(random)
        self.delay(delay, jitter=jitter)

    def delay(self, seconds: float, *, jitter: float = 0.0) -> None:
        """Each way."""
        for link in (self.out, self.back):
            link.delay, link.jitter = seconds, jitter

    def lose(self, share: float) -> None:
        """Lose this share of the round trips, each independently of the others, the harm split evenly on both ways."""
        each_way = 1.0 - (1.0 - share) ** 0.5
        for link in (self.out, self.back):
            link.loss = IndependentLoss(each_way, self._random) if share else None

    def lose_in_bursts(
        self, *, good_for: float, bad_for: float, loss_when_bad: float = 1.0, loss_when_good: float = 0.0
    ) -> None:
        """Both ways at once, as a fading radio link or a queue that overflows does; seconds and shares of datagrams."""
        loss = BurstyLoss(
            good_for=good_for,
            bad_for=bad_for,
            loss_when_bad=loss_when_bad,
            loss_when_good=loss_when_good,
            random=self._random,
        )
        self.out.loss = self.back.loss = loss

    def fall_silent(self) -> None:
        """Swallow everything, without a word."""
        self.out.silent = self.back.silent = True

    def recover(self) -> None:
        """Speak again; loss and delay stay what they were."""
        self.out.silent = self.back.silent = False
