"""How one model with one set of settings reacts: its behaviour, with what the settings change in it applied.

What other settings change follows from their capability (docs/profiles.md, "Behaviour"). What nobody knows stays
unknown, except where a bound is certain or a standard gives one: that is taken, and written down under `assumed`.
What a profile marks as weak is written down where it was leaned on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tonekeeper.phones.behaviour import (
    Backoff,
    CallsGo,
    FailbackWhen,
    NoRetry,
    Probe,
    Reaction,
    Refresh,
    Registers,
    Requirement,
    RetryAfter,
    StartsOver,
    Then,
)
from tonekeeper.phones.conditions import Server
from tonekeeper.phones.draws import Draws
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.incident import Failure, Incident
from tonekeeper.phones.parameter import Capability, Meaning
from tonekeeper.phones.record import Confidence, Unknown
from tonekeeper.phones.transactions import overdue_after

ANSWER_S = 0.05
"""A request and its answer: too short to matter, and never nothing."""

_UNSET = (None, "", "none", "off", Meaning.OFF, Meaning.BUILT_IN, Meaning.INHERITED)
_FILLED_IN = frozenset(
    {
        Capability.SERVER_PRIMARY,
        Capability.SERVER_SECONDARY,
        Capability.SERVER_TERTIARY,
        Capability.REGISTRAR_PRIMARY,
        Capability.REGISTRAR_SECONDARY,
        Capability.OUTBOUND_PROXY_PRIMARY,
        Capability.OUTBOUND_PROXY_SECONDARY,
        Capability.SERVER_LIST,
        Capability.BACKUP_ACCOUNT,
    }
)
"""What a behaviour supposes to be filled in with the servers there are."""


class Answer(StrEnum):
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ending:
    """Nothing more happens, or nobody knows what."""

    answer: Answer
    text: str


@dataclass(slots=True)
class Notes:
    """What a forecast leans on, each once, in the order of its use."""

    assumed: list[str] = field(default_factory=list)
    weak: list[str] = field(default_factory=list)

    def assume(self, text: str) -> None:
        if text not in self.assumed:
            self.assumed.append(text)

    def lean(self, on: str, confidence: Confidence) -> None:
        if confidence is Confidence.WEAK and on not in self.weak:
            self.weak.append(on)


class Reactions:
    """`granted_s`: the expiry that the registrar grants, where it is not the one asked for."""

    def __init__(
        self, in_force: InForce, servers: Sequence[Server], incident: Incident, *, granted_s: float | None = None
    ) -> None:
        self._in_force = in_force
        self._behaviour = in_force.profile.behaviour
        self._servers = servers
        self._incident = incident
        self.notes = Notes()
        self.expiry_s = self._expiry(granted_s)
        self.transport = self._transport()
        self.may_move = self._may_move() is True
        self.holds_all = self._holds_all()

    # What it is registered with, and for how long.

    def _expiry(self, granted_s: float | None) -> float | None:
        value = self._in_force.value(Capability.REGISTRATION_EXPIRY)
        asked = float(value) if isinstance(value, float | int) and value > 0 else None
        if granted_s is None or asked is None:
            return granted_s if asked is None else asked
        return min(asked, granted_s)

    def refresh_s(self, chance: Draws) -> float:
        """From a registration to its renewal."""
        expiry = self.expiry_s
        assert expiry is not None
        refresh = self._behaviour.refresh
        low, high = self._in_force.refresh_s(expiry)
        if isinstance(refresh, Refresh):
            self.notes.lean("when it renews its registration", refresh.confidence)
        if not isinstance(refresh, Refresh) or (low < high and self._in_force.refresh_share is None):
            self.notes.assume("when it renews its registration is not known: between half the expiry and its end")
        return max(1.0, low + (high - low) * chance.random())

    def _transport(self) -> str:
        stated = self._servers[0].transport if self._servers else ""
        value = self._in_force.value(Capability.TRANSPORT)
        if stated or (isinstance(value, str) and value in ("udp", "tcp", "tls", "tcp-preferred")):
            return stated or str(value)
        self.notes.assume("it speaks UDP")
        return "udp"

    def _holds_all(self) -> bool:
        """Registered with every server at the same time."""
        if len(self._servers) < 2 or not self.may_move:
            return False
        mode = self._in_force.value(Capability.FAILOVER_MODE)
        if mode in ("concurrent", "successive"):
            return mode == "concurrent"
        if self._in_force.value(Capability.SECOND_REGISTRATION) in ("on", "off"):
            return self._in_force.value(Capability.SECOND_REGISTRATION) == "on"
        if self._behaviour.registers is Registers.UNKNOWN:
            self.notes.assume("whether it registers with all servers at once is not known: with one at a time")
        return self._behaviour.registers is Registers.ALL_AT_ONCE

    # Whether it can move.

    @property
    def cannot_tell_whether_it_moves(self) -> bool:
        return len(self._servers) > 1 and self._may_move() is None

    @property
    def lacking(self) -> tuple[str, ...]:
        """The settings without which it stays where it is, as they would have to be."""
        if len(self._servers) < 2:
            return ()
        lacking = [need for need in self._behaviour.failover.needs if self._meets(need) is False]
        return tuple(f"{need.capability} = {need.value or 'something'}" for need in lacking)

    def _may_move(self) -> bool | None:
        failover = self._behaviour.failover
        if len(self._servers) < 2:
            return False
        met = [self._meets(need) for need in failover.needs]
        if False in met:
            return False
        self.notes.lean("whether it can fail over", failover.confidence)
        if failover.possible is False:
            return False
        return None if failover.possible is Unknown.UNKNOWN or None in met else True

    def _meets(self, need: Requirement) -> bool | None:
        if need.capability in _FILLED_IN and need.capability not in self._in_force.values:
            return True
        value = self._in_force.value(need.capability)
        if need.value:
            return None if value is None else value == need.value
        parameter = self._in_force.profile.setting(need.capability, self._in_force.firmware)
        known = parameter is not None and (parameter.default_is_known or need.capability in self._in_force.values)
        return value not in _UNSET if known else None

    # What it notices, and how soon.

    @property
    def tells_lost_link(self) -> bool:
        """Whether a connection that ends makes it register at once: a reaction with a first wait of its own."""
        reaction = self._behaviour.failures.tcp_reset
        if not isinstance(reaction, Reaction) or not isinstance(reaction.retry, Backoff):
            return False
        return reaction.retry.at_once is not None and self._incident.breaks_links(self.transport)

    def probe_lost_s(self, chance: Draws) -> float | None:
        """When its own probes have told it that its server is silent; None where it sends none."""
        probe = self._behaviour.probe
        if not isinstance(probe, Probe):
            if probe is Unknown.UNKNOWN:
                self.notes.assume("whether it probes its server is not known: it does not")
            return None
        if self._in_force.value(probe.switch) in _UNSET:
            return None
        interval, losses = self._in_force.seconds(probe.interval), self._in_force.seconds(probe.losses)
        if interval is None or losses is None or not 0 < interval < math.inf or not 0 < losses < math.inf:
            return None
        self.notes.lean("its probes", probe.confidence)
        timeout = self._in_force.seconds(Capability.PROBE_TIMEOUT)
        if timeout is None:
            timeout = min(interval, self.give_up_s)
            self.notes.assume(f"a probe is given up after {timeout:g} s")
        return interval * chance.random() + (losses - 1) * interval + timeout

    # How long a request takes.

    @property
    def give_up_s(self) -> float:
        return self._bounded(self._in_force.give_up_s, "a REGISTER")

    def call_takes_s(self, failure: Failure) -> float:
        """Until an INVITE is given up at one server."""
        if failure is Failure.NO_ANSWER or self._is_unheard(failure):
            return self._bounded(self._in_force.call_give_up_s, "an INVITE")
        return 0.0

    def takes_s(self, failure: Failure, *, is_last: bool) -> float:
        if failure is not Failure.NO_ANSWER and not self._is_unheard(failure):
            return ANSWER_S
        return self._bounded(self._in_force.last_give_up_s, "a REGISTER") if is_last else self.give_up_s

    def _is_unheard(self, failure: Failure) -> bool:
        reaction = getattr(self._behaviour.failures, failure.replace("-", "_"))
        return isinstance(reaction, Reaction) and reaction.unheard

    def sent_again_s(self, sent_at: float, after: float) -> float:
        """The first copy of a request sent at `sent_at` that leaves after `after`."""
        copies, t1, t2 = 1, self._in_force.t1, self._in_force.t2
        while (again := sent_at + overdue_after(copies, t1, t2)) < after and copies < 64:
            copies += 1
        return again

    def _bounded(self, known: float | None, what: str) -> float:
        if known is not None and not math.isinf(known):
            return max(ANSWER_S, known)
        bound = 64 * self._in_force.t1
        self.notes.assume(f"when it gives {what} up is not known: after {bound:g} s at most (RFC 3261, 64*T1)")
        return bound

    # What follows a failure.

    @property
    def hold_s(self) -> float | None:
        own = self._in_force.seconds(Capability.DEAD_SERVER_HOLD)
        return own if own is not None else self._in_force.seconds(self._behaviour.dead_server_hold)

    @property
    def starts_over(self) -> StartsOver:
        return self._behaviour.starts_over

    @property
    def failback(self) -> FailbackWhen:
        word = self._in_force.value(Capability.FAILBACK_MODE)
        if isinstance(word, str) and word in tuple(FailbackWhen):
            return FailbackWhen(word)
        return self._behaviour.failback.when

    @property
    def failback_after_s(self) -> float | None:
        own = self._in_force.seconds(Capability.FAILBACK_INTERVAL)
        after = own if own is not None else self._in_force.seconds(self._behaviour.failback.after)
        return None if after is None or math.isinf(after) else max(1.0, after)

    def then_after(self, failure: Failure) -> Then | Ending:
        reaction = self._reaction(failure)
        if isinstance(reaction, Ending):
            return reaction
        if failure.code and self._leaves_on(failure.code):
            return Then.NEXT_SERVER
        match reaction.then:
            case Then.STOP:
                return Ending(Answer.NEVER, reaction.note)
            case Then.UNKNOWN:
                return Ending(Answer.UNKNOWN, f"where it goes after {_shown(failure)}")
            case Then.NEXT_SERVER if self.cannot_tell_whether_it_moves:
                return Ending(Answer.UNKNOWN, "whether it can fail over")
            case _:
                return reaction.then

    def wait_s(self, failure: Failure, failures: int, retry_after_s: float, chance: Draws) -> float | Ending:
        """After so many rounds that failed, this being the kind of the last failure."""
        reaction = self._reaction(failure)
        if isinstance(reaction, Ending):
            return reaction
        if failure is Failure.ANSWER_503_RETRY_AFTER:
            if reaction.retry_after is RetryAfter.OBEYED:
                return retry_after_s
            if reaction.retry_after is RetryAfter.UNKNOWN:
                return Ending(Answer.UNKNOWN, "whether it obeys Retry-After")
        rule = self._rule(reaction)
        match rule:
            case NoRetry.NEVER:
                return Ending(Answer.NEVER, f"it does not try again after {_shown(failure)}")
            case NoRetry.UNKNOWN:
                return Ending(Answer.UNKNOWN, f"how long it waits after {_shown(failure)}")
        wait = self._in_force.wait_s(rule, failures)
        if wait is None:
            return Ending(Answer.UNKNOWN, f"how long it waits after {_shown(failure)}")
        if math.isinf(wait[0]):
            return Ending(Answer.NEVER, f"it has given up after {failures} of them")
        return wait[0] + (wait[1] - wait[0]) * chance.random()

    def _reaction(self, failure: Failure) -> Reaction | Ending:
        reaction: Reaction | Unknown = getattr(self._behaviour.failures, failure.replace("-", "_"))
        if not isinstance(reaction, Reaction):
            return Ending(Answer.UNKNOWN, f"what it does after {_shown(failure)}")
        self.notes.lean(f"what it does after {_shown(failure)}", reaction.confidence)
        return reaction

    def _rule(self, reaction: Reaction) -> Backoff | NoRetry:
        for other in self._behaviour.backoff_if:
            if self._in_force.value(other.set) not in _UNSET:
                self.notes.lean(f"its wait with {other.set}", other.confidence)
                return other.retry
        return reaction.retry

    def _leaves_on(self, code: str) -> bool:
        if self._in_force.value(Capability.FAILOVER_ON_REJECTION) == "on":
            return True
        codes = self._in_force.value(Capability.FAILOVER_CODES)
        return isinstance(codes, str) and re.search(rf"(?<!\d){code}(?!\d)", codes) is not None

    # Calls.

    @property
    def calls_go(self) -> CallsGo:
        if self._in_force.value(Capability.CALLS_FOLLOW_REGISTRATION) == "on":
            return CallsGo.WITH_REGISTRATION
        self.notes.lean("where its calls go", self._behaviour.calls.confidence)
        return self._behaviour.calls.go

    def call_then(self, failure: Failure) -> Then:
        """Where an INVITE goes that has failed at one server."""
        if failure is Failure.ANSWER_403 and not self._leaves_on(failure.code):
            self.notes.assume("a call that is refused with 403 ends there (RFC 3263 section 4.3)")
            return Then.STOP
        if failure is not Failure.NO_ANSWER:
            self.notes.assume("after a call that fails at once it does what it does after one that nobody answers")
        return self._behaviour.calls.then


def _shown(failure: Failure) -> str:
    return {
        Failure.NO_ANSWER: "silence",
        Failure.ICMP_UNREACHABLE: "ICMP unreachable",
        Failure.TCP_RESET: "a TCP reset",
        Failure.ANSWER_403: "403",
        Failure.ANSWER_503: "503",
        Failure.ANSWER_503_RETRY_AFTER: "503 with Retry-After",
        Failure.DNS_FAILURE: "a failed lookup",
    }[failure]
