"""One STUN transaction over UDP with its retransmissions (RFC 8489 section 6.2.1), bounded.

The RFC sends seven times and gives up after 39.5 s. A test whose answer may be meant not to come must end sooner:
four sends at 0, 0.5, 1.5 and 3.5 s, and 2 s of waiting after the last. One packet in ten lost each way, all four
go unanswered about once in a thousand times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat.attempt import Attempt
from tonekeeper.core.nat.messages import SendStun
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import ChangeRequest, StunMessage

RTO = 0.5
"""Seconds; section 6.2.1 wants at least this where nothing is known."""
SENDS = 4
LAST_WAIT = 4 * RTO


class Outcome(Enum):
    PENDING = auto()
    ANSWERED = auto()
    UNANSWERED = auto()


@dataclass(slots=True)
class Transaction:
    socket: int
    destination: Endpoint
    change_request: ChangeRequest | None = None
    response_port: int | None = None
    requested_transport: int | None = None
    sends: int = SENDS
    """1 over TCP, which repeats by itself (RFC 8489 section 6.2.2)."""
    due: float = 0.0
    outcome: Outcome = Outcome.PENDING
    answer: StunMessage | None = None
    answered_on: int = 0
    """Socket."""
    answered_by: Endpoint | None = None
    icmp: str = ""
    _request: StunMessage | None = None
    _sent: list[float] = field(default_factory=list)

    def next_deadline(self) -> float:
        return self.due if self.outcome is Outcome.PENDING else NEVER

    def on_deadline(self, token: str, now: float, attempt: Attempt) -> SendStun | None:
        """The first send, another one, or nothing: then it has failed, or it was not due."""
        if now < self.next_deadline():
            return None
        if len(self._sent) == self.sends:
            self.outcome = Outcome.UNANSWERED
            return None
        self.due = now + (RTO * 2 ** len(self._sent) if len(self._sent) < self.sends - 1 else LAST_WAIT)
        self._sent.append(now)
        if self._request is not None:
            return attempt.send_again(self.socket, self.destination, self._request)
        command = attempt.send(
            self.socket,
            token,
            destination=self.destination,
            change_request=self.change_request,
            response_port=self.response_port,
            requested_transport=self.requested_transport,
        )
        self._request = command.message
        return command

    def is_answer(self, message: StunMessage) -> bool:
        return self._request is not None and message.transaction_id == self._request.transaction_id

    def hear(self, socket: int, source: Endpoint, message: StunMessage, now: float, attempt: Attempt) -> None:
        """An answer with our transaction id; the first one counts, even after hope was given up."""
        if self.answer is not None:
            return
        self.outcome = Outcome.ANSWERED
        self.answer, self.answered_on, self.answered_by = message, socket, source
        over_tcp = self.sends == 1 or self.requested_transport is not None
        if len(self._sent) == 1 and not over_tcp:
            attempt.answered_after(now - self._sent[0])
