"""A UDP flow and STUN on it: whether its peer answers binding requests, and where the NAT shows the flow.

    UNTRIED --an answer--> ANSWERS --MOST_TRIES in vain--> SILENT
    UNTRIED --TRIES in vain--> SILENT --a day later--> UNTRIED

- STUN on a SIP port breaks RFC 3261, and whoever sends it to a server that does not expect it may be shut out as an
  attacker. So a peer is asked only where it has said that it does this (RFC 5626 section 8); keeping.py decides that.
- A request is in vain once a probe that left after it was answered: before that, it is the path that may be silent.
- An answer proves that the binding lives and says how the NAT shows it. Whether the path is up is not for STUN to say.
- A new socket is a new flow, of which nothing is known.

Only keeping.py changes it. It settles: each request is followed by an answer or by a probe, and many in vain by a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tonekeeper.core.instants import LONG_AGO
from tonekeeper.wire.endpoint import Endpoint

TRIES, MOST_TRIES = 3, 7
"""Requests in vain in a row until a peer is taken for silent: one that has never answered, and one that has (as many as
RFC 8489 section 6.2.1 sends). Where every tenth packet is lost each way, three mislead once in 150 times, seven never.
"""
ASK_AGAIN = 86400.0
"""Seconds until a silent peer is asked again."""
TELL_AGAIN = 3600.0
"""Seconds between two lines in the log about a NAT that shows the flow otherwise, which some do with each packet."""


class PeerStun(StrEnum):
    UNTRIED = "untried"
    ANSWERS = "answers"
    SILENT = "silent"


@dataclass(slots=True)
class StunKeepalive:
    peer: PeerStun = PeerStun.UNTRIED
    asked: list[str] = field(default_factory=list)
    """Transaction ids of the requests since the last answer, latest last; MOST_TRIES at most."""
    asked_at: float = LONG_AGO
    waiting: bool = False
    """For the answer to the latest of them."""
    silent_until: float = LONG_AGO
    mapped: Endpoint | None = None
    """What the NAT made of our endpoint, by the latest answer."""
    told_at: float = LONG_AGO
    """When a change of it was told last."""

    def ask(self, transaction_id: str, now: float) -> None:
        self.asked = [*self.asked, transaction_id][-MOST_TRIES:]
        self.asked_at = now
        self.waiting = True

    def overdue(self) -> None:
        """The answer did not come in time; it still counts if it comes later."""
        self.waiting = False

    def rest(self) -> None:
        """The path has other worries, so that what was asked proves nothing."""
        self.asked.clear()
        self.waiting = False

    def in_vain(self, proven_at: float) -> bool:
        """Whether the peer was asked often enough; `proven_at`: when the latest probe left that was answered."""
        tries = MOST_TRIES if self.peer is PeerStun.ANSWERS else TRIES
        return len(self.asked) >= tries and proven_at >= self.asked_at

    def fall_silent(self, now: float) -> None:
        self.rest()
        self.peer = PeerStun.SILENT
        self.silent_until = now + ASK_AGAIN

    def may_be_asked(self, now: float) -> bool:
        """Whether it is not silent; a day makes it untried again."""
        if self.peer is PeerStun.SILENT and now >= self.silent_until:
            self.peer = PeerStun.UNTRIED
        return self.peer is not PeerStun.SILENT

    def answer(self, mapped: Endpoint) -> bool:
        """The peer answered. Whether the NAT now shows the flow otherwise than before."""
        self.rest()
        self.peer = PeerStun.ANSWERS
        before, self.mapped = self.mapped, mapped
        return before is not None and before != mapped

    def tells(self, now: float) -> bool:
        """Whether a change is worth a line; counted as told."""
        if now < self.told_at + TELL_AGAIN:
            return False
        self.told_at = now
        return True
