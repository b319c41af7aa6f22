"""The numbers that every rule of the tuner leans on, for one model at one site."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tonekeeper.phones.aims import WISHES, Wishes
from tonekeeper.phones.behaviour import Backoff, Reaction, Refresh, Timeout
from tonekeeper.phones.conditions import Aim, Conditions
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.native import Value, default_value, fit
from tonekeeper.phones.parameter import SECONDS, Capability, Parameter
from tonekeeper.phones.profile import Profile
from tonekeeper.phones.record import Confidence
from tonekeeper.phones.storm import affordable
from tonekeeper.phones.transactions import MONTH, T1, overdue_after, retries_for, t1_for

UNMEASURED_LIFETIME_S = 30.0
"""RFC 5626 section 4.4.2: many NATs forget UDP after 30 s, so it keeps alive every 24 to 29 s."""
UNMEASURED_KEEPALIVE_S = {"udp": 24.0, "tcp": 95.0, "tls": 95.0}
"""RFC 5626 section 4.4: the lower ends of its ranges."""
SHORTEST_KEEPALIVE_S = 1.0
ASSUMED_LEAST_EXPIRY_S = 60.0
"""Where nobody said what the registrar accepts."""
GOLDEN = 0.6180339887498949
"""Multiples of it, without their whole part, lie as far apart as they can, however many there are."""
RETRY_RANGE = 0.5
"""The waits of phones without jitter lie between the wait and half as much again."""
EXPIRY_RANGE = 0.1
RAISED_TIMER_B = "timer-b-raised"
"""The quirk of a model that lifts timer B to 64*T1."""


class Advice(NamedTuple):
    """A value for a parameter, in our own units, and one sentence why."""

    value: Value
    why: str
    caution: str = ""


class Stay(NamedTuple):
    """The parameter stays as it is."""

    why: str


@dataclass(frozen=True)
class Draft:
    """The scales stretch waits after a failure, and the time between registrations, until the registrar bears it."""

    profile: Profile
    conditions: Conditions
    aim: Aim
    retry_scale: float = 1.0
    refresh_scale: float = 1.0

    @property
    def wishes(self) -> Wishes:
        return WISHES[self.aim]

    @cached_property
    def untouched(self) -> InForce:
        return InForce(self.profile, {}, self.conditions.firmware)

    def has(self, capability: Capability) -> Parameter | None:
        """The parameter, where it can be relied upon."""
        parameter = self.profile.setting(capability, self.conditions.firmware)
        return parameter if parameter is not None and parameter.confidence is Confidence.FACT else None

    @property
    def has_alternate(self) -> bool:
        return len(self.conditions.servers) > 1

    @cached_property
    def keepalive_s(self) -> float:
        """The longest interval that keeps a binding for sure."""
        lifetime = self.conditions.lifetime_s
        if lifetime is None:
            bound = UNMEASURED_KEEPALIVE_S[self.conditions.transport]
        else:
            bound = self.conditions.safe_fraction * lifetime
        return max(SHORTEST_KEEPALIVE_S, min(bound, self.wishes.keepalive_most_s))

    @property
    def lifetime_told(self) -> str:
        """For a reason."""
        lifetime, kind = self.conditions.lifetime_s, self.conditions.transport.upper()
        if lifetime is None:
            return f"nobody has measured how long an idle {kind} flow lives here (RFC 5626 advises this)"
        bound = self.conditions.safe_fraction * lifetime
        told = f"{self.conditions.safe_fraction:.0%} of the {lifetime:g} s that an idle {kind} flow outlives here"
        most = self.wishes.keepalive_most_s
        return told if bound <= most else f"{told} would be {bound:.0f} s, and {most:g} s is the most (RFC 5626)"

    @cached_property
    def keeps_alive(self) -> bool:
        """Something other than the registration can hold the binding."""
        if self.conditions.transport == "udp":
            return self.has_interval(Capability.KEEPALIVE_INTERVAL) or self.acts_on_probe
        streams = (Capability.CRLF_KEEPALIVE_INTERVAL, Capability.TCP_KEEPALIVE_IDLE, Capability.KEEPALIVE_INTERVAL)
        return any(self.has_interval(each) for each in streams) or self.acts_on_probe

    def has_interval(self, capability: Capability) -> bool:
        """A weak one counts: the phone has it, only its factory setting is in doubt."""
        return self.profile.setting(capability, self.conditions.firmware) is not None

    @property
    def acts_on_probe(self) -> bool:
        probe = self.profile.behaviour.probe
        return probe is not None and not isinstance(probe, str) and self.aim is not Aim.BATTERY

    @cached_property
    def affordable(self) -> float | None:
        """Registrations per second that the registrar takes from these phones on average."""
        rate = self.conditions.registrar_rate
        return None if rate is None else affordable(rate)

    @property
    def least_expiry_s(self) -> float:
        """The shortest that the registrar accepts."""
        stated = self.conditions.min_expiry_s
        return ASSUMED_LEAST_EXPIRY_S if stated is None else stated

    @cached_property
    def refresh_s(self) -> float:
        """How often the registration should be renewed, if the registrar had no say."""
        wished = self.wishes.refresh_s * self.refresh_scale
        return wished if self.keeps_alive or self.refresh_scale > 1 else min(wished, self.keepalive_s)

    @cached_property
    def retries(self) -> int:
        """Repetitions of a request before its server counts as silent."""
        extra = self.wishes.spare_retries + (1 if self.conditions.flapping else 0)
        return retries_for(self.conditions.loss, MONTH / max(self.refresh_s, 1.0)) + extra

    @property
    def t1_decides(self) -> bool:
        """A server is given up after 64*T1, whatever else is set."""
        timeout = self.profile.behaviour.timeout
        by_t1 = isinstance(timeout, Timeout) and timeout.times_t1 is not None
        return by_t1 or any(quirk.code == RAISED_TIMER_B for quirk in self.profile.quirks)

    @property
    def t1_needed(self) -> float | None:
        return t1_for(self.conditions.rtt_s)

    @cached_property
    def t1_wanted(self) -> float:
        """At least what the round trip takes; below the standard only where nothing else gives a silent server up."""
        needed = self.t1_needed
        if needed is None:
            return T1
        lowers = self.t1_decides and self.wishes.gives_up_early and not self.conditions.flapping
        return max(needed, overdue_after(self.retries + 1) / 64) if lowers else max(needed, T1)

    @cached_property
    def t1(self) -> float:
        """What T1 will be."""
        parameter = self.has(Capability.TIMER_T1)
        if parameter is None:
            return T1
        return at_least(parameter, self.t1_wanted)

    @cached_property
    def give_up_s(self) -> float:
        """How long a silent server should be waited for."""
        if self.t1_decides or not self.wishes.gives_up_early:
            return 64 * self.t1
        return overdue_after(self.retries + 1, self.t1)

    @cached_property
    def is_random(self) -> bool:
        """Chance has, or can be given, a part in the wait after silence."""
        if self.has(Capability.REGISTRATION_RETRY_SPREAD) or self.has(Capability.REGISTRATION_BACKOFF):
            return True
        reaction = self.profile.behaviour.failures.no_answer
        rules = [other.retry for other in self.profile.behaviour.backoff_if if self.has(other.set)]
        if isinstance(reaction, Reaction) and isinstance(reaction.retry, Backoff):
            rules.append(reaction.retry)
        return any(rule.spread[0] < rule.spread[1] or isinstance(rule.plus, float | int) for rule in rules)

    @property
    def is_refresh_random(self) -> bool:
        refresh = self.profile.behaviour.refresh
        return isinstance(refresh, Refresh) and refresh.to is not None

    @property
    def retry_s(self) -> float:
        return self.wishes.retry_s * self.retry_scale

    @property
    def others(self) -> tuple[float, float]:
        """The waits of all phones, as multiples of this one's."""
        if self.is_random or self.conditions.phones < 2:
            return 1.0, 1.0
        own = 1 + RETRY_RANGE * self.own_share()
        return 1 / own, (1 + RETRY_RANGE) / own

    def own_share(self) -> float:
        """Where in a range this phone's values lie, 0..1; 0 for a site with one phone."""
        if self.conditions.phones < 2:
            return 0.0
        return ((self.conditions.number - 1) * GOLDEN) % 1.0


def at_least(parameter: Parameter, value: float) -> float:
    """The nearest that the parameter can hold and that is not below `value`; the most it can hold where all are."""
    length = SECONDS.get(parameter.unit, 1.0)
    if parameter.steps:
        above = [step for step in parameter.steps if step * length >= value - 1e-9]
        return fit(parameter, (min(above) if above else max(parameter.steps)) * length)
    fitted = fit(parameter, value)
    for grain in (0.1, 1.0):
        if fitted >= value - 1e-9:
            break
        fitted = fit(parameter, value + grain * length)
    return fitted


def nearest_default(parameter: Parameter) -> float | None:
    """The factory setting as a number; None where it is none, or unknown."""
    value = default_value(parameter)
    return float(value) if isinstance(value, float | int) and math.isfinite(value) else None


def times(seconds: float) -> str:
    """So long, for a sentence."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.4g} s"


Rule = Callable[[Draft, Parameter], Advice | Stay]
"""What to do about one parameter."""
