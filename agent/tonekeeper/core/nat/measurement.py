"""One measurement of one NAT, from the first socket to the result.

    reach  ->  behaviour, SIP ALG, lifetimes (and, as soon as control has found a way, those of TCP)  ->  Finished

The first `DeadlineReached` begins it. Every part ends by itself; what a part could not find has a reason. A change of
the WAN ends everything at once, and so do the limits: nothing of different NATs is mixed, nothing is spent twice.
"""

from __future__ import annotations

from math import ceil, floor
from typing import assert_never

from tonekeeper.core.instants import NEVER
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.nat.alg import AlgCheck, SipQuestions
from tonekeeper.core.nat.attempt import Attempt, Limits
from tonekeeper.core.nat.behaviour import Behaviour
from tonekeeper.core.nat.control import Control
from tonekeeper.core.nat.lifetime import Lifetimes
from tonekeeper.core.nat.messages import (
    Command,
    ConnectionEnded,
    Event,
    GarbageReceived,
    IcmpReceived,
    SendRefused,
    SipReceived,
    SipSent,
    SocketOpened,
    SocketRefused,
    StunReceived,
    WanChanged,
)
from tonekeeper.core.nat.reach import Reach
from tonekeeper.core.nat.result import NOT_CHECKED, BindingKind, Interval, NatResult, Progress, SipAlg
from tonekeeper.core.nat.result import Lifetimes as LifetimeResult
from tonekeeper.wire.endpoint import Endpoint

ALL_KINDS = tuple(BindingKind)
SPARE = 30.0
"""Seconds beyond 1.2 times the longest idle time, after which it is over whatever happens."""
METERED = "the WAN is metered: a measurement takes up to {octets:,} octets; ask for it explicitly"


class Measurement:
    """`handle(event, now)` and `next_deadline()`; `now` is monotonic seconds.

    `refused`: a reason not to measure at all (`METERED`), empty to go ahead.
    """

    def __init__(
        self,
        wan: str,
        server: Endpoint,
        *,
        started: float,
        limits: Limits | None = None,
        kinds: tuple[BindingKind, ...] = ALL_KINDS,
        sip: SipQuestions | None = None,
        refused: str = "",
    ) -> None:
        self.wan = wan
        self.attempt = Attempt(server, limits or Limits(), started)
        self._refused = refused
        self._kinds = kinds
        self._reach = Reach(self.attempt)
        self._behaviour = Behaviour(self.attempt)
        self._alg = AlgCheck(self.attempt, sip or SipQuestions())
        self._control = Control(self.attempt)
        self._lifetimes: Lifetimes | None = None
        self._has_begun = False
        self._has_reached = False
        self._is_over = False

    # --- the contract

    def handle(self, event: Event, now: float) -> list[Command]:
        if self._is_over:
            return []
        if isinstance(event, WanChanged):
            return self._end(now, abandoned=f"the WAN changed: {event.reason}")
        if self._refused:
            return self._end(now, unfinished=self._refused)
        return self._tell(event, now) + self._go_on(now)

    def next_deadline(self) -> float | None:
        if self._is_over:
            return None
        if not self._has_begun:
            return self.attempt.started
        return min(self._next_of_parts(), self._at_most)

    @property
    def _at_most(self) -> float:
        limits = self.attempt.limits
        return self.attempt.started + 1.2 * max(limits.longest, limits.longest_tcp) + SPARE

    def _next_of_parts(self) -> float:
        lifetimes = self._lifetimes.next_deadline() if self._lifetimes is not None else NEVER
        parts = (self._reach, self._behaviour, self._alg, self._control)
        return min(lifetimes, *(part.next_deadline() for part in parts))

    def progress(self, now: float) -> Progress:
        return Progress(
            waiting_for=self._waiting_for(),
            elapsed_s=now - self.attempt.started,
            at_most_s=self._at_most - self.attempt.started,
            lifetime_s=self._lifetime_result(),
            trials=self._lifetimes.trials if self._lifetimes is not None else (),
        )

    def _waiting_for(self) -> str:
        if self._reach.no_server:
            return "answers over SIP"
        if not self._has_reached:
            return f"an answer from {self.attempt.server}"
        if self._lifetimes is not None and not self._lifetimes.is_over:
            return "the first idle binding that is gone"
        return "answers that the NAT may hold back"

    # --- telling the parts

    def _tell(self, event: Event, now: float) -> list[Command]:
        match event:
            case DeadlineReached():
                return self._on_deadline(event.token, now)
            case SocketOpened():
                return self._opened(event, now)
            case SocketRefused():
                return self._refuse(event, now)
            case StunReceived():
                return self._hear(event, now)
            case SipReceived():
                return self._alg.hear(event)
            case SipSent():
                self._alg.sent(event)
            case ConnectionEnded():
                return self._ended(event, now)
            case SendRefused():
                self.attempt.refusal = event.reason
            case IcmpReceived():
                self._reach.hear_icmp(event.socket, f"ICMP {event.type}/{event.code} from {event.offender}")
            case GarbageReceived():
                return self._disturb(event.socket, now)
            case WanChanged():
                pass
            case _:
                assert_never(event)
        return []

    def _on_deadline(self, token: str, now: float) -> list[Command]:
        if not self._has_begun:
            self._has_begun = True
            return self._reach.begin()
        if now >= self._at_most:
            return self._end(now, unfinished="it took too long")
        due = self._next_of_parts()
        if due > now:
            return []
        if due == self._reach.next_deadline():
            return self._reach.on_deadline(token, now)
        if self._lifetimes is not None and due == self._lifetimes.next_deadline():
            return self._lifetimes.on_deadline(token, now)
        if due == self._behaviour.next_deadline():
            return self._behaviour.on_deadline(token, now)
        if due == self._control.next_deadline():
            return self._control.on_deadline(token, now)
        return self._alg.on_deadline(token, now)

    def _opened(self, event: SocketOpened, now: float) -> list[Command]:
        if event.socket not in self.attempt.open:
            return []
        self.attempt.open[event.socket] = event.local
        if event.socket in (self._reach.listener, self._reach.asker):
            self._reach.opened(event.socket, event.local)
            return []
        if event.socket == self._control.socket:
            self._control.opened(now)
            return []
        self._behaviour.opened(event.socket, event.local, now)
        self._alg.opened(event.socket, event.local, now)
        return self._lifetimes.opened(event.socket, now) if self._lifetimes is not None else []

    def _refuse(self, event: SocketRefused, now: float) -> list[Command]:
        if event.socket not in self.attempt.open:
            return []
        del self.attempt.open[event.socket]
        self.attempt.refusal = event.reason
        if event.socket in (self._reach.listener, self._reach.asker):
            self._reach.refused(event.reason)
            return []
        if event.socket == self._control.socket:
            self._control.refused(event.reason)
            return []
        commands = self._behaviour.refused(event.socket, event.reason) + self._alg.refused(event.socket, event.reason)
        if self._lifetimes is not None:
            commands += self._lifetimes.refused(event.socket, event.reason, now)
        return commands

    def _hear(self, event: StunReceived, now: float) -> list[Command]:
        if self._reach.hear(event.socket, event.source, event.message, now):
            return []
        if self._control.hear(event.socket, event.source, event.message, now):
            return []
        commands = self._behaviour.hear(event.socket, event.source, event.message, now)
        if self._lifetimes is not None:
            commands += self._lifetimes.hear(event.socket, event.source, event.message, now)
        return commands

    def _ended(self, event: ConnectionEnded, now: float) -> list[Command]:
        if event.socket == self._control.socket:
            self._control.ended(event.reason)
        return self._lifetimes.ended(event.socket, event.reason, now) if self._lifetimes is not None else []

    def _disturb(self, socket: int, now: float) -> list[Command]:
        return self._lifetimes.disturb(socket, now) if self._lifetimes is not None else []

    # --- from one part to the next

    def _go_on(self, now: float) -> list[Command]:
        if self._is_over:
            return []
        if self.attempt.is_spent:
            return self._end(now, unfinished="its budget of packets is spent")
        if self._reach.no_server:
            return self._go_on_without_stun(now)
        commands: list[Command] = []
        if self._reach.is_reached and not self._has_reached:
            self._has_reached = True
            commands += self._behaviour.begin() + self._alg.begin()
        if self._reach.no_redirect == "" and self._lifetimes is None:
            reach = self._reach
            self._lifetimes = Lifetimes(self.attempt, reach.listener, reach.asker, self._kinds, now)
        if self._lifetimes is not None and BindingKind.TCP in self._kinds:
            commands += self._go_on_with_tcp(self._lifetimes)
        if self._has_finished():
            commands += self._end(now)
        return commands

    def _go_on_without_stun(self, now: float) -> list[Command]:
        """SIP may well get through, and has something to say by itself."""
        commands: list[Command] = []
        if not self._has_reached:
            self._has_reached = True
            commands += self._alg.begin()
        return commands + self._end(now, unfinished=self._reach.no_server) if self._alg.is_over else commands

    def _go_on_with_tcp(self, lifetimes: Lifetimes) -> list[Command]:
        if not self._control.socket:
            return self._control.begin(self._reach.asker) if self.attempt.may_open else []
        if self._control.refusal:
            return self.attempt.close_socket(self._control.socket)
        if self._control.refusal == "" and BindingKind.TCP not in lifetimes.searches:
            lifetimes.add_connections(self._control.socket)
        return []

    def _has_finished(self) -> bool:
        parts_are_over = self._has_reached and self._behaviour.is_over and self._alg.is_over
        if self._lifetimes is None:
            return parts_are_over and bool(self._reach.no_redirect)
        knows_of_tcp = self._control.is_over or BindingKind.TCP not in self._kinds
        return parts_are_over and self._lifetimes.is_over and knows_of_tcp

    # --- the end

    def _end(self, now: float, *, unfinished: str = "", abandoned: str = "") -> list[Command]:
        """`unfinished`: what is not known yet stays so for this reason. `abandoned`: nothing is known."""
        commands = self._behaviour.give_up(unfinished) + self._alg.give_up()
        if self._lifetimes is not None:
            commands += self._lifetimes.give_up(unfinished, now)
        self._is_over = True
        for socket in tuple(self.attempt.open):
            commands += self.attempt.close_socket(socket)
        result = self._nothing(now, abandoned) if abandoned else self._result(now, unfinished)
        return [*commands, Finished(result)]

    def _nothing(self, now: float, reason: str) -> NatResult:
        parts = ("mapping", "filtering", *self._kinds, "sip_alg")
        return NatResult(
            wan=self.wan,
            mapping=NOT_CHECKED,
            filtering=NOT_CHECKED,
            mapped_address="",
            local_address="",
            lifetime_s=LifetimeResult(),
            sip_alg=SipAlg.NOT_CHECKED,
            elapsed_s=round(now - self.attempt.started, 3),
            server=str(self.attempt.server),
            reasons=dict.fromkeys(parts, reason),
            packets_sent=self.attempt.packets,
            bytes_sent=self.attempt.octets,
            sockets=self.attempt.most_open,
            abandoned=True,
        )

    def _result(self, now: float, unfinished: str) -> NatResult:
        attempt, local = self.attempt, self._reach.local
        return NatResult(
            wan=self.wan,
            mapping=self._behaviour.mapping,
            filtering=self._behaviour.filtering,
            mapped_address=str(attempt.mapped) if attempt.mapped is not None else "",
            local_address=str(local) if local is not None else "",
            lifetime_s=self._lifetime_result(),
            sip_alg=self._alg.verdict,
            elapsed_s=round(now - attempt.started, 3),
            server=str(attempt.server),
            reasons=self._reasons(unfinished),
            evidence=self._alg.evidence,
            trials=self._lifetimes.trials if self._lifetimes is not None else (),
            packets_sent=attempt.packets,
            bytes_sent=attempt.octets,
            sockets=attempt.most_open,
        )

    def _lifetime_result(self) -> LifetimeResult:
        searches = self._lifetimes.searches if self._lifetimes is not None else {}
        found = {kind.value: _outwards(search.found) for kind, search in searches.items() if search.found is not None}
        return LifetimeResult(**found)

    def _reasons(self, unfinished: str) -> dict[str, str]:
        reasons = {part: reason or unfinished for part, reason in self._behaviour.reasons.items()}
        if self._lifetimes is None:
            reason = self._reach.no_redirect or unfinished
            reasons |= {kind.value: reason for kind in self._kinds}
        else:
            searches = self._lifetimes.searches
            reasons |= {kind.value: search.reason for kind, search in searches.items() if search.found is None}
            if BindingKind.TCP in self._kinds and BindingKind.TCP not in searches:
                reasons[BindingKind.TCP.value] = self._control.refusal or unfinished
        if self._alg.verdict is SipAlg.NOT_CHECKED:
            reasons["sip_alg"] = self._refused or self._alg.reason
        return reasons


def _outwards(interval: Interval) -> Interval:
    """In whole milliseconds, none of which makes the interval narrower."""
    low, high = interval
    return floor(low * 1000) / 1000, None if high is None else ceil(high * 1000) / 1000
