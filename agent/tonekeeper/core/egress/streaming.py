"""Whether a long request gets through a connection as a short one does: not where segments are too long for the path.

    opening --> a short request --answered--> a long one --answered--> YES
                                                         --silence--> once more on another connection, then NO

TCP repeats what is lost by itself, so each request is sent once and given time. What the other side ends says nothing.
"""

from __future__ import annotations

from enum import Enum, auto

from tonekeeper.core.egress.exchange import Exchange, Try
from tonekeeper.core.egress.messages import Command, OpenStream, ReplyReceived
from tonekeeper.core.egress.result import Fact
from tonekeeper.core.instants import NEVER

LONG = 3000
"""Octets: two full segments and a bit, as an INVITE with a long codec list, certificates or history has at most."""
OPENING, SHORT_WAIT, LONG_WAIT = 10.0, 3.0, 6.0
"""Seconds. In 6 s a segment that was lost is sent five times."""
ROUNDS = 2


class _Step(Enum):
    OPENING = auto()
    SHORT = auto()
    LONG = auto()


class Streaming:
    """`found` when it is over."""

    def __init__(self) -> None:
        self.found = Fact.NOT_CHECKED
        self.is_over = False
        self._rounds = 0
        self._step = _Step.OPENING
        self._due = NEVER
        self._exchange = Exchange((), NEVER)

    def begin(self, now: float) -> list[Command]:
        self._rounds += 1
        self._step, self._due = _Step.OPENING, now + OPENING
        return [OpenStream()]

    def next_deadline(self) -> float:
        if self.is_over:
            return NEVER
        return self._due if self._step is _Step.OPENING else self._exchange.next_deadline()

    def on_deadline(self, token: str, now: float) -> list[Command]:
        if now < self.next_deadline():
            return []
        if self._step is _Step.OPENING:
            self.is_over = True
            return []
        command = self._exchange.on_deadline(token, now)
        return [command] if command is not None else self._unanswered(now)

    def opened(self, now: float) -> None:
        if self._step is _Step.OPENING and not self.is_over:
            self._step = _Step.SHORT
            self._exchange = Exchange((Try(SHORT_WAIT),), now)

    def hear(self, reply: ReplyReceived, now: float) -> None:
        if self.is_over or not self._exchange.hear(reply, now):
            return
        if self._step is _Step.SHORT:
            self._step = _Step.LONG
            self._exchange = Exchange((Try(LONG_WAIT),), now, octets=LONG)
        else:
            self.found, self.is_over = Fact.YES, True

    def ended(self) -> None:
        self.is_over = True

    def _unanswered(self, now: float) -> list[Command]:
        if self._step is _Step.SHORT:
            self.is_over = True
            return []
        if self._rounds < ROUNDS:
            return self.begin(now)
        self.found, self.is_over = Fact.NO, True
        return []
