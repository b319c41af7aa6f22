"""Mapping and filtering behaviour (RFC 5780 sections 4.3 and 4.4), in the words of RFC 4787.

    mapping     one socket asks the server at its first address, at its other address, and there at the other port;
                what the NAT makes of the socket is the same for all of them or it is not
    filtering   another socket asks at the first address only, and for answers from elsewhere; what comes through
                tells what the NAT lets in

Both run side by side, and the two questions about filtering at the same time: an answer inwards opens nothing. A
server that has another port but no other address can tell some of it. That no answer came from elsewhere
means something only when the server was heard from there by the socket that had asked there.
"""

from __future__ import annotations

from enum import StrEnum

from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat.attempt import Attempt
from tonekeeper.core.nat.messages import Command
from tonekeeper.core.nat.result import NOT_CHECKED, Dependence
from tonekeeper.core.nat.transaction import Outcome, Transaction
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import ChangeRequest, StunClass, StunMessage


class _Test(StrEnum):
    FIRST = "first address"
    OTHER_ADDRESS = "other address"
    OTHER_ENDPOINT = "other address and port"
    FILTER_FIRST = "filtering, first address"
    FROM_OTHER_ENDPOINT = "answer from other address and port"
    FROM_OTHER_PORT = "answer from other port"


_FILTER_TESTS = (_Test.FILTER_FIRST, _Test.FROM_OTHER_ENDPOINT, _Test.FROM_OTHER_PORT)


class Behaviour:
    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.mapping = NOT_CHECKED
        self.filtering = NOT_CHECKED
        self.reasons: dict[str, str] = {}
        self.is_over = False
        self._sockets: dict[int, Endpoint | None] = {}
        self._tests: dict[_Test, Transaction] = {}

    def begin(self) -> list[Command]:
        if self.attempt.other_address is None or self.attempt.other_address == self.attempt.server:
            reason = f"{self.attempt.server} has no other address (OTHER-ADDRESS, RFC 5780 section 7.4)"
            self.reasons = {"mapping": reason, "filtering": reason}
            self.is_over = True
            return []
        commands = [self.attempt.open_socket(), self.attempt.open_socket()]
        self._sockets = {command.socket: None for command in commands}
        return [*commands]

    def opened(self, socket: int, local: Endpoint, now: float) -> None:
        if socket not in self._sockets:
            return
        self._sockets[socket] = local
        test = _Test.FIRST if socket == min(self._sockets) else _Test.FILTER_FIRST
        self._tests[test] = Transaction(socket, self.attempt.server, due=now)

    def refused(self, socket: int, reason: str) -> list[Command]:
        return self.give_up(f"a socket could not be opened: {reason}") if socket in self._sockets else []

    def next_deadline(self) -> float:
        if self.is_over:
            return NEVER
        return min((test.next_deadline() for test in self._tests.values()), default=NEVER)

    def on_deadline(self, token: str, now: float) -> list[Command]:
        due = min(self._tests.values(), key=Transaction.next_deadline)
        command = due.on_deadline(token, now, self.attempt)
        return ([command] if command is not None else []) + self._go_on(now)

    def hear(self, socket: int, source: Endpoint, message: StunMessage, now: float) -> list[Command]:
        for name, test in self._tests.items():
            if test.is_answer(message) and socket == test.socket and self._may_answer(name, source, message):
                test.hear(socket, source, message, now, self.attempt)
        return self._go_on(now)

    def give_up(self, reason: str) -> list[Command]:
        for part in ("mapping", "filtering"):
            if getattr(self, part) == NOT_CHECKED:
                self.reasons.setdefault(part, reason)
        return self._close()

    # --- what follows what

    def _may_answer(self, name: _Test, source: Endpoint, message: StunMessage) -> bool:
        """From where the answer was asked for; an error comes from where the question went."""
        asked, other = self._tests[name].destination, self.attempt.other_address
        if message.stun_class is StunClass.ERROR or other is None:
            return source == asked
        if name is _Test.FROM_OTHER_ENDPOINT:
            return source in (other, asked)
        if name is _Test.FROM_OTHER_PORT:
            return source in (Endpoint(asked.host, other.port), asked)
        return source == asked

    def _go_on(self, now: float) -> list[Command]:
        if self.is_over or len(self._tests) < 2:
            return []
        self._follow_mapping(now)
        self._follow_filtering(now)
        if any(test.outcome is Outcome.PENDING for test in self._tests.values()):
            return []
        self._conclude()
        return self._close()

    def _follow_mapping(self, now: float) -> None:
        other, server = self.attempt.other_address, self.attempt.server
        first = self._tests[_Test.FIRST]
        if other is None or first.outcome is not Outcome.ANSWERED or _Test.OTHER_ENDPOINT in self._tests:
            return
        if other.host != server.host:
            self._tests[_Test.OTHER_ADDRESS] = Transaction(first.socket, Endpoint(other.host, server.port), due=now)
        self._tests[_Test.OTHER_ENDPOINT] = Transaction(first.socket, other, due=now)

    def _follow_filtering(self, now: float) -> None:
        other, first = self.attempt.other_address, self._tests[_Test.FILTER_FIRST]
        if other is None or first.outcome is not Outcome.ANSWERED or _Test.FROM_OTHER_PORT in self._tests:
            return
        changes = {_Test.FROM_OTHER_PORT: ChangeRequest(address=False, port=True)}
        if other.host != self.attempt.server.host:
            changes[_Test.FROM_OTHER_ENDPOINT] = ChangeRequest(address=True, port=True)
        for name, change in changes.items():
            self._tests[name] = Transaction(first.socket, self.attempt.server, change_request=change, due=now)

    # --- what it means

    def _conclude(self) -> None:
        self.mapping, reason = self._mapping()
        if reason:
            self.reasons["mapping"] = reason
        self.filtering, reason = self._filtering()
        if reason:
            self.reasons["filtering"] = reason

    def _mapping(self) -> tuple[str, str]:
        """The behaviour, or not checked and why."""
        first = self._tests[_Test.FIRST]
        mapped = self._mapped(_Test.FIRST)
        if mapped is None:
            return NOT_CHECKED, f"no answer from {self.attempt.server} to a second socket"
        if mapped == self._sockets[first.socket]:
            return Dependence.NONE, ""
        elsewhere = self._mapped(_Test.OTHER_ENDPOINT)
        if _Test.OTHER_ADDRESS not in self._tests:
            return self._mapping_by_port_alone(mapped, elsewhere)
        at_other_address = self._mapped(_Test.OTHER_ADDRESS)
        if at_other_address == mapped:
            return Dependence.ENDPOINT_INDEPENDENT, ""
        if at_other_address is None or elsewhere is None:
            return NOT_CHECKED, f"no answer from the server's other address {self.attempt.other_address}"
        if at_other_address == elsewhere:
            return Dependence.ADDRESS_DEPENDENT, ""
        return Dependence.ADDRESS_AND_PORT_DEPENDENT, ""

    def _mapping_by_port_alone(self, mapped: Endpoint, elsewhere: Endpoint | None) -> tuple[str, str]:
        if elsewhere is None:
            return NOT_CHECKED, f"no answer from the server's other port {self.attempt.other_address}"
        if elsewhere != mapped:
            return Dependence.ADDRESS_AND_PORT_DEPENDENT, ""
        return NOT_CHECKED, "not port-dependent; the server has one address, so more cannot be told"

    def _mapped(self, name: _Test) -> Endpoint | None:
        answer = self._tests[name].answer if name in self._tests else None
        return answer.mapped if answer is not None and answer.stun_class is StunClass.SUCCESS else None

    def _filtering(self) -> tuple[str, str]:
        if self._tests[_Test.FILTER_FIRST].outcome is not Outcome.ANSWERED:
            return NOT_CHECKED, f"no answer from {self.attempt.server} to a second socket"
        reason = self._why_no_filtering()
        if reason:
            return NOT_CHECKED, reason
        from_port = self._tests[_Test.FROM_OTHER_PORT].answer is not None
        if _Test.FROM_OTHER_ENDPOINT not in self._tests:
            if from_port:
                return NOT_CHECKED, "not port-dependent; the server has one address, so more cannot be told"
            return Dependence.ADDRESS_AND_PORT_DEPENDENT, ""
        if self._tests[_Test.FROM_OTHER_ENDPOINT].answer is not None:
            return Dependence.ENDPOINT_INDEPENDENT, ""
        return (Dependence.ADDRESS_DEPENDENT if from_port else Dependence.ADDRESS_AND_PORT_DEPENDENT), ""

    def _why_no_filtering(self) -> str:
        """Empty where an answer from elsewhere would have come if the NAT had let it in."""
        for name in _FILTER_TESTS[1:]:
            test = self._tests.get(name)
            if test is None or test.answer is None:
                continue
            if test.answer.stun_class is StunClass.ERROR:
                code = test.answer.error.code if test.answer.error is not None else "an error"
                return f"the server does not do CHANGE-REQUEST: {code}"
            if test.answered_by == test.destination:
                return "the server ignores CHANGE-REQUEST (RFC 5780 section 7.2)"
        if self._tests.get(_Test.OTHER_ENDPOINT) is None or self._tests[_Test.OTHER_ENDPOINT].answer is None:
            return f"nothing is heard from the server's other address {self.attempt.other_address} at all"
        return ""

    def _close(self) -> list[Command]:
        self.is_over = True
        return [command for socket in self._sockets for command in self.attempt.close_socket(socket)]
