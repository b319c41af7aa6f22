"""One phone in an incident, played in virtual time: it asks, is not answered, reacts, waits, and asks again.

It is played by whole transactions. The simulation of `drivers/sim` turns the agent's core, datagram by datagram; here
every wait is a number of the profile, and the next thing that happens is always known, so a loop that jumps from one
to the next is the whole driver. Time begins with the incident; chance is handed in.

                  refresh, probe, lost link
    REGISTERED ------------------------------> ASKS --- answered ---> REGISTERED
                                               |  ^
                              next server      |  |  wait is over
                              (ASKS at once)   v  |
                                             WAITS ----> STOPPED (never again), UNCLEAR (nobody knows)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.phones.behaviour import FailbackWhen, StartsOver, Then
from tonekeeper.phones.conditions import Server
from tonekeeper.phones.draws import Draws
from tonekeeper.phones.incident import PRIMARY, Failure, Incident
from tonekeeper.phones.reactions import ANSWER_S, Answer, Ending, Reactions

WINDOW_S = 300.0
"""The first five minutes."""
HORIZON_S = 86400.0
_MOST_ROUNDS = 20
_MOST_STEPS = 4000


class What(StrEnum):
    ASKED = "asked"
    FAILED = "failed"
    REGISTERED = "registered"
    PROBE_LOST = "probe-lost"
    LINK_LOST = "link-lost"
    WAITED = "waited"
    STOPPED = "stopped"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Step:
    """`until`: when a wait ends. `text`: what is not clear."""

    at: float
    what: What
    server: int
    failure: Failure | None = None
    until: float = 0.0
    text: str = ""


class PhoneMachine:
    """`first` is the server it is registered with when it begins, `asks_at` when it would renew that."""

    def __init__(
        self, reactions: Reactions, servers: Sequence[Server], incident: Incident, chance: Draws, *, only: int = -1
    ) -> None:
        self._reactions = reactions
        self._servers = servers
        self._incident = incident
        self._chance = chance
        self._within = (only,) if only >= 0 else tuple(range(len(servers)))
        self._held: dict[int, float] = {}
        self._failures = 0
        self._rounds = 0
        self._has_registered = False
        self._start = self._within[0]
        self.steps: list[Step] = []

    def play(self, asks_at: float) -> list[Step]:
        """From 0 until it is registered again and five minutes are over, or nothing more can happen."""
        following = self._noticed_before(asks_at)
        while following is not None and following <= HORIZON_S and not self._is_over(following):
            following = self._round(following)
        return self.steps

    def _is_over(self, now: float) -> bool:
        hopeless = math.isinf(self._incident.lasts_s) and self._rounds >= _MOST_ROUNDS
        return (
            (self._has_registered and now > WINDOW_S) or (hopeless and now > WINDOW_S) or len(self.steps) > _MOST_STEPS
        )

    def _noticed_before(self, asks_at: float) -> float | None:
        """When it registers first: as it would anyway, or sooner, because a probe or the connection told."""
        home = self._within[0]
        failure = self._broken(home, 0.0)
        if self._reactions.tells_lost_link and home == PRIMARY:
            self._add(0.0, What.LINK_LOST, home)
            return 0.0
        if failure in (Failure.NO_ANSWER, Failure.ICMP_UNREACHABLE, Failure.TCP_RESET):
            lost_at = self._reactions.probe_lost_s(self._chance)
            if lost_at is not None and lost_at < min(asks_at, self._incident.lasts_s):
                self._add(lost_at, What.PROBE_LOST, home)
                return self._after(home, Failure.NO_ANSWER, lost_at, [home])
        return asks_at

    def _round(self, now: float) -> float | None:
        """One walk through the servers; when the next begins, or None."""
        return self._ask(self._first_of_round(now), now, [])

    def _ask(self, server: int, now: float, tried: list[int]) -> float | None:
        tried.append(server)
        self._add(now, What.ASKED, server)
        failure = self._broken(server, now)
        if failure is None:
            return self._registered(server, now + ANSWER_S)
        is_last = not self._reactions.may_move or len(tried) >= len(self._within)
        failed_at = now + self._reactions.takes_s(failure, is_last=is_last)
        if failed_at > self._incident.lasts_s:
            answered_at = self._reactions.sent_again_s(now, self._incident.lasts_s)
            if answered_at < failed_at:
                return self._registered(server, answered_at + ANSWER_S)
        self._add(failed_at, What.FAILED, server, failure)
        return self._after(server, failure, failed_at, tried)

    def _after(self, server: int, failure: Failure, now: float, tried: list[int]) -> float | None:
        then = self._reactions.then_after(failure)
        if isinstance(then, Ending):
            self._end(now, server, then)
            return None
        if then is Then.NEXT_SERVER:
            self._held[server] = now + (self._reactions.hold_s or 0.0)
            following = self._next_server(server, tried, now)
            if following is not None:
                return self._ask(following, now, tried)
        self._rounds += 1
        self._failures += 1
        wait = self._reactions.wait_s(failure, self._failures, self._incident.retry_after_s, self._chance)
        if isinstance(wait, Ending):
            self._end(now, server, wait)
            return None
        stays = then is not Then.NEXT_SERVER or self._reactions.starts_over is StartsOver.SAME_SERVER
        self._start = server if stays else self._within[0]
        self._add(now, What.WAITED, server, until=now + wait)
        return now + wait

    def _registered(self, server: int, now: float) -> float:
        self._failures, self._has_registered = 0, True
        self._held.pop(server, None)
        self._add(now, What.REGISTERED, server)
        self._start = server
        due = now + self._reactions.refresh_s(self._chance)
        if server != self._within[0]:
            match self._reactions.failback:
                case FailbackWhen.EVERY_REQUEST | FailbackWhen.REGISTRATION | FailbackWhen.DNS_TTL:
                    self._start = self._within[0]
                case FailbackWhen.INTERVAL if (after := self._reactions.failback_after_s) is not None:
                    due, self._start = min(due, now + after), self._within[0]
                case _:
                    pass
        return due

    def _first_of_round(self, now: float) -> int:
        if self._is_held(self._start, now):
            free = [each for each in self._within if not self._is_held(each, now)]
            return free[0] if free else self._start
        return self._start

    def _next_server(self, server: int, tried: Sequence[int], now: float) -> int | None:
        if not self._reactions.may_move:
            return None
        at = self._within.index(server)
        for each in (*self._within[at + 1 :], *self._within[:at]):
            if each not in tried and not self._is_held(each, now):
                return each
        return None

    def _is_held(self, server: int, now: float) -> bool:
        return now < self._held.get(server, -1.0)

    def _broken(self, server: int, now: float) -> Failure | None:
        if now >= self._incident.lasts_s:
            return None
        return self._incident.breaks(server, self._servers, self._reactions.transport)

    def _end(self, now: float, server: int, ending: Ending) -> None:
        what = What.UNCLEAR if ending.answer is Answer.UNKNOWN else What.STOPPED
        self._add(now, what, server, text=ending.text)

    def _add(
        self, at: float, what: What, server: int, failure: Failure | None = None, until: float = 0.0, text: str = ""
    ) -> None:
        self.steps.append(Step(at, what, server, failure, until, text))
