"""How long the NAT keeps an idle binding: all idle times at once, one socket each (RFC 5780 section 4.6, side by side).

Three kinds of bindings, as in Haetoenen et al., "An Experimental Study of Home Gateway Characteristics" (IMC 2010):

    unreplied   one packet outwards, no answer        the request asks for its answer to go to the listener
    replied     one packet outwards, one answer
    stream      exchanges both ways over more than 2 s

An unreplied binding must not hear its own answer, and yet its mapped port must be known. So the request carries
RESPONSE-PORT with the listener's mapped port: the server answers to the listener and says in XOR-MAPPED-ADDRESS where
the request came from. Nothing has to be guessed about how the NAT chooses ports. It takes a NAT that maps all
our sockets to one address (RFC 4787 REQ-2, paired pooling; reach.py has checked it), and a server that answers from
where it was asked, so that the answer later fits whatever the NAT filters by.

After its time each binding is asked once (binding.py). The shortest idle time without an answer bounds the lifetime
from above; it must be silent in several rounds and so must another binding that is idle for as long. Then everything
of this kind is closed at once. The longest idle time below it with an answer bounds it from below. Packets
inwards refresh most bindings, so a binding that was asked is never asked for a longer time.

New bindings are made every 20 ms at most, which NATs are known to stand (RFC 5245 appendix B.1). RFC 5780 wants ten
transactions a second (section 5); with that, making them would take longer than the lifetimes that matter most.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.nat.attempt import Attempt
from tonekeeper.core.nat.binding import (
    GIVE_UP_ASKING,
    SILENT_ROUNDS,
    SILENT_ROUNDS_ALONE,
    SILENT_ROUNDS_OF_THE_OTHER,
    Binding,
    Phase,
)
from tonekeeper.core.nat.messages import Command
from tonekeeper.core.nat.plan import plan
from tonekeeper.core.nat.result import BindingKind, BindingTrial, Interval
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import StunClass, StunMessage

NEW_BINDING_EVERY = 0.02
"""Seconds."""
LISTENER_FRESH = 2.0
"""Seconds for which the listener's own binding is taken for granted."""
MOST_TRIES = 8
HOPELESS = 5
"""Bindings that could not be made, none that could: then no more are tried."""
_UNDECIDED = (Phase.PLANNED, Phase.OPENING, Phase.MAKING, Phase.IDLE, Phase.ASKED)


class _Purpose(Enum):
    MAKE = auto()
    ASK = auto()
    LISTEN = auto()


@dataclass(frozen=True, slots=True)
class _Question:
    """What a request of ours was for."""

    purpose: _Purpose
    sent_at: float
    binding: Binding | None = None
    round: int = 0


class Lifetimes:
    def __init__(self, attempt: Attempt, listener: int, asker: int, kinds: tuple[BindingKind, ...], now: float) -> None:
        self.attempt = attempt
        self.listener, self.asker = listener, asker
        self.found: dict[BindingKind, Interval] = {}
        self.reasons: dict[BindingKind, str] = {}
        self.oddities: dict[BindingKind, int] = {}
        """Bindings that died although others lived on for longer."""
        self.listener_heard_at = now
        self._listener_asked_at = LONG_AGO
        assert attempt.mapped is not None, "the server was reached"
        self._listener_mapped = attempt.mapped
        self._bindings = [Binding(idle) for idle in plan(kinds, attempt.limits.longest)]
        self._by_socket: dict[int, Binding] = {}
        self._questions: dict[bytes, _Question] = {}
        self._next_new_at = now
        self._kinds = kinds

    @property
    def is_over(self) -> bool:
        return all(kind in self.found or kind in self.reasons for kind in self._kinds)

    @property
    def trials(self) -> tuple[BindingTrial, ...]:
        seen = [
            BindingTrial(one.kind, one.proven or one.plan.seconds, trial)
            for one in self._bindings
            if (trial := one.trial) is not None
        ]
        return tuple(sorted(seen, key=lambda trial: (trial.kind, trial.idle_s)))

    # --- the contract

    def next_deadline(self) -> float:
        if self.is_over:
            return NEVER
        known = min((one.due for one in self._bindings), default=NEVER)
        if any(one.listener_asks for one in self._bindings):
            return LONG_AGO
        return min(known, self._next_new_at if self._next_planned() is not None else NEVER)

    def on_deadline(self, token: str, now: float) -> list[Command]:
        commands = self._one_thing(token, now)
        return commands + self._conclude(now)

    def opened(self, socket: int, now: float) -> list[Command]:
        binding = self._by_socket.get(socket)
        if binding is None:
            return []
        binding.phase, binding.due = Phase.MAKING, now
        return []

    def refused(self, socket: int, reason: str, now: float) -> list[Command]:
        """Fewer sockets than planned are no harm as long as there are some."""
        binding = self._by_socket.pop(socket, None)
        if binding is None:
            return []
        binding.start_over()
        self._next_new_at = now + 1.0
        if binding.tries > MOST_TRIES:
            self._drop(binding.kind, f"sockets cannot be opened: {reason}")
        return self._conclude(now)

    def hear(self, socket: int, source: Endpoint, message: StunMessage, now: float) -> list[Command]:
        question = self._questions.get(message.transaction_id) if source == self.attempt.server else None
        if question is None or message.stun_class is not StunClass.SUCCESS:
            return self.disturb(socket, now)
        match question.purpose:
            case _Purpose.MAKE:
                self._made(question, socket, message, now)
            case _Purpose.ASK:
                self._told(question, socket)
            case _Purpose.LISTEN:
                self._listened(question, socket, message, now)
        return self._conclude(now)

    def disturb(self, socket: int, now: float) -> list[Command]:
        """Something that nobody asked for arrived: an idle binding is not idle any more."""
        binding = self._by_socket.get(socket)
        if binding is not None and binding.phase in (Phase.MAKING, Phase.IDLE):
            binding.leave_out()
        return self._conclude(now)

    def give_up(self, reason: str, now: float) -> list[Command]:
        """All that is not found yet is not checked, for this reason."""
        commands: list[Command] = []
        for kind in self._kinds:
            if kind not in self.found:
                self.reasons.setdefault(kind, reason)
            commands += self._close(kind, now)
        return commands

    # --- one thing at a time

    def _one_thing(self, token: str, now: float) -> list[Command]:
        """What is due, dues of bindings first: they are what the result is made of."""
        for binding in self._bindings:
            if binding.listener_asks:
                binding.listener_asks = False
                return [self._send_listen(token, now, binding)]
        due = min(self._bindings, key=lambda one: one.due)
        if due.due <= now:
            return self._serve(due, token, now)
        planned = self._next_planned()
        if planned is not None and now >= self._next_new_at:
            self._next_new_at = now + NEW_BINDING_EVERY
            command = self.attempt.open_socket()
            planned.phase, planned.socket = Phase.OPENING, command.socket
            self._by_socket[command.socket] = planned
            return [command]
        return []

    def _serve(self, binding: Binding, token: str, now: float) -> list[Command]:
        if binding.phase is not Phase.MAKING:
            return [self._send_ask(binding, token, now)]
        if binding.awaits_answer and (instead := self._retry(binding)) is not None:
            return instead
        if binding.kind is BindingKind.UNREPLIED and now > self.listener_heard_at + LISTENER_FRESH:
            binding.due = now + self.attempt.patience
            is_asking = now < self._listener_asked_at + self.attempt.patience
            return [] if is_asking else [self._send_listen(token, now)]
        return [self._send_make(binding, token, now)]

    def _retry(self, binding: Binding) -> list[Command] | None:
        """The packet that should have made it was not answered: a stream goes on, the others need a fresh socket."""
        if binding.tries == MOST_TRIES:
            binding.leave_out()
            return []
        if binding.kind is BindingKind.STREAM:
            binding.tries += 1
            return None
        commands = self.attempt.close_socket(binding.socket)
        self._by_socket.pop(binding.socket, None)
        binding.start_over()
        return commands

    def _next_planned(self) -> Binding | None:
        if not self.attempt.may_open:
            return None
        return next((one for one in self._bindings if one.phase is Phase.PLANNED), None)

    def _send_make(self, binding: Binding, token: str, now: float) -> Command:
        port = self._listener_mapped.port if binding.kind is BindingKind.UNREPLIED else None
        command = self.attempt.send(binding.socket, token, response_port=port)
        self._questions[command.message.transaction_id] = _Question(_Purpose.MAKE, now, binding)
        binding.touched(now, self.attempt.patience)
        return command

    def _send_ask(self, binding: Binding, token: str, now: float) -> Command:
        command = self.attempt.send(self.asker, token, response_port=binding.mapped_port)
        question = _Question(_Purpose.ASK, now, binding, len(binding.rounds))
        self._questions[command.message.transaction_id] = question
        binding.asked(now, self.attempt.slowest_answer)
        return command

    def _send_listen(self, token: str, now: float, binding: Binding | None = None) -> Command:
        command = self.attempt.send(self.listener, token)
        self._listener_asked_at = now
        number = len(binding.rounds) - 1 if binding is not None else 0
        self._questions[command.message.transaction_id] = _Question(_Purpose.LISTEN, now, binding, number)
        return command

    # --- what was heard

    def _made(self, question: _Question, socket: int, message: StunMessage, now: float) -> None:
        binding = question.binding
        assert binding is not None
        heard_where_expected = socket == (self.listener if binding.kind is BindingKind.UNREPLIED else binding.socket)
        is_latest = question.sent_at == binding.sent_at
        is_usable = message.mapped is not None and message.mapped.host == self._listener_mapped.host
        if not heard_where_expected or not is_usable or binding.tries > MOST_TRIES:
            binding.leave_out()
        elif binding.phase in (Phase.MAKING, Phase.IDLE) and is_latest and message.mapped is not None:
            self.attempt.answered_after(now - question.sent_at)
            binding.answered(now, message.mapped.port)
        if socket == self.listener:
            self.listener_heard_at = now

    def _told(self, question: _Question, socket: int) -> None:
        """An answer elsewhere means that the NAT gave the port to somebody else: silence, and that one is disturbed."""
        binding = question.binding
        assert binding is not None
        if socket == binding.socket and binding.phase is Phase.ASKED:
            binding.heard(question.round)
            return
        other = self._by_socket.get(socket)
        if other is not None and other is not binding and other.phase in (Phase.MAKING, Phase.IDLE):
            other.leave_out()

    def _listened(self, question: _Question, socket: int, message: StunMessage, now: float) -> None:
        if socket != self.listener or message.mapped is None:
            return
        self.listener_heard_at = now
        self._listener_mapped = message.mapped
        self.attempt.answered_after(now - question.sent_at)
        if question.binding is None:
            self._stop_waiting_for_the_listener(now)
        elif question.binding.phase is Phase.ASKED:
            asked = question.binding.rounds[question.round]
            asked.listener_heard_at = asked.listener_heard_at or now

    def _stop_waiting_for_the_listener(self, now: float) -> None:
        for one in self._bindings:
            if one.phase is Phase.MAKING and one.kind is BindingKind.UNREPLIED and not one.awaits_answer:
                one.due = now

    # --- what follows from it

    def _conclude(self, now: float) -> list[Command]:
        commands: list[Command] = []
        for kind in self._kinds:
            if kind in self.found or kind in self.reasons:
                continue
            self._judge(kind, now)
            if kind in self.found or kind in self.reasons:
                commands += self._close(kind, now)
        return commands + self._close_ended()

    def _judge(self, kind: BindingKind, now: float) -> None:
        own = [one for one in self._bindings if one.kind is kind]
        asked = sorted((one for one in own if one.phase is Phase.ASKED), key=lambda one: one.first_round_idle)
        for binding in asked:
            self._weigh(binding, own, now)
        self._leave_out_the_odd(kind, own)
        self._find(kind, own)

    def _weigh(self, binding: Binding, own: list[Binding], now: float) -> None:
        """Dead, when it was silent for long enough and another one that is idle for longer is silent as well."""
        silent = binding.silent_rounds(now, self.attempt.patience)
        if silent < SILENT_ROUNDS and now > binding.rounds[0].asked_at + GIVE_UP_ASKING:
            binding.leave_out()
            return
        dead_by = binding.dead_by(now, self.attempt.patience, self.attempt.slowest_answer)
        if dead_by is None:
            return
        others = [one for one in own if one.phase is Phase.ASKED and one.first_round_idle >= dead_by]
        if not others:
            _ask_early(own, dead_by)
        supporting = [
            one
            for one in others
            if one.silent_rounds(now, self.attempt.patience) >= SILENT_ROUNDS_OF_THE_OTHER and one is not binding
        ]
        if silent >= (SILENT_ROUNDS if supporting else SILENT_ROUNDS_ALONE):
            binding.die(dead_by)

    def _leave_out_the_odd(self, kind: BindingKind, own: list[Binding]) -> None:
        """Dead, while another one was alive after longer idleness: one binding decides nothing."""
        longest_alive = max((one.proven for one in own if one.phase is Phase.ALIVE), default=0.0)
        for one in own:
            if one.phase is Phase.DEAD and one.proven <= longest_alive:
                one.leave_out()
                self.oddities[kind] = self.oddities.get(kind, 0) + 1

    def _find(self, kind: BindingKind, own: list[Binding]) -> None:
        dead = min((one for one in own if one.phase is Phase.DEAD), key=lambda one: one.proven, default=None)
        alive = [one for one in own if one.phase is Phase.ALIVE]
        low = max((one.proven for one in alive), default=0.0)
        if dead is not None:
            if not any(one.phase is Phase.ASKED and one.first_round_idle < dead.first_round_idle for one in own):
                self.found[kind] = (low, dead.proven)
        elif not any(one.has_been_made for one in own) and _left_out(own) >= HOPELESS:
            self.reasons[kind] = (
                f"{HOPELESS} bindings in a row could not be made: answers are lost, or their port changes"
            )
        elif any(one.phase in _UNDECIDED for one in own):
            return
        elif any(one.plan.is_last for one in alive):
            self.found[kind] = (low, None)
        else:
            usable = f"; bindings lived for {low:.0f} s at least" if alive else ""
            self.reasons[kind] = f"the server or the line fell silent while bindings were asked{usable}"

    # --- the end

    def _drop(self, kind: BindingKind, reason: str) -> None:
        self.reasons[kind] = reason

    def _close(self, kind: BindingKind, now: float) -> list[Command]:
        """What was silent along with the first one is dead as well; the rest has nothing to say any more."""
        for one in self._bindings:
            if one.kind is not kind or one.phase not in _UNDECIDED:
                continue
            dead_by = one.dead_by(now, self.attempt.patience, self.attempt.slowest_answer)
            if kind in self.found and dead_by is not None:
                one.die(dead_by)
            else:
                one.leave_out()
        return self._close_ended()

    def _close_ended(self) -> list[Command]:
        commands: list[Command] = []
        for one in self._bindings:
            if one.phase not in _UNDECIDED and one.socket:
                commands += self.attempt.close_socket(one.socket)
                self._by_socket.pop(one.socket, None)
                one.socket = 0
        return commands


def _ask_early(own: list[Binding], after: float) -> None:
    """The binding that has been idle for longest is asked as soon as it was idle for `after` seconds."""
    idle = [one for one in own if one.phase is Phase.IDLE]
    if idle:
        oldest = min(idle, key=lambda one: one.heard_at)
        oldest.due = min(oldest.due, oldest.heard_at + after)


def _left_out(own: list[Binding]) -> int:
    return sum(one.phase is Phase.LEFT_OUT for one in own)
