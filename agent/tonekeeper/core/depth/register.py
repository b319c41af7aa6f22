"""REGISTER of a contact of our own, and its removal: the way every phone of the site has to go (RFC 3261 section 10).

    registering  ->  removing  ->  over

The contact has a user part that no other has, so adding and removing it touches no other binding of the account, and
it would expire by itself. It is removed where it was accepted, and where no answer tells whether it was.
"""

from __future__ import annotations

from enum import Enum, auto

from tonekeeper.core.depth.conclusion import Conclusion
from tonekeeper.core.depth.inquiry import Inquiry, Signalling
from tonekeeper.core.depth.messages import Command
from tonekeeper.core.depth.part import CLEANUP_PATIENCE, PATIENCE
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.dialog import Dialog
from tonekeeper.wire.sip.grammar import param, parse_number
from tonekeeper.wire.sip.message import Request, Response
from tonekeeper.wire.sip.requests import register_headers
from tonekeeper.wire.sip.uri import SipUri

EXPIRES = 60
"""Seconds that the contact is asked to live."""
LONGEST_EXPIRES = 3600
"""Where the server asks for more, it is left alone: a contact that cannot be removed would stay for that long."""


class _State(Enum):
    REGISTERING = auto()
    REMOVING = auto()
    OVER = auto()


class Registering:
    voice = None
    messages_waiting = None

    def __init__(self, signalling: Signalling) -> None:
        self.conclusion: Conclusion | None = None
        self.left_behind = ""
        self._signalling = signalling
        account, draw = signalling.question.account, signalling.identifiers.draw
        self._contact = signalling.sender.contact(f"tonekeeper-{draw(12)}")
        self._dialog = Dialog(
            call_id=draw(), local=account, local_tag=draw(), remote=account, target=signalling.question.registrar
        )
        self._state = _State.REGISTERING
        self._expires = EXPIRES
        self._inquiry = self._register(EXPIRES, PATIENCE)
        self._gives_up_at = 0.0

    @property
    def is_over(self) -> bool:
        return self._state is _State.OVER

    def begin(self, now: float) -> list[Command]:
        self._gives_up_at = now + PATIENCE
        return self._inquiry.begin(now)

    def next_deadline(self) -> float:
        return self._inquiry.next_deadline()

    def on_deadline(self, now: float) -> list[Command]:
        return self._inquiry.on_deadline(now) + self._go_on(now)

    def hear_response(self, response: Response, now: float) -> list[Command]:
        return self._inquiry.hear(response, now) + self._go_on(now)

    def hear_request(self, request: Request, now: float) -> int:
        return 481

    def give_up(self, conclusion: Conclusion) -> list[Command]:
        was_abandoned = conclusion.verdict is DepthVerdict.NOT_CHECKED
        was_taken = was_abandoned or self._signalling.impression.has_heard
        may_be_bound = self._inquiry.response is None and was_taken
        commands: list[Command] = []
        if self._state is _State.REGISTERING and may_be_bound:
            commands = self._register(0, CLEANUP_PATIENCE).begin(0.0)
        if may_be_bound:
            self._leave(conclusion.reason)
        self.conclusion = self.conclusion or conclusion
        self._state = _State.OVER
        return commands

    # --- from one state to the next

    def _register(self, expires: int, patience: float) -> Inquiry:
        headers = register_headers(self._contact, expires)
        return Inquiry(self._signalling, "REGISTER", self._dialog, headers=headers, patience=patience)

    def _go_on(self, now: float) -> list[Command]:
        conclusion, response = self._inquiry.conclusion, self._inquiry.response
        if conclusion is None or self.is_over:
            return []
        if self._state is _State.REMOVING:
            self._note_removal(conclusion, response)
            self._state = _State.OVER
            return []
        if response is not None and response.status == 423 and self._expires == EXPIRES:
            return self._register_longer(response, now)
        self.conclusion = conclusion
        if response is not None and conclusion.verdict is not DepthVerdict.PASSED:
            self._state = _State.OVER  # a REGISTER that fails changes nothing (section 10.3)
            return []
        if response is not None:
            self._expires = _granted(response, self._contact) or self._expires
        self._state = _State.REMOVING
        self._inquiry = self._register(0, CLEANUP_PATIENCE)
        return self._inquiry.begin(now)

    def _register_longer(self, response: Response, now: float) -> list[Command]:
        """423: the contact has to live longer than we asked for (section 21.4.17)."""
        try:
            least = parse_number("Min-Expires", response.header("min-expires") or "", 2**32 - 1)
        except DecodeError as error:
            return self._conclude(DepthVerdict.FAILED, f"REGISTER was answered 423: {error}")
        if not EXPIRES < least <= LONGEST_EXPIRES:
            reason = (
                f"it wants a contact to live for {least} s at least; the probe asks for {LONGEST_EXPIRES} s at most"
            )
            return self._conclude(DepthVerdict.NOT_CHECKED, reason)
        self._expires = least
        self._inquiry = self._register(least, max(self._gives_up_at - now, 0.0))
        return self._inquiry.begin(now)

    def _conclude(self, verdict: DepthVerdict, reason: str) -> list[Command]:
        self.conclusion = Conclusion(verdict, reason)
        self._state = _State.OVER
        return []

    def _note_removal(self, conclusion: Conclusion, response: Response | None) -> None:
        if conclusion.verdict is not DepthVerdict.PASSED:
            self._leave(conclusion.reason)
        elif response is not None and _granted(response, self._contact):
            self._leave("it is still listed")

    def _leave(self, reason: str) -> None:
        self.left_behind = f"the contact {self._contact} may stay for {self._expires} s: {reason}"


def _granted(response: Response, contact: SipUri) -> int:
    """Seconds that `contact` is bound for, as a 200 lists it (section 10.3, step 8); 0 where it is not listed."""
    try:
        listed = [known for known in response.contacts() if isinstance(known.uri, SipUri)]
        for known in listed:
            if isinstance(known.uri, SipUri) and known.uri.user == contact.user:
                stated = param(known.params, "expires") or response.header("expires") or str(EXPIRES)
                return parse_number("expires", stated, 2**32 - 1)
    except DecodeError:
        return 0
    return 0
