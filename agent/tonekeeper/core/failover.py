"""Where the site should be, and how slowly it changes its mind.

    nowhere --first proven place, after everyone had a chance to answer--> settled
    settled --active place down--> (corroborate) --> best place proven since the alarm --> settled
    settled --active place draining, or degraded for min_dwell--> a better place --> settled
    settled, not on the first choice --first choice proven for failback_after + a random delay--> first choice
    settled --active place down within its probation, and nowhere else to go--> back where it came from, once

Restraint, in this order: never to a place that has not answered a probe sent since the alarm; never when there is
nowhere to go; a token bucket on switches; minimum dwell while the active place still works at all; the way back only
after proven stability. A *place* is a WAN with an SBC: REGISTER, INVITE and RTP of the site stay together there.

It settles because each switch costs a token, tokens come back slowly, and every voluntary move goes to a place of
strictly better rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tonekeeper.core.chance import Chance
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.site import FailoverPolicy

SETTLE = 3.0
"""Seconds at start in which a better place may still answer before a lesser one is taken."""


class Place(NamedTuple):
    wan: str
    sbc: str

    def __str__(self) -> str:
        return f"{self.sbc} over {self.wan}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one place at this moment."""

    place: Place
    order: tuple[int, ...]
    """Smaller is preferred: metered, SBC's and WAN's position in the configuration."""
    down: bool
    usable: bool
    """Up, and not asking to be left alone."""
    degraded: bool
    draining: bool
    suppressed: bool
    """Its WAN or its SBC flaps: not chosen while another place works."""
    rising: bool
    """Down, but has just answered again: a second or two will tell."""
    checking: bool
    """Was asked to testify and may still answer in time."""
    judged: bool
    """Has had a verdict at all."""
    closed: bool
    """Its WAN has no carrier, no address or no interface: nothing can be sent there."""
    proven_at: float
    """When the latest answered probe was sent."""
    up_since: float
    """Since when without a gap; NEVER if not up."""
    alarmed_at: float
    """When doubt about this place began; NEVER if there is none."""

    @property
    def rank(self) -> tuple[int, ...]:
        return (int(self.suppressed), int(self.degraded), *self.order)


@dataclass(frozen=True, slots=True)
class Switch:
    before: Place | None
    after: Place
    reason: str


@dataclass(slots=True)
class Failover:
    """The one place that decides. Ask `consider` whenever health has changed or `deadline` has come."""

    started: float
    tokens: float
    refilled_at: float
    active: Place | None = None
    since: float = 0.0
    reason: str = "nothing is proven yet"
    switches: int = 0
    failback_at: float = NEVER
    failback_to: Place | None = None
    retry_at: float = NEVER
    """When a move that was held back may be made."""
    suppressed: str = ""
    """Why a move that is due is not made; empty if none is."""
    waiting: bool = False
    """A move is due and waits for a place to prove itself, so every answer matters."""
    degraded_since: float = NEVER
    left: Place | None = None
    """The place that the latest switch left."""
    taken_back: Place | None = None
    """A place that did not help, and is not tried again before it has been proven anew."""
    taken_back_at: float = LONG_AGO

    @property
    def deadline(self) -> float:
        return self.retry_at if self.retry_at < NEVER else self.failback_at

    def consider(
        self, standings: tuple[Standing, ...], policy: FailoverPolicy, chance: Chance, now: float
    ) -> Switch | None:
        """The switch to make now, already accounted for; None for staying."""
        self._refill(policy, now)
        self.retry_at = NEVER
        self.suppressed = ""
        self.waiting = False
        if not any(self._did_not_help(standing) for standing in standings):
            self.taken_back = None
        ranked = sorted(standings, key=lambda standing: standing.rank)
        current = next((standing for standing in ranked if standing.place == self.active), None)
        if current is None:
            return self._first(ranked, now)
        if not (current.down or current.draining or current.degraded):
            self.degraded_since = NEVER
            return self._fail_back(current, ranked, policy, chance, now)
        self._forget_failback()
        if current.down:
            return self._flee(current, ranked, policy, now)
        if current.draining:
            return self._improve(current, ranked, policy, now, f"{current.place.sbc} asks to be left alone")
        return self._leave_degraded(current, ranked, policy, now)

    # --- moves

    def _first(self, ranked: list[Standing], now: float) -> Switch | None:
        for standing in ranked:
            if standing.usable:
                return self._move(standing.place, "first place that is proven", now, voluntary=False)
            if not standing.judged and now < self.started + SETTLE:
                self.retry_at = self.started + SETTLE
                return None
        return None

    def _flee(self, current: Standing, ranked: list[Standing], policy: FailoverPolicy, now: float) -> Switch | None:
        """The best place that has proven itself since the alarm; a better one that was just asked is waited for."""
        for refuge in ranked:
            if current.rising:
                break
            if not refuge.usable or self._did_not_help(refuge):
                continue
            if refuge.proven_at >= current.alarmed_at:
                return self._spend(refuge.place, f"{current.place} is down", policy, now)
            if refuge.checking:
                break
        else:
            before = next((s for s in ranked if s.place == self.left and not s.closed), None)
            if before is not None and now < self.since + policy.probation:
                return self._take_back(before.place, current.place, now)
        self.waiting = True
        self.suppressed = "nowhere to go: no other place is proven"
        return None

    def _take_back(self, before: Place, tried: Place, now: float) -> Switch:
        """The switch did not help: undo it, once. It costs no token, and must not be undone in turn."""
        switch = self._move(before, f"{tried} did not help, the switch is taken back", now, voluntary=False)
        self.left = None
        self.taken_back = tried
        self.taken_back_at = now
        self.waiting = True
        return switch

    def _did_not_help(self, standing: Standing) -> bool:
        return standing.place == self.taken_back and not self.taken_back_at < standing.up_since < NEVER

    def _improve(
        self, current: Standing, ranked: list[Standing], policy: FailoverPolicy, now: float, reason: str
    ) -> Switch | None:
        """Leave a place that works, but badly, for a better one, and not before min_dwell."""
        others = [s for s in ranked if s.usable and s.place != current.place]
        better = next((s for s in others if current.draining or not s.degraded), None)
        if better is None:
            self.suppressed = "nowhere better to go"
            return None
        if now < self.since + policy.min_dwell and self.switches > 0:
            self.retry_at = self.since + policy.min_dwell
            self.suppressed = "the last switch is too recent"
            return None
        return self._spend(better.place, reason, policy, now)

    def _leave_degraded(
        self, current: Standing, ranked: list[Standing], policy: FailoverPolicy, now: float
    ) -> Switch | None:
        self.degraded_since = min(self.degraded_since, now)
        if now < self.degraded_since + policy.min_dwell:
            self.retry_at = self.degraded_since + policy.min_dwell
            return None
        return self._improve(current, ranked, policy, now, f"{current.place.sbc} is degraded")

    def _fail_back(
        self, current: Standing, ranked: list[Standing], policy: FailoverPolicy, chance: Chance, now: float
    ) -> Switch | None:
        good = [s for s in ranked if s.usable and not (s.degraded or s.suppressed)]
        better = next((s for s in good if s.rank < current.rank), None)
        if better is None:
            self._forget_failback()
            return None
        earliest = better.up_since + policy.failback_after
        if better.place != self.failback_to or self.failback_at < earliest:
            self.failback_to = better.place
            self.failback_at = max(earliest, now) + chance.random() * policy.failback_spread
        if now < self.failback_at:
            return None
        return self._spend(
            better.place, f"{better.place} has been proven for {now - better.up_since:.0f} s", policy, now
        )

    # --- accounts

    def _spend(self, place: Place, reason: str, policy: FailoverPolicy, now: float) -> Switch | None:
        if self.tokens < 1:
            self.retry_at = self.refilled_at + policy.switch_refill
            self.suppressed = f"{policy.switches} switches in a short time are enough"
            return None
        self.tokens -= 1
        return self._move(place, reason, now, voluntary=True)

    def _move(self, place: Place, reason: str, now: float, *, voluntary: bool) -> Switch:
        switch = Switch(self.active, place, reason)
        self.left = self.active
        self.active = place
        self.since = now
        self.reason = reason
        self.switches += int(voluntary)
        self.degraded_since = NEVER
        self._forget_failback()
        return switch

    def _forget_failback(self) -> None:
        self.failback_at = NEVER
        self.failback_to = None

    def _refill(self, policy: FailoverPolicy, now: float) -> None:
        full = float(policy.switches)
        while self.tokens < full and now >= self.refilled_at + policy.switch_refill:
            self.tokens += 1
            self.refilled_at += policy.switch_refill
        if self.tokens >= full:
            self.tokens = full
            self.refilled_at = now
