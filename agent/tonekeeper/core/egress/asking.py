"""Whether anything comes back: OPTIONS over UDP, or a TCP connection.

    asking --an answer--> ANSWERED
           --the same sign twice, or once and then silence--> what the sign says
           --silence--> SILENT

An answer outweighs every sign, and one sign alone may be an accident (an ARP entry that was just being made), so the
second one decides. Over UDP some of the requests are written unusually: where only these are answered, something on
the way reads SIP and keeps it back, and the usual ones are asked once more. That takes 7 packets and 6.2 s at most,
and 5 and 2.5 s more to make sure of a gateway; a connection is tried twice, 3.5 s each, 6 SYN together.
"""

from __future__ import annotations

from tonekeeper.core.egress.exchange import Exchange, Try
from tonekeeper.core.egress.messages import (
    Command,
    Connect,
    Connected,
    ConnectionFailed,
    ReplyReceived,
    SendRefused,
)
from tonekeeper.core.egress.result import Icmp, Outcome
from tonekeeper.core.egress.signs import Sign, sign_of_connection, sign_of_errno, sign_of_icmp
from tonekeeper.core.instants import NEVER

TRIES = (Try(0.5), Try(0.5), Try(0.4, unusual=True), Try(0.6), Try(0.5, unusual=True), Try(2.2), Try(1.5))
"""The long pause is for Linux routers: one without a route that has sent too many ICMP errors sends none as long as it
is asked more often than every 2 s, for both of its rate limits draw from one bucket (ip_error, icmp_send)."""
SURE = tuple(Try(0.5) for _ in range(5))
"""Asked where only unusual requests were answered."""
SOON = 0.3
"""Seconds from a sign to the next try: routers limit how often they send one."""
CONNECTING = 3.5
"""Seconds: the kernel has then sent three SYN, at 0, 1 and 3 s."""
CONNECTIONS = 2


class Evidence:
    """Signs so far, and the verdict they come to."""

    def __init__(self) -> None:
        self._seen: list[Sign] = []

    def add(self, sign: Sign) -> bool:
        """Whether it is the second one that says so."""
        known = any(one.outcome is sign.outcome for one in self._seen)
        self._seen.append(sign)
        return known

    def verdict(self) -> Sign:
        """Where nothing was answered: the latest sign, else silence."""
        return self._seen[-1] if self._seen else Sign(Outcome.SILENT, "no answer, and no error either")


class Asking:
    """Over UDP."""

    def __init__(self, local: str, now: float) -> None:
        self.verdict: Sign | None = None
        self.round_trip = 0.0
        """Seconds; 0 where nothing was answered."""
        self.unusual_answered = False
        self._local = local
        self._evidence = Evidence()
        self._exchange = Exchange(TRIES, now)
        self._is_sure = False

    def next_deadline(self) -> float:
        return self._exchange.next_deadline()

    def on_deadline(self, token: str, now: float) -> list[Command]:
        command = self._exchange.on_deadline(token, now)
        if command is None and self._exchange.given_up:
            self._give_up(now)
        return [] if command is None else [command]

    def hear(self, reply: ReplyReceived, now: float) -> None:
        if self._exchange.hear(reply, now) and self._exchange.is_answered and self.verdict is None:
            self.round_trip = self._exchange.took
            self.unusual_answered = False
            words = f"{reply.status} after {self.round_trip * 1000:.0f} ms"
            self.verdict = Sign(Outcome.ANSWERED, words)

    def hear_icmp(self, icmp: Icmp, now: float) -> None:
        self._take(sign_of_icmp(icmp, self._local), now)

    def refused(self, event: SendRefused, now: float) -> None:
        self._take(sign_of_errno(event.errno), now)

    def _take(self, sign: Sign | None, now: float) -> None:
        if sign is None or self.verdict is not None:
            return
        if self._evidence.add(sign):
            self.verdict = sign
        self._exchange.due = min(self._exchange.due, now + SOON)

    def _give_up(self, now: float) -> None:
        if self._exchange.unusual_answered and not self._is_sure:
            self._is_sure = self.unusual_answered = True
            self._exchange = Exchange(SURE, now)
            return
        self.verdict = self._evidence.verdict()


class Connecting:
    """Over TCP and TLS."""

    def __init__(self) -> None:
        self.verdict: Sign | None = None
        self._evidence = Evidence()
        self._tried = 0
        self._due = 0.0
        self._began = 0.0

    def next_deadline(self) -> float:
        return NEVER if self.verdict is not None else self._due

    def on_deadline(self, now: float) -> list[Command]:
        if now < self.next_deadline():
            return []
        if self._tried == CONNECTIONS:
            self.verdict = self._evidence.verdict()
            return []
        self._tried += 1
        self._began, self._due = now, now + CONNECTING
        return [Connect()]

    def hear(self, event: Connected | ConnectionFailed, now: float) -> None:
        if self.verdict is not None or not self._tried:
            return
        if isinstance(event, Connected):
            self.verdict = Sign(Outcome.ANSWERED, f"connected after {(now - self._began) * 1000:.0f} ms")
            return
        sign = sign_of_icmp(event.icmp, event.local) if event.icmp is not None else sign_of_connection(event.errno)
        if sign is not None and self._evidence.add(sign):
            self.verdict = sign
        self._due = min(self._due, now + SOON)
