"""What the bindings of one kind say together: the interval that contains their lifetime.

The shortest idle time that is proven dead bounds it from above, the longest one below that was answered bounds it from
below. Death is proven by silence in several rounds, of this binding and of another one, idle for about as long; a
binding that is dead while another one was alive after longer idleness is an oddity and decides nothing.
"""

from __future__ import annotations

from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat.binding import (
    GIVE_UP_ASKING,
    SILENT_ROUNDS,
    SILENT_ROUNDS_ALONE,
    SILENT_ROUNDS_OF_THE_OTHER,
    Binding,
    Phase,
)
from tonekeeper.core.nat.result import BindingTrial, Interval

HOPELESS = 5
"""Bindings that could not be made, none that could: then no more are tried."""
NEARLY_AS_LONG = 0.98
"""Of the idle time of a silent binding: another one that is silent after this confirms it."""
MOST_OTHERS = 2
"""Asked for the sake of one silent binding, so that a lost packet or two leave no hole in the grid."""
UNDECIDED = (Phase.PLANNED, Phase.OPENING, Phase.MAKING, Phase.IDLE, Phase.ASKED)


class Search:
    """The search for the lifetime of one kind. It has `found` an interval, or there is a `reason` why not."""

    def __init__(self, bindings: list[Binding]) -> None:
        self.undecided = bindings
        """The most urgent first, as planned."""
        self.alive: list[Binding] = []
        self.dead: list[Binding] = []
        self.found: Interval | None = None
        self.reason = ""
        self.oddities = 0
        """Bindings that were dead although others lived on for longer."""
        self.ended_by_others = ""
        """How connections ended that we had not ended."""
        self._left_out = 0

    @property
    def is_over(self) -> bool:
        return self.found is not None or bool(self.reason)

    @property
    def trials(self) -> list[BindingTrial]:
        return [
            BindingTrial(one.plan.kind, one.proven or one.plan.seconds, trial)
            for one in (*self.alive, *self.dead, *self.undecided)
            if (trial := one.trial) is not None
        ]

    def next_due(self) -> float:
        return min([one.due for one in self.undecided], default=NEVER)

    def judge(self, now: float, patience: float, slowest_answer: float) -> None:
        """Draw the conclusions; bindings that have come to their end leave `undecided`."""
        for one in self.undecided:
            if one.phase is Phase.ASKED:
                self._weigh(one, now, patience, slowest_answer)
        self._sort_out()
        if not self.is_over:
            self._find()

    def give_up(self, reason: str) -> None:
        self.reason = self.reason or reason

    def settle(self) -> None:
        """Nobody waits any longer: what was proven so far is what is known."""
        low = max((one.proven for one in self.alive), default=0.0)
        if low:
            self.found = (low, None)
        else:
            self.give_up("all else was known before a connection had been idle for long enough to say")

    @property
    def is_asking(self) -> bool:
        return any(one.phase is Phase.ASKED for one in self.undecided)

    def close(self, now: float, patience: float, slowest_answer: float) -> None:
        """What was silent along with the first one is dead as well; the rest has nothing to say any more."""
        for one in self.undecided:
            dead_by = one.dead_by(now, patience, slowest_answer)
            if self.found is not None and dead_by is not None:
                one.die(dead_by)
            else:
                one.leave_out()
        self._sort_out()

    def _weigh(self, binding: Binding, now: float, patience: float, slowest_answer: float) -> None:
        silent = binding.silent_rounds(now, patience)
        if silent < SILENT_ROUNDS and now > binding.rounds[0].asked_at + GIVE_UP_ASKING:
            binding.leave_out()
            return
        dead_by = binding.dead_by(now, patience, slowest_answer)
        if dead_by is None:
            return
        others = [
            one
            for one in self.undecided
            if one is not binding and one.phase is Phase.ASKED and one.first_round_idle >= NEARLY_AS_LONG * dead_by
        ]
        if not others:
            self._want_another(binding, dead_by)
        is_confirmed = any(one.silent_rounds(now, patience) >= SILENT_ROUNDS_OF_THE_OTHER for one in others)
        if silent >= (SILENT_ROUNDS if is_confirmed else SILENT_ROUNDS_ALONE):
            binding.die(dead_by)

    def _want_another(self, binding: Binding, dead_by: float) -> None:
        """The binding that has been idle for longest is asked ahead of its time; if it is alive, one more later."""
        if binding.others_asked == MOST_OTHERS:
            return
        idle = [one for one in self.undecided if one.phase is Phase.IDLE]
        if idle:
            oldest = min(idle, key=lambda one: one.heard_at)
            oldest.due = min(oldest.due, oldest.heard_at + (1.0 if binding.others_asked else NEARLY_AS_LONG) * dead_by)
            binding.others_asked += binding.other is not oldest
            binding.other = oldest

    def _sort_out(self) -> None:
        if all(one.phase in UNDECIDED for one in self.undecided):
            return
        for one in self.undecided:
            match one.phase:
                case Phase.ALIVE:
                    self.alive.append(one)
                case Phase.DEAD:
                    self.dead.append(one)
                case Phase.LEFT_OUT:
                    self._left_out += 1
                case Phase.PLANNED | Phase.OPENING | Phase.MAKING | Phase.IDLE | Phase.ASKED:
                    pass
        self.undecided = [one for one in self.undecided if one.phase in UNDECIDED]
        longest_alive = max((one.proven for one in self.alive), default=0.0)
        odd = [one for one in self.dead if one.proven <= longest_alive]
        if odd:
            self.oddities += len(odd)
            self.dead = [one for one in self.dead if one.proven > longest_alive]

    def _find(self) -> None:
        low = max((one.proven for one in self.alive), default=0.0)
        if self.dead:
            first = min(self.dead, key=lambda one: one.proven)
            is_asking = any(
                one.phase is Phase.ASKED and one.plan.seconds < first.plan.seconds for one in self.undecided
            )
            if not is_asking:
                self.found = (low, first.proven)
        elif self.undecided and (self._left_out < HOPELESS or self._has_made_one()):
            return
        elif any(one.plan.is_last for one in self.alive):
            self.found = (low, None)
        else:
            self.reason = self._why_not(low)

    def _has_made_one(self) -> bool:
        return bool(self.alive) or any(one.phase in (Phase.IDLE, Phase.ASKED) for one in self.undecided)

    def _why_not(self, low: float) -> str:
        if self.ended_by_others:
            return f"the other side ends idle connections ({self.ended_by_others}); they live for {low:.0f} s at least"
        if not self._has_made_one():
            return "no binding could be made and left undisturbed: answers are lost, or the NAT keeps changing ports"
        return f"the server or the line fell silent while bindings were asked; they live for {low:.0f} s at least"
