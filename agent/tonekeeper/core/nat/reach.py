"""Whether the server can be used: it answers, and it answers to another port when asked to (RFC 5780 section 7.5).

Two sockets stay open for the whole measurement. The *listener* hears what others asked for; the *asker* sends
requests whose answers go elsewhere. First each asks for itself, then the asker asks for an answer to the listener.
"""

from __future__ import annotations

from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat.attempt import Attempt
from tonekeeper.core.nat.messages import Command
from tonekeeper.core.nat.transaction import Outcome, Transaction
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import StunClass, StunMessage


class Reach:
    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.listener = 0
        self.asker = 0
        self.local: Endpoint | None = None
        self.heard_at = 0.0
        """When the listener heard the server last."""
        self.no_server = ""
        """Why nothing at all can be measured."""
        self.no_redirect: str | None = None
        """Why lifetimes cannot be measured; empty when they can, None while that is not known."""
        self._transactions: dict[str, Transaction] = {}

    @property
    def is_reached(self) -> bool:
        return self.attempt.mapped is not None and not self.no_server

    @property
    def is_over(self) -> bool:
        return bool(self.no_server) or self.no_redirect is not None

    def begin(self) -> list[Command]:
        listener, asker = self.attempt.open_socket(), self.attempt.open_socket()
        self.listener, self.asker = listener.socket, asker.socket
        return [listener, asker]

    def opened(self, socket: int, local: Endpoint) -> None:
        if local.host == self.attempt.server.host:
            self.no_server = f"the server {self.attempt.server} is this host"
            return
        role = "listener" if socket == self.listener else "asker"
        if role == "listener":
            self.local = local
        self._transactions[role] = Transaction(socket, self.attempt.server)

    def refused(self, reason: str) -> None:
        self.no_server = f"no socket could be opened: {reason}"

    def next_deadline(self) -> float:
        if self.is_over:
            return NEVER
        return min((one.next_deadline() for one in self._transactions.values()), default=NEVER)

    def on_deadline(self, token: str, now: float) -> list[Command]:
        due = min(self._transactions.values(), key=Transaction.next_deadline)
        command = due.on_deadline(token, now, self.attempt)
        self._conclude(now)
        return [command] if command is not None else []

    def hear(self, socket: int, source: Endpoint, message: StunMessage, now: float) -> bool:
        """Whether it was an answer to one of ours."""
        for transaction in self._transactions.values():
            if transaction.is_answer(message):
                transaction.hear(socket, source, message, now, self.attempt)
                if socket == self.listener:
                    self.heard_at = now
                self._conclude(now)
                return True
        return False

    def hear_icmp(self, socket: int, text: str) -> None:
        for transaction in self._transactions.values():
            if transaction.socket == socket:
                transaction.icmp = text

    def _conclude(self, now: float) -> None:
        if self.is_over or len(self._transactions) < 2:
            return
        listener, asker = self._transactions["listener"], self._transactions["asker"]
        self.no_server = _why_no_server(self.attempt, listener)
        if self.no_server or listener.answer is None or asker.outcome is Outcome.PENDING:
            return
        self.attempt.mapped = listener.answer.mapped
        self.attempt.other_address = listener.answer.other_address
        redirected = self._transactions.get("redirected")
        if redirected is None:
            self._ask_for_redirection(listener.answer, asker, now)
        elif redirected.outcome is not Outcome.PENDING:
            self.no_redirect = self._why_no_redirect(redirected)

    def _ask_for_redirection(self, listener: StunMessage, asker: Transaction, now: float) -> None:
        own, other = listener.mapped, asker.answer.mapped if asker.answer is not None else None
        if own is None or other is None:
            self.no_redirect = "the server answered one of two sockets only"
        elif own.host != other.host:
            self.no_redirect = f"the NAT gives two sockets two addresses, {own.host} and {other.host}"
        else:
            self._transactions["redirected"] = Transaction(
                self.asker, self.attempt.server, response_port=own.port, due=now
            )

    def _why_no_redirect(self, redirected: Transaction) -> str:
        answer = redirected.answer
        if answer is None:
            return "answers to another port (RESPONSE-PORT) do not come through"
        if answer.stun_class is StunClass.ERROR:
            return f"the server does not do RESPONSE-PORT: {_error(answer)}"
        if redirected.answered_on != self.listener:
            return "the server ignores RESPONSE-PORT (RFC 5780 section 7.5)"
        if redirected.answered_by != self.attempt.server:
            return f"the server answers to another port from another address, {redirected.answered_by}"
        return ""


def _why_no_server(attempt: Attempt, first: Transaction) -> str:
    """Empty as long as there is hope, and where there is nothing to complain about."""
    answer, server = first.answer, attempt.server
    if first.outcome is Outcome.PENDING:
        return ""
    if answer is None:
        icmp = f" ({first.icmp})" if first.icmp else ""
        refusal = f" ({attempt.refusal})" if attempt.refusal else ""
        return f"no answer from {server}{icmp}{refusal}"
    if answer.stun_class is StunClass.ERROR:
        return f"{server} refuses: {_error(answer)}"
    if first.answered_by != server:
        return f"{server} answers from another address, {first.answered_by}"
    if answer.mapped is None:
        return f"{server} does not say which address it sees"
    if answer.mapped.host == server.host:
        return f"the server {server} is behind the same NAT: its address is our own mapped one"
    return ""


def _error(answer: StunMessage) -> str:
    if answer.error is None:
        return "an error without a code"
    return f"{answer.error.code} {answer.error.reason}".rstrip()
