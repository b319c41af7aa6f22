"""One binding: made, left idle, and asked after its time whether it is still there.

*Making.* An unreplied or replied binding is made by exactly one packet; when that stays unanswered, the socket is
thrown away and the next try gets a fresh one, because nobody knows what the NAT has seen. A stream is made by
exchanges over more than 2 s: Linux takes an answered flow for a stream only when it is older than that.

*Idle.* Anything that arrives meanwhile may have refreshed the binding, and spoils it.

*Asked.* In rounds: the asker asks the server to answer to the binding; from the second round on the listener asks for
itself at the same time. A round counts as silent when the listener heard and the binding did not, so that a line that
is down for a moment proves nothing. One answer heard, however late, proves the binding alive.

*TCP* makes a binding by connecting, and by a question and its answer on the connection; it is asked just the same, only
that a segment that was lost comes again by itself, which takes its time.

What is known of the instants is kept as bounds, so that the interval contains the truth: the NAT saw the last packet
between `sent_at` and `heard_at`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat.plan import IdleTime
from tonekeeper.core.nat.result import BindingKind, Trial

STREAM_AFTER = 2.05
"""Seconds from the first answer to the last question of a stream (Linux: more than 2 s, nf_conntrack_proto_udp)."""
MOST_DOUBLINGS = 4
"""Of the patience from one try to the next, while making."""
EXCHANGE_EVERY = 1.03
"""Seconds between the exchanges that make a stream."""
SECOND_ROUND_SOONEST, SECOND_ROUND_LATEST = 0.02, 1.0
"""Seconds: the second round comes when the answer to the first one is overdue."""
QUICK_ROUNDS = 4
"""The following come quickly, for a narrow interval; the later ones ride out a short disturbance."""
QUICK_ROUNDS_EVERY, LATER_ROUNDS_EVERY, ROUNDS_IN_AN_OUTAGE_EVERY = 0.02, 0.12, 1.0
"""Seconds."""
SILENT_ROUNDS = 5
"""That prove a binding dead where another one, idle for as long, is silent as well."""
SILENT_ROUNDS_OF_THE_OTHER = 3
SILENT_ROUNDS_ALONE = 14
"""That prove it dead where there is no other."""
BOUNDING_ROUND = 3
"""The silent round whose instant bounds the lifetime from above: the ones before may have been lost by chance.
From then on the other binding is wanted."""
SEGMENT_AGAIN = 0.25
"""Seconds until a segment that was lost is on its way again, beside two round trips (Linux: 200 ms at least)."""
SEGMENT_AGAIN_AND_AGAIN = 0.7
"""Until it is so for the second time, after twice as long."""
GIVE_UP_ASKING = 15.0
"""Seconds after which a binding that neither speaks nor is silent in rounds that count is left out."""


class Phase(Enum):
    PLANNED = auto()
    OPENING = auto()
    MAKING = auto()
    IDLE = auto()
    ASKED = auto()
    ALIVE = auto()
    DEAD = auto()
    LEFT_OUT = auto()
    """Spoiled, or it could not be made: it says nothing."""


@dataclass(slots=True)
class Round:
    asked_at: float
    listener_heard_at: float | None = None


@dataclass(slots=True, eq=False)
class Binding:
    plan: IdleTime
    phase: Phase = Phase.PLANNED
    tries: int = 0
    socket: int = 0
    mapped_port: int = 0
    sent_at: float = 0.0
    """The last packet outwards left no earlier ..."""
    heard_at: float = 0.0
    """... and the server's answer to it came no later; with TCP, nor was its acknowledgement repeated later."""
    awaits_answer: bool = False
    """To the latest packet, while making."""
    stream_from: float | None = None
    """When the first answer of a stream was heard."""
    due: float = NEVER
    """While making: the next packet, or the end of patience. While idle: the first round."""
    rounds: list[Round] = field(default_factory=list)
    first_round_idle: float = 0.0
    other: Binding | None = None
    """Whoever is asked early, to confirm that this one is dead ..."""
    others_asked: int = 0
    """... and how many have been."""
    proven: float = 0.0
    """Seconds of idleness: when alive, a lower bound of the lifetime; when dead, an upper one."""

    @property
    def kind(self) -> BindingKind:
        return self.plan.kind

    @property
    def trial(self) -> Trial | None:
        """For the picture; None for what says nothing."""
        match self.phase:
            case Phase.IDLE | Phase.ASKED:
                return Trial.WAITING
            case Phase.ALIVE:
                return Trial.ALIVE
            case Phase.DEAD:
                return Trial.DEAD
            case Phase.PLANNED | Phase.OPENING | Phase.MAKING | Phase.LEFT_OUT:
                return None

    # --- making

    def touched(self, now: float, patience: float) -> None:
        """A packet that makes or keeps the binding was sent."""
        self.sent_at = now
        self.awaits_answer = True
        self.due = now + patience * 2 ** min(self.tries, MOST_DOUBLINGS)

    def answered(self, now: float, mapped_port: int) -> None:
        """The server saw the latest packet; a stream goes on until it is one, the other kinds fall idle."""
        self.heard_at = now
        self.awaits_answer = False
        if self.phase is not Phase.MAKING:
            return
        if self.kind is not BindingKind.STREAM:
            self._fall_idle(mapped_port)
        elif self.stream_from is None or mapped_port != self.mapped_port:
            self.tries += self.stream_from is not None
            self.stream_from, self.mapped_port = now, mapped_port
            self.due = now + EXCHANGE_EVERY
        elif self.sent_at >= self.stream_from + STREAM_AFTER:
            self._fall_idle(mapped_port)
        else:
            self.due = max(now, self.stream_from + STREAM_AFTER)

    def _fall_idle(self, mapped_port: int) -> None:
        self.phase = Phase.IDLE
        self.mapped_port = mapped_port
        self.due = self.heard_at + self.plan.seconds

    # --- asking

    def idle_for(self, now: float) -> float:
        """Seconds that the NAT has seen nothing, at least."""
        return now - self.heard_at

    def asked(self, now: float, slowest_answer: float) -> int:
        """The first half of a round was sent: the number of the round, counted from 1."""
        if not self.rounds:
            self.first_round_idle = self.idle_for(now)
        self.phase = Phase.ASKED
        self.rounds.append(Round(now))
        self.due = now + self._until_next_round(slowest_answer)
        return len(self.rounds)

    def _until_next_round(self, slowest_answer: float) -> float:
        if len(self.rounds) == 1:
            return min(SECOND_ROUND_LATEST, max(SECOND_ROUND_SOONEST, 1.2 * slowest_answer))
        if len(self.rounds) < QUICK_ROUNDS:
            return QUICK_ROUNDS_EVERY
        is_outage = all(one.listener_heard_at is None for one in self.rounds[-QUICK_ROUNDS:])
        return ROUNDS_IN_AN_OUTAGE_EVERY if is_outage else LATER_ROUNDS_EVERY

    def heard(self, number: int) -> None:
        """The answer to this round's question arrived: the binding was alive when it was asked."""
        self.proven = self.rounds[number].asked_at - self.heard_at
        self._end(Phase.ALIVE)

    def silent_rounds(self, now: float, patience: float) -> int:
        return len(self._silent(now, patience))

    def dead_by(self, now: float, patience: float, slowest_answer: float) -> float | None:
        """Seconds of idleness that bound the lifetime from above if this binding is dead; None: too early to say."""
        silent = self._silent(now, patience)
        if len(silent) < BOUNDING_ROUND:
            return None
        return silent[BOUNDING_ROUND - 1] + slowest_answer - self.sent_at

    def _silent(self, now: float, patience: float) -> list[float]:
        """When the listener heard, of each silent round: by then the question to the binding had left as well."""
        return [
            one.listener_heard_at
            for one in self.rounds
            if one.listener_heard_at is not None and now >= one.asked_at + patience
        ]

    def die(self, dead_by: float) -> None:
        self.proven = dead_by
        self._end(Phase.DEAD)

    # --- the end

    def leave_out(self) -> None:
        self._end(Phase.LEFT_OUT)

    def _end(self, phase: Phase) -> None:
        self.phase = phase
        self.due = NEVER

    def start_over(self) -> None:
        """With a fresh socket."""
        self.tries += 1
        self.phase = Phase.PLANNED
        self.socket = 0
        self.awaits_answer = False
        self.due = NEVER
