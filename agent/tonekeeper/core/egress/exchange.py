"""One question, an OPTIONS of one shape, repeated until it is answered or patience has run out.

Every repetition has a branch of its own, so that an answer tells which of them it is to, and how long that took. An
answer counts however late it comes: packets of this length do get through.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tonekeeper.core.egress.messages import ReplyReceived, SendOptions
from tonekeeper.core.instants import NEVER


@dataclass(frozen=True, slots=True)
class Try:
    wait: float
    """Seconds for an answer, before the next one."""
    unusual: bool = False


@dataclass(slots=True)
class Exchange:
    tries: tuple[Try, ...]
    due: float
    octets: int = 0
    whole: bool = False
    sent: dict[str, tuple[float, bool]] = field(default_factory=dict)
    """By branch: when, and whether it was an unusual one."""
    status: int = 0
    """Of the answer to a usual one; 0: none yet."""
    took: float = 0.0
    """Seconds from that request to its answer."""
    unusual_answered: bool = False
    given_up: bool = False

    @property
    def is_answered(self) -> bool:
        return self.status > 0

    @property
    def is_over(self) -> bool:
        return self.is_answered or self.given_up

    def next_deadline(self) -> float:
        return NEVER if self.is_over else self.due

    def on_deadline(self, token: str, now: float) -> SendOptions | None:
        """The next repetition; None where it is over, or not due."""
        if now < self.next_deadline():
            return None
        number = len(self.sent)
        if number == len(self.tries):
            self.given_up = True
            return None
        this = self.tries[number]
        branch = f"z9hG4bK{token[:16]}"
        self.sent[branch] = (now, this.unusual)
        self.due = now + this.wait
        return SendOptions(
            branch, token[16:24], token[8:32], number + 1, octets=self.octets, whole=self.whole, unusual=this.unusual
        )

    def hear(self, reply: ReplyReceived, now: float) -> bool:
        """Whether it is an answer to one of these; provisional ones say that it got there, too."""
        if reply.branch not in self.sent:
            return False
        at, unusual = self.sent[reply.branch]
        if unusual:
            self.unusual_answered = True
        elif not self.status:
            self.status, self.took = reply.status, now - at
        return True
