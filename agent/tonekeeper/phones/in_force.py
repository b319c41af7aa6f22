"""What a phone's behaviour comes to with these settings: the times and rules that are in force."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tonekeeper.phones.behaviour import Backoff, Count, NoRetry, Reaction, Refresh, Shape, Then, Timeout, Wait
from tonekeeper.phones.native import Value, default_value
from tonekeeper.phones.parameter import Capability, Meaning
from tonekeeper.phones.profile import Profile
from tonekeeper.phones.transactions import T1, T2, overdue_after, sends_within

_SHARE = Capability.REGISTRATION_REFRESH_PERCENT
_AS_IF_UNSET = (None, "", "off", Meaning.OFF, Meaning.BUILT_IN, Meaning.INHERITED)


@dataclass(frozen=True, slots=True)
class InForce:
    """`values` over the factory settings of `profile`. None, here and below: nobody knows."""

    profile: Profile
    values: Mapping[Capability, Value]
    firmware: str = ""
    _looked_up: dict[Capability, Value | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    """A forecast asks a million times."""

    def value(self, capability: Capability) -> Value | None:
        if capability not in self._looked_up:
            self._looked_up[capability] = self._value(capability)
        return self._looked_up[capability]

    def _value(self, capability: Capability) -> Value | None:
        if capability in self.values:
            return self.values[capability]
        parameter = self.profile.setting(capability, self.firmware)
        return default_value(parameter) if parameter is not None else None

    def seconds(self, wait: Wait | Count | None) -> float | None:
        """Infinite for what never comes."""
        if not isinstance(wait, Capability):
            return wait
        value = self.value(wait)
        if value is Meaning.NEVER:
            return math.inf
        if value is Meaning.SIXTY_FOUR_T1:
            return 64 * self.t1
        return float(value) if isinstance(value, float | int) else None

    @property
    def t1(self) -> float:
        return self.seconds(Capability.TIMER_T1) or T1

    @property
    def t2(self) -> float:
        return self.seconds(Capability.TIMER_T2) or T2

    @property
    def give_up_s(self) -> float | None:
        """When a REGISTER at a silent server that is not the last one is given up."""
        return self._given_up(self.profile.behaviour.timeout)

    @property
    def last_give_up_s(self) -> float | None:
        last = self.profile.behaviour.last_timeout
        return self.give_up_s if last is None else self._given_up(last)

    @property
    def call_give_up_s(self) -> float | None:
        return self._given_up(self.profile.behaviour.calls.timeout)

    def sends_before(self, give_up: float) -> int:
        return sends_within(give_up, self.t1, self.t2)

    @property
    def refresh_share(self) -> tuple[float, float] | None:
        """Of the expiry: the earliest and the latest moment of a refresh. None where a margin or nothing decides."""
        refresh = self.profile.behaviour.refresh
        rule, to = (refresh.percent, refresh.to) if isinstance(refresh, Refresh) else (_SHARE, None)
        percent = self.seconds(rule)
        if percent is None:
            return None
        return percent / 100, (percent if to is None else to) / 100

    @property
    def margin_s(self) -> float | None:
        """How long before the end of the expiry it is renewed, where that is the rule."""
        refresh = self.profile.behaviour.refresh
        return self.seconds(refresh.margin if isinstance(refresh, Refresh) else Capability.REGISTRATION_REFRESH_MARGIN)

    def refresh_s(self, expiry: float) -> tuple[float, float]:
        """Earliest and latest refresh; from half the expiry to its end where nobody knows."""
        if (share := self.refresh_share) is not None:
            return expiry * share[0], expiry * share[1]
        refresh = self.profile.behaviour.refresh
        margin = self.margin_s
        if margin is None:
            return expiry / 2, expiry
        half_below = refresh.half_below if isinstance(refresh, Refresh) and refresh.half_below else margin
        at = expiry / 2 if expiry <= half_below else max(1.0, expiry - margin)
        return at, at

    @property
    def after_silence(self) -> Backoff | NoRetry | None:
        """The rule for the wait when no server has answered."""
        reaction = self.profile.behaviour.failures.no_answer
        if not isinstance(reaction, Reaction) or reaction.retry is NoRetry.UNKNOWN:
            return None
        for other in self.profile.behaviour.backoff_if:
            if self.value(other.set) not in _AS_IF_UNSET:
                return other.retry
        return reaction.retry

    @property
    def tries_next_server(self) -> bool:
        reaction = self.profile.behaviour.failures.no_answer
        return isinstance(reaction, Reaction) and reaction.then is Then.NEXT_SERVER

    def wait_s(self, rule: Backoff, failures: int) -> tuple[float, float] | None:
        """Shortest and longest wait after so many rounds of failures; infinite where it stops."""
        if isinstance(whole := self.value(Capability.REGISTRATION_BACKOFF), Mapping):
            low, high, most = (float(whole[place]) for place in ("low", "high", "most"))
            grown = 2 ** min(failures - 1, 40)
            return min(low * grown, most), min(high * grown, most)
        attempts = self.seconds(rule.attempts)
        if attempts is not None and failures > attempts:
            return math.inf, math.inf
        first = self.seconds(rule.at_once if failures == 1 and rule.at_once is not None else rule.first)
        if first is None:
            return None
        grown_s = first * _growth(rule.shape, failures) if rule.at_once is None or failures > 1 else first
        most_s = self.seconds(rule.most)
        wait = grown_s if most_s is None else min(grown_s, most_s)
        return wait * rule.spread[0], wait * rule.spread[1] + (self.seconds(rule.plus) or 0.0)

    @property
    def jitter(self) -> bool | None:
        """Whether chance has a part in the wait after silence."""
        rule = self.after_silence
        if not isinstance(rule, Backoff):
            return None
        wait = self.wait_s(rule, 1)
        return None if wait is None else wait[1] > wait[0]

    def _given_up(self, timeout: object) -> float | None:
        if not isinstance(timeout, Timeout):
            return None
        if timeout.after is not None:
            return self.seconds(timeout.after)
        if timeout.times_t1 is not None:
            return timeout.times_t1 * self.t1
        sends = self.seconds(timeout.sends)
        if timeout.retries is not None and (retries := self.seconds(timeout.retries)) is not None:
            sends = retries + 1
        if sends is None or math.isinf(sends):
            return None
        spacing = self.value(Capability.REQUEST_SPACING)
        if isinstance(spacing, float | int) and not isinstance(spacing, bool):
            return sends * spacing
        return overdue_after(int(sends), self.t1, self.t2)


def _growth(shape: Shape, failures: int) -> float:
    n = min(failures, 40)
    return {Shape.FIXED: 1.0, Shape.LINEAR: n, Shape.DOUBLING: 2.0 ** (n - 1), Shape.RFC5626: 2.0**n}[shape]
