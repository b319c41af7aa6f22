"""SUBSCRIBE to a mailbox, once, and the NOTIFY that tells its state (RFC 3842, RFC 6665 section 4.4.3).

The NOTIFY may come before the answer to the SUBSCRIBE. An answer alone proves nothing: it is the NOTIFY that has to
find its way from the mailbox to a phone.
"""

from __future__ import annotations

from tonekeeper.core.depth.conclusion import Conclusion
from tonekeeper.core.depth.inquiry import Inquiry, Signalling
from tonekeeper.core.depth.messages import Command
from tonekeeper.core.depth.part import PATIENCE
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.core.instants import NEVER
from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.dialog import Dialog
from tonekeeper.wire.sip.grammar import for_people, param, parse_params
from tonekeeper.wire.sip.message import Request, Response
from tonekeeper.wire.sip.message_summary import SUMMARY_EVENT, decode_message_summary
from tonekeeper.wire.sip.requests import subscribe_headers

NOTIFY_PATIENCE = 5.0
"""Seconds from a 2xx to the NOTIFY."""


class Fetching:
    voice = None
    left_behind = ""

    def __init__(self, signalling: Signalling) -> None:
        self.conclusion: Conclusion | None = None
        self.messages_waiting: bool | None = None
        question, draw = signalling.question, signalling.identifiers.draw
        self._dialog = Dialog(
            call_id=draw(), local=question.account, local_tag=draw(), remote=question.called, target=question.called
        )
        headers = subscribe_headers(signalling.sender.contact(question.user))
        self._inquiry = Inquiry(signalling, "SUBSCRIBE", self._dialog, headers=headers, patience=PATIENCE)
        self._told: Conclusion | None = None
        self._gives_up_at = NEVER

    @property
    def is_over(self) -> bool:
        return self.conclusion is not None

    def begin(self, now: float) -> list[Command]:
        return self._inquiry.begin(now)

    def next_deadline(self) -> float:
        return NEVER if self.is_over else min(self._inquiry.next_deadline(), self._gives_up_at)

    def on_deadline(self, now: float) -> list[Command]:
        commands = self._inquiry.on_deadline(now)
        self._go_on(now)
        return commands

    def hear_response(self, response: Response, now: float) -> list[Command]:
        commands = self._inquiry.hear(response, now)
        self._go_on(now)
        return commands

    def hear_request(self, request: Request, now: float) -> int:
        if request.method != "NOTIFY" or not self._is_ours(request):
            return 481
        if (request.header("event") or "").partition(";")[0].strip(" \t").lower() != SUMMARY_EVENT:
            return 489
        if self._told is None:
            self._told = self._read(request)
            self._go_on(now)
        return 200

    def give_up(self, conclusion: Conclusion) -> list[Command]:
        self.conclusion = self.conclusion or self._told or conclusion
        return []

    def _is_ours(self, request: Request) -> bool:
        return request.call_id == self._dialog.call_id and request.to.tag == self._dialog.local_tag

    def _go_on(self, now: float) -> None:
        asked = self._inquiry.conclusion
        if asked is None or self.conclusion is not None:
            return
        if self._told is not None:
            self.conclusion = self._told
        elif self._inquiry.response is None or asked.verdict is not DepthVerdict.PASSED:
            self.conclusion = asked
        elif self._gives_up_at == NEVER:
            self._gives_up_at = now + NOTIFY_PATIENCE
        elif now >= self._gives_up_at:
            status = self._inquiry.response.status
            reason = f"SUBSCRIBE was answered {status}, and no NOTIFY came within {NOTIFY_PATIENCE:g} s"
            self.conclusion = Conclusion(DepthVerdict.FAILED, reason)

    def _read(self, notify: Request) -> Conclusion:
        try:
            self.messages_waiting = decode_message_summary(notify.body).waiting
        except DecodeError as error:
            why = _ended_because(notify)
            reason = f"the mailbox does not tell its state: {why}" if why else f"the NOTIFY is of no use: {error}"
            return Conclusion(DepthVerdict.FAILED, reason)
        return Conclusion(DepthVerdict.PASSED)


def _ended_because(notify: Request) -> str:
    """The reason in Subscription-State (RFC 6665 section 4.1.3), empty where there is none."""
    stated = notify.header("subscription-state") or ""
    begin = stated.find(";")
    if begin < 0:
        return ""
    try:
        return for_people(param(parse_params("Subscription-State", stated, begin), "reason") or "")
    except DecodeError:
        return ""
