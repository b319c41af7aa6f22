"""What a history means for the people at the phone: when a call gets out, when one gets in, and what they hear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.phones.behaviour import CallsGo, Then
from tonekeeper.phones.conditions import Server
from tonekeeper.phones.incident import Failure, Incident
from tonekeeper.phones.phone_machine import Step, What
from tonekeeper.phones.reactions import Reactions


class Sound(StrEnum):
    """How a call that somebody dials ends."""

    RINGING = "ringing"
    FAST_BUSY = "fast-busy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Dialled:
    """`silence_s`: between dialling and that sound."""

    silence_s: float
    sound: Sound


class Reachability:
    """One phone's history, looked at from outside. `expires_s`: when the registration from before ends."""

    def __init__(
        self,
        reactions: Reactions,
        servers: Sequence[Server],
        incident: Incident,
        steps: Sequence[Step],
        expires_s: float,
    ) -> None:
        self._reactions = reactions
        self._servers = servers
        self._incident = incident
        self._steps = steps
        self._expires_s = expires_s

    def dialled(self, at: float) -> Dialled:
        """What somebody hears who dials at this moment."""
        go = self._reactions.calls_go
        if self._incident.voids_registrations:
            self._reactions.notes.assume("the server takes a call from an address where nobody has registered yet")
        if go is CallsGo.UNKNOWN:
            return Dialled(0.0, Sound.RINGING if self._all_is_well(at) else Sound.UNKNOWN)
        order = self._order(at, go)
        now = at
        for tried, server in enumerate(order):
            failure = self._broken(server, now)
            if failure is None:
                return Dialled(now - at, Sound.RINGING)
            now += self._reactions.call_takes_s(failure)
            then = self._reactions.call_then(failure)
            if tried + 1 < len(order) and then is Then.UNKNOWN and go is not CallsGo.WITH_REGISTRATION:
                return Dialled(now - at, Sound.UNKNOWN)
            if then is not Then.NEXT_SERVER or not self._reactions.may_move:
                break
        return Dialled(now - at, Sound.FAST_BUSY)

    def outgoing_s(self) -> float | None:
        """When somebody who dials at once, and again whenever it fails, hears it ring. None: nobody knows."""
        first = math.inf
        for at in self.moments():
            if at >= first:
                break
            call = self.dialled(at)
            if call.sound is Sound.UNKNOWN:
                return None
            if call.sound is Sound.RINGING:
                first = min(first, at + call.silence_s)
        return first

    def registered_s(self) -> float:
        """When a server that works has its address."""
        if self._is_held_elsewhere:
            return 0.0
        return next((step.at for step in self._steps if step.what is What.REGISTERED), math.inf)

    def incoming_s(self) -> float:
        """From when on calls get in again; 0 where they never failed to."""
        registered = self.registered_s()
        if self._incident.keeps_registrations and registered <= self._expires_s:
            return 0.0
        return registered

    def gets_in(self, at: float) -> bool:
        if self._incident.keeps_registrations and at < self._expires_s:
            return True
        return at >= self.registered_s()

    def moments(self) -> list[float]:
        """When anything may change."""
        mended = [self._incident.lasts_s] if math.isfinite(self._incident.lasts_s) else []
        return sorted({0.0, *mended, *(step.at for step in self._steps)})

    @property
    def _is_held_elsewhere(self) -> bool:
        """Registered all the time with another server that works."""
        if not self._reactions.holds_all or self._incident.voids_registrations:
            return False
        held = any(self._broken(server, 0.0) is None for server in range(len(self._servers)))
        if held:
            self._reactions.notes.assume("calls come in over any server that it is registered with")
        return held

    def _all_is_well(self, at: float) -> bool:
        return all(self._broken(server, at) is None for server in range(len(self._servers)))

    def _order(self, at: float, go: CallsGo) -> list[int]:
        """The servers that a call tries, those that are passed over last of all."""
        everyone = list(range(len(self._servers)))
        if go is not CallsGo.WITH_REGISTRATION:
            passed_over = [server for server in everyone if self._is_held(server, at)]
        elif self._reactions.holds_all:
            passed_over = [server for server in everyone if self._has_failed(server, at)]
        else:
            first = self._registered_with(at)
            passed_over = everyone[:first]
        return [server for server in everyone if server not in passed_over] + passed_over

    def _registered_with(self, at: float) -> int:
        done = [step.server for step in self._steps if step.what is What.REGISTERED and step.at <= at]
        return done[-1] if done else 0

    def _has_failed(self, server: int, at: float) -> bool:
        told = (What.FAILED, What.REGISTERED)
        seen = [step.what for step in self._steps if step.server == server and step.what in told and step.at <= at]
        return seen[-1:] == [What.FAILED]

    def _is_held(self, server: int, at: float) -> bool:
        """Whether it has failed in a way that makes the phone pass it over for a while."""
        hold = self._reactions.hold_s
        return hold is not None and any(
            step.server == server and step.at <= at < step.at + hold and self._is_left(step) for step in self._steps
        )

    def _is_left(self, step: Step) -> bool:
        return step.failure is not None and self._reactions.then_after(step.failure) is Then.NEXT_SERVER

    def _broken(self, server: int, at: float) -> Failure | None:
        if at >= self._incident.lasts_s:
            return None
        return self._incident.breaks(server, self._servers, self._reactions.transport)
