"""How long the NAT keeps an idle binding: all idle times at once, one socket each (RFC 5780 section 4.6, side by side).

Four kinds of bindings, as in Haetoenen et al., "An Experimental Study of Home Gateway Characteristics" (IMC 2010):

    unreplied   one packet outwards, no answer        the request asks for its answer to go to the listener
    replied     one packet outwards, one answer
    stream      exchanges both ways over more than 2 s
    tcp         a connection, one question, one answer

An unreplied binding must not hear its own answer, and yet its mapped port must be known. So the request carries
RESPONSE-PORT with the listener's mapped port: the server answers to the listener and says in XOR-MAPPED-ADDRESS where
the request came from. Nothing has to be guessed about how the NAT chooses ports. It takes a NAT that maps all
our sockets to one address (RFC 4787 REQ-2, paired pooling; reach.py has checked it), and a server that answers from
where it was asked, so that the answer later fits whatever the NAT filters by.

After its time each binding is asked once (binding.py). The shortest idle time without an answer bounds the lifetime
from above; it must be silent in several rounds and so must another binding that is idle for as long. Then everything
of this kind is closed at once. The longest idle time below it with an answer bounds it from below. Packets
inwards refresh most bindings, so a binding that was asked is never asked for a longer time.

Connections join in when control.py has found that the server can speak first on them. Most live for hours, so they are
guests: unless they are asked to be waited for, they end with the rest, and are then known to live for that long at
least.

New bindings are made every 20 ms at most, which NATs are known to stand (RFC 5245 appendix B.1). RFC 5780 wants ten
transactions a second (section 5); with that, making them would take longer than the lifetimes that matter most.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.nat.attempt import Attempt
from tonekeeper.core.nat.binding import SEGMENT_AGAIN, SEGMENT_AGAIN_AND_AGAIN, Binding, Phase
from tonekeeper.core.nat.messages import Command
from tonekeeper.core.nat.plan import TCP_AS_GUEST, TCP_AWAITED, plan
from tonekeeper.core.nat.result import BindingKind, BindingTrial
from tonekeeper.core.nat.search import UNDECIDED, Search
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import TCP, StunClass, StunMessage

NEW_BINDING_EVERY = 0.02
"""Seconds."""
LISTENER_FRESH = 2.0
"""Seconds for which the listener's own binding is taken for granted."""
MOST_TRIES = 8
NO_SOCKET_PAUSE = 1.0
"""Seconds without new sockets after one was refused."""


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
    """`listener`, `asker`: the two sockets of reach.py, which has heard the server just now."""

    def __init__(self, attempt: Attempt, listener: int, asker: int, kinds: tuple[BindingKind, ...], now: float) -> None:
        assert attempt.mapped is not None, "the server was reached"
        self.attempt = attempt
        self.listener, self.asker = listener, asker
        self._listener_mapped = attempt.mapped
        self._listener_heard_at = now
        self._listener_asked_at = LONG_AGO
        of_udp: tuple[BindingKind, ...] = tuple(kind for kind in kinds if kind is not BindingKind.TCP)
        self._planned = [Binding(idle) for idle in plan(of_udp, attempt.limits.longest)]
        """Not begun, or to be begun again: the most urgent first."""
        self.searches: dict[BindingKind, Search] = {
            kind: Search([one for one in self._planned if one.kind is kind]) for kind in of_udp
        }
        self._control = 0
        self._by_socket: dict[int, Binding] = {}
        self._listener_wanted: list[Binding] = []
        """Whose round lacks its second half."""
        self._questions: dict[bytes, _Question] = {}
        self._next_new_at = now

    @property
    def is_over(self) -> bool:
        return all(search.is_over for search in self.searches.values())

    @property
    def trials(self) -> tuple[BindingTrial, ...]:
        seen = [trial for search in self.searches.values() for trial in search.trials]
        return tuple(sorted(seen, key=lambda trial: (trial.kind, trial.idle_s)))

    def add_connections(self, control: int) -> None:
        """`control`: the connection of control.py."""
        self._control = control
        limits = self.attempt.limits
        longest, pace = (limits.longest_tcp, TCP_AWAITED) if limits.longest_tcp else (limits.longest, TCP_AS_GUEST)
        connections = [Binding(idle) for idle in plan((BindingKind.TCP,), longest, pace)]
        self.searches[BindingKind.TCP] = Search(connections)
        self._planned = sorted(self._planned + connections, key=lambda one: one.plan.make_by)

    # --- the contract

    def next_deadline(self) -> float:
        if self.is_over:
            return NEVER
        if self._listener_wanted:
            return LONG_AGO
        known = min((search.next_due() for search in self.searches.values()), default=NEVER)
        return min(known, self._next_new_at) if self._planned and self.attempt.may_open else known

    def on_deadline(self, token: str, now: float) -> list[Command]:
        return self._one_thing(token, now) + self._conclude(now)

    def opened(self, socket: int, now: float) -> list[Command]:
        binding = self._by_socket.get(socket)
        if binding is not None:
            binding.phase, binding.due = Phase.MAKING, now
        return []

    def refused(self, socket: int, reason: str, now: float) -> list[Command]:
        """Fewer sockets than planned are no harm as long as there are some."""
        binding = self._by_socket.pop(socket, None)
        if binding is None:
            return []
        if binding.kind is BindingKind.TCP:
            binding.leave_out()
            self.searches[BindingKind.TCP].ended_by_others = reason
            return self._conclude(now)
        self._next_new_at = now + NO_SOCKET_PAUSE
        if binding.tries == MOST_TRIES:
            self.searches[binding.kind].give_up(f"sockets cannot be opened: {reason}")
        self._plan_again(binding)
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

    def ended(self, socket: int, reason: str, now: float) -> list[Command]:
        """A connection was ended by the other side: it is no binding any more, but not because it was idle."""
        search = self.searches.get(BindingKind.TCP)
        binding = self._by_socket.get(socket)
        if search is not None and binding is not None and binding.kind is BindingKind.TCP:
            search.ended_by_others = reason
            binding.leave_out()
        elif search is not None and socket == self._control:
            search.give_up(f"the connection that proves the server alive was ended: {reason}")
        return self._conclude(now)

    def give_up(self, reason: str, now: float) -> list[Command]:
        """All that is not found yet is not checked, for this reason."""
        for search in self.searches.values():
            if search.found is None:
                search.give_up(reason)
        return self._conclude(now)

    # --- one thing at a time

    def _one_thing(self, token: str, now: float) -> list[Command]:
        """What is due, bindings before new sockets: they are what the result is made of."""
        if self._listener_wanted:
            return [self._send_listen(token, now, self._listener_wanted.pop(0))]
        due = min(
            (one for search in self.searches.values() for one in search.undecided),
            key=lambda one: one.due,
            default=None,
        )
        if due is not None and due.due <= now:
            return self._serve(due, token, now)
        if self._planned and self.attempt.may_open and now >= self._next_new_at:
            return [self._open_next(now)]
        return []

    def _open_next(self, now: float) -> Command:
        self._next_new_at = now + NEW_BINDING_EVERY
        binding = self._planned.pop(0)
        is_tcp = binding.kind is BindingKind.TCP
        command = self.attempt.open_connection() if is_tcp else self.attempt.open_socket()
        binding.phase, binding.socket = Phase.OPENING, command.socket
        self._by_socket[command.socket] = binding
        return command

    def _plan_again(self, binding: Binding) -> None:
        """It is late already, so it comes first."""
        binding.start_over()
        self._planned.insert(0, binding)

    def _serve(self, binding: Binding, token: str, now: float) -> list[Command]:
        if binding.phase is not Phase.MAKING:
            return [self._send_ask(binding, token, now)]
        if binding.awaits_answer and (instead := self._retry(binding)) is not None:
            return instead
        if binding.kind is BindingKind.UNREPLIED and now > self._listener_heard_at + LISTENER_FRESH:
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
        del self._by_socket[binding.socket]
        self._plan_again(binding)
        return commands

    # --- sending

    def _send_make(self, binding: Binding, token: str, now: float) -> Command:
        port = self._listener_mapped.port if binding.kind is BindingKind.UNREPLIED else None
        command = self.attempt.send(binding.socket, token, response_port=port)
        self._questions[command.message.transaction_id] = _Question(_Purpose.MAKE, now, binding)
        binding.touched(now, self._patience(binding.kind))
        return command

    def _send_ask(self, binding: Binding, token: str, now: float) -> Command:
        is_tcp = binding.kind is BindingKind.TCP
        transport = TCP if is_tcp else None
        command = self.attempt.send(self.asker, token, response_port=binding.mapped_port, requested_transport=transport)
        question = _Question(_Purpose.ASK, now, binding, len(binding.rounds))
        self._questions[command.message.transaction_id] = question
        if binding.asked(now, self.attempt.slowest_answer) > 1 or is_tcp:  # the control connection must not fall idle
            self._listener_wanted.append(binding)
        return command

    def _send_listen(self, token: str, now: float, binding: Binding | None = None) -> Command:
        listener = self._listener_of(binding)
        command = self.attempt.send(listener, token)
        if listener == self.listener:
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
            self._note_round_trip(question, now)
            binding.answered(now + self._until_settled(binding.kind), message.mapped.port)
        if socket == self.listener:
            self._listener_heard_at = now

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
        if socket != self._listener_of(question.binding) or message.mapped is None:
            return
        if socket == self.listener:
            self._listener_heard_at = now
            self._listener_mapped = message.mapped
        self._note_round_trip(question, now)
        if question.binding is None:
            self._stop_waiting_for_the_listener(now)
        elif question.binding.phase is Phase.ASKED:
            asked = question.binding.rounds[question.round]
            asked.listener_heard_at = asked.listener_heard_at or now

    def _stop_waiting_for_the_listener(self, now: float) -> None:
        for one in self._by_socket.values():
            if one.phase is Phase.MAKING and one.kind is BindingKind.UNREPLIED and not one.awaits_answer:
                one.due = now

    # --- what is different with TCP

    def _listener_of(self, binding: Binding | None) -> int:
        return self._control if binding is not None and binding.kind is BindingKind.TCP else self.listener

    def _note_round_trip(self, question: _Question, now: float) -> None:
        """Of datagrams: nobody knows how often a segment was sent."""
        if question.binding is None or question.binding.kind is not BindingKind.TCP:
            self.attempt.answered_after(now - question.sent_at)

    def _patience(self, kind: BindingKind) -> float:
        if kind is not BindingKind.TCP:
            return self.attempt.patience
        return self.attempt.patience + SEGMENT_AGAIN_AND_AGAIN + 2 * self.attempt.slowest_answer

    def _until_settled(self, kind: BindingKind) -> float:
        """Seconds after the answer that made a binding, in which its acknowledgement may have to be repeated."""
        return SEGMENT_AGAIN + 2 * self.attempt.slowest_answer if kind is BindingKind.TCP else 0.0

    def _dismiss_the_guests(self) -> None:
        tcp = self.searches.get(BindingKind.TCP)
        if tcp is None or tcp.is_over or tcp.is_asking or self.attempt.limits.longest_tcp:
            return
        if all(search.is_over for kind, search in self.searches.items() if kind is not BindingKind.TCP):
            tcp.settle()

    # --- what follows from it

    def _conclude(self, now: float) -> list[Command]:
        for kind, search in self.searches.items():
            if not search.is_over:
                search.judge(now, self._patience(kind), self.attempt.slowest_answer)
        self._dismiss_the_guests()
        for kind, search in self.searches.items():
            if search.is_over and search.undecided:
                search.close(now, self._patience(kind), self.attempt.slowest_answer)
                self._planned = [one for one in self._planned if one.kind is not kind]
        return self._close_ended()

    def _close_ended(self) -> list[Command]:
        ended = [one for one in self._by_socket.values() if one.phase not in UNDECIDED]
        commands: list[Command] = []
        for one in ended:
            del self._by_socket[one.socket]
            commands += self.attempt.close_socket(one.socket)
            if one in self._listener_wanted:
                self._listener_wanted.remove(one)
        return commands
