"""The connection that tells whether idle TCP connections can be measured, and that the server still speaks.

A connection whose entry the NAT has forgotten looks alive to whoever asks over it: Linux takes a packet outwards in the
middle of a connection for a new one (nf_conntrack_tcp_loose), and many others do. Only what the server says first on an
idle connection proves that it was known. So the asker of reach.py asks over UDP for an answer over a connection:
RESPONSE-PORT names it, REQUESTED-TRANSPORT (RFC 8656) says TCP. The reflector does that. Others know RESPONSE-PORT for
datagrams only, and coturn resets connections that nobody allocates anything on after 60 s (4.6.1; `stun-only`: 3 s).

The *control* connection asks for itself first, and then is the first that an answer is asked to. While others are
idle it goes on asking for itself: what is silent although the server is heard here is dead, and not the server.
"""

from __future__ import annotations

from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat.attempt import Attempt
from tonekeeper.core.nat.messages import Command
from tonekeeper.core.nat.transaction import Outcome, Transaction
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import TCP, StunClass, StunMessage


class Control:
    """`refusal`: why connections cannot be measured; empty when they can, None while that is not known."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.socket = 0
        self.refusal: str | None = None
        self._asker = 0
        self._own: Transaction | None = None
        self._redirected: Transaction | None = None

    @property
    def is_over(self) -> bool:
        return self.refusal is not None

    def begin(self, asker: int) -> list[Command]:
        self._asker = asker
        command = self.attempt.open_connection()
        self.socket = command.socket
        return [command]

    def opened(self, now: float) -> None:
        self._own = Transaction(self.socket, self.attempt.server, due=now, sends=1)

    def refused(self, reason: str) -> None:
        self.refusal = reason

    def ended(self, reason: str) -> None:
        self.refusal = self.refusal or f"the TCP connection to {self.attempt.server} was ended: {reason}"

    def next_deadline(self) -> float:
        if self.is_over:
            return NEVER
        return min((one.next_deadline() for one in (self._own, self._redirected) if one is not None), default=NEVER)

    def on_deadline(self, token: str, now: float) -> list[Command]:
        for one in (self._own, self._redirected):
            if one is not None and one.next_deadline() <= now:
                command = one.on_deadline(token, now, self.attempt)
                self._conclude(now)
                return [command] if command is not None else []
        return []

    def hear(self, socket: int, source: Endpoint, message: StunMessage, now: float) -> bool:
        """Whether it was an answer to one of these two."""
        for one in (self._own, self._redirected):
            if one is not None and one.is_answer(message):
                one.hear(socket, source, message, now, self.attempt)
                self._conclude(now)
                return True
        return False

    def _conclude(self, now: float) -> None:
        if self.is_over or self._own is None or self._own.outcome is Outcome.PENDING:
            return
        mapped = self._own.answer.mapped if self._own.answer is not None else None
        if mapped is None or self.attempt.mapped is None:
            self.refusal = f"no answer from {self.attempt.server} over TCP"
        elif mapped.host != self.attempt.mapped.host:
            self.refusal = f"the NAT gives TCP another address, {mapped.host}"
        elif self._redirected is None:
            self._redirected = Transaction(
                self._asker, self.attempt.server, response_port=mapped.port, requested_transport=TCP, due=now
            )
        elif self._redirected.outcome is not Outcome.PENDING:
            self.refusal = self._why_not(self._redirected)

    def _why_not(self, redirected: Transaction) -> str:
        answer = redirected.answer
        if answer is not None and answer.stun_class is StunClass.ERROR:
            code = answer.error.code if answer.error is not None else "an error"
            return f"the server does not speak first over TCP ({code}), which a reflector does"
        if redirected.answered_on != self.socket:
            return "the server does not speak first over TCP, which a reflector does"
        return ""
