"""A call to a number that echoes: INVITE, voice both ways for two seconds, BYE (RFC 3261 section 13).

    opening media  ->  inviting  ->  talking  ->  ending  ->  over
                          |                         ^
                          +---->  cancelling  ------+ (an answer that crossed the CANCEL)

Every call that was begun is ended: by BYE where it was answered, by CANCEL where it rang for too long, and a second
answer to the same INVITE is hung up at once. All requests go to the SBC, wherever its Contact points: it is this path
that is proven.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from tonekeeper.core.depth.cancellation import Cancellation
from tonekeeper.core.depth.conclusion import PASSED, Conclusion
from tonekeeper.core.depth.inquiry import Inquiry, Signalling
from tonekeeper.core.depth.media_answer import agreed
from tonekeeper.core.depth.messages import Command, OpenMedia, RtpReceived, SendSip
from tonekeeper.core.depth.part import CLEANUP_PATIENCE, PATIENCE
from tonekeeper.core.depth.result import DepthVerdict, VoiceQuality
from tonekeeper.core.depth.voice import PACKETS, PERIOD, Voice
from tonekeeper.core.instants import NEVER
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sdp import render_offer
from tonekeeper.wire.sip.dialog import Dialog
from tonekeeper.wire.sip.message import Request, Response
from tonekeeper.wire.sip.requests import invite_headers, render_ack

TAIL = 0.5
"""Seconds to wait for the last packets to come back."""

_IN_DIALOG = {"INVITE": 488, "OPTIONS": 200, "INFO": 200}
"""What the far end may ask during the call; anything else is not allowed."""


class _State(Enum):
    OPENING_MEDIA = auto()
    INVITING = auto()
    CANCELLING = auto()
    TALKING = auto()
    ENDING = auto()
    OVER = auto()


class Calling:
    messages_waiting = None

    def __init__(self, signalling: Signalling) -> None:
        self.conclusion: Conclusion | None = None
        self.left_behind = ""
        self.voice: VoiceQuality | None = None
        question, draw = signalling.question, signalling.identifiers.draw
        self._signalling = signalling
        self._dialog = Dialog(
            call_id=draw(), local=question.account, local_tag=draw(), remote=question.called, target=question.called
        )
        self._state = _State.OPENING_MEDIA
        self._state_ends_at = NEVER
        self._invite = Inquiry(signalling, "INVITE", self._dialog, patience=PATIENCE)
        self._cancellation = Cancellation(signalling, self._invite)
        self._bye = Inquiry(signalling, "BYE", self._dialog, patience=CLEANUP_PATIENCE)
        self._ack = b""
        self._invited_at = self._answered_at = 0.0
        self._talk: Voice | None = None
        self._media_broken = ""

    # --- the contract of a part

    @property
    def is_over(self) -> bool:
        return self._state is _State.OVER

    def begin(self, now: float) -> list[Command]:
        self._state_ends_at = now + PATIENCE
        return [OpenMedia()]

    def next_deadline(self) -> float:
        match self._state:
            case _State.OVER:
                return NEVER
            case _State.INVITING:
                return self._invite.next_deadline()
            case _State.CANCELLING:
                return min(self._state_ends_at, self._cancellation.repeats_at)
            case _State.ENDING:
                return self._bye.next_deadline()
            case _State.TALKING if self._talk is not None and self._talk.is_speaking:
                return self._talk.next_at
            case _:
                return self._state_ends_at

    def on_deadline(self, now: float) -> list[Command]:
        commands: list[Command] = []
        match self._state:
            case _State.INVITING:
                commands = self._invite.on_deadline(now)
            case _State.ENDING:
                commands = self._bye.on_deadline(now)
            case _State.TALKING if self._talk is not None and self._talk.is_speaking and now >= self._talk.next_at:
                commands = self._talk.speak(now)
            case _:
                pass
        return commands + self._go_on(now)

    def hear_response(self, response: Response, now: float) -> list[Command]:
        if response.cseq.method == "BYE":
            return self._bye.hear(response, now) + self._go_on(now)
        if 200 <= response.status < 300 and self._invite.is_answered_by(response):
            return self._hear_answer(response, now)
        return self._invite.hear(response, now) + self._go_on(now)

    def hear_request(self, request: Request, now: float) -> int:
        if request.call_id != self._dialog.call_id or request.to.tag != self._dialog.local_tag:
            return 481
        if request.method != "BYE":
            return _IN_DIALOG.get(request.method, 405)
        if self._state is _State.TALKING:
            self.conclusion = self._conclude_hung_up(now)
        elif self._state is not _State.ENDING:
            return 481
        self._state = _State.OVER
        return 200

    def give_up(self, conclusion: Conclusion) -> list[Command]:
        commands: list[Command] = []
        if self._state is _State.TALKING:
            commands = Inquiry(self._signalling, "BYE", self._dialog, patience=0.0).begin(0.0)
        elif self._state is _State.INVITING:
            commands = self._cancellation.go_on(0.0)
        if self._invite.provisional or self._ack:
            self._leave(conclusion.reason)
        self.conclusion = self.conclusion or conclusion
        self._state = _State.OVER
        return commands

    # --- media

    def media_opened(self, local: Endpoint, now: float) -> list[Command]:
        if self._state is not _State.OPENING_MEDIA:
            return []
        signalling = self._signalling
        contact = signalling.sender.contact(signalling.question.user)
        offer = render_offer(local, signalling.identifiers.number(31))
        headers = invite_headers(contact)
        self._invite = Inquiry(signalling, "INVITE", self._dialog, headers=headers, body=offer, patience=PATIENCE)
        self._cancellation = Cancellation(signalling, self._invite)
        self._state, self._invited_at = _State.INVITING, now
        return self._invite.begin(now)

    def media_refused(self, reason: str) -> list[Command]:
        if self._state is not _State.OPENING_MEDIA:
            return []
        return self.give_up(Conclusion(DepthVerdict.NOT_CHECKED, f"no socket for media: {reason}"))

    def media_broken(self, reason: str) -> None:
        self._media_broken = self._media_broken or reason

    def hear_voice(self, event: RtpReceived, now: float) -> list[Command]:
        if self._talk is not None:
            self._talk.hear(event)
        return self._go_on(now)

    # --- from one state to the next

    def _go_on(self, now: float) -> list[Command]:
        match self._state:
            case _State.OPENING_MEDIA if now >= self._state_ends_at:
                return self.media_refused("it never opened")
            case _State.INVITING if self._invite.conclusion is not None:
                return self._end_inviting(self._invite.conclusion, now)
            case _State.CANCELLING:
                return self._go_on_cancelling(now)
            case _State.TALKING if now >= self._state_ends_at or (self._talk is not None and self._talk.is_complete):
                return self._hang_up(self._conclude_heard(), now)
            case _State.ENDING if self._bye.conclusion is not None:
                if self._bye.response is None:
                    self._leave(self._bye.conclusion.reason)
                self._state = _State.OVER
            case _:
                pass
        return []

    def _end_inviting(self, conclusion: Conclusion, now: float) -> list[Command]:
        self.conclusion = conclusion
        if self._invite.response is not None:
            self._state = _State.OVER
            return []
        # Whatever still comes of this INVITE has to be ended, even if nothing has come of it so far.
        self._state, self._state_ends_at = _State.CANCELLING, now + CLEANUP_PATIENCE
        return self._cancellation.go_on(now)

    def _go_on_cancelling(self, now: float) -> list[Command]:
        has_ended = self._invite.response is not None
        if not has_ended and now < self._state_ends_at:
            return self._cancellation.go_on(now)
        if not has_ended and self._cancellation.was_sent:
            self._leave("nothing final answers INVITE, nor its CANCEL")
        self._state = _State.OVER
        return []

    def _hear_answer(self, response: Response, now: float) -> list[Command]:
        """A 2xx: the first one, the same again because our ACK was lost, or that of another phone that rang."""
        if self._ack and response.to.tag == self._dialog.remote_tag:
            return [SendSip(self._ack)]
        if self._ack:
            dialog, _ = _established(self._invite.dialog, response)
            bye = Inquiry(self._signalling, "BYE", dialog, patience=0.0)
            return [SendSip(self._acknowledge(dialog)), *bye.begin(0.0)]
        self._invite.hear(response, now)
        self._answered_at = now
        self._dialog, fault = _established(self._invite.dialog, response)
        self._ack = self._acknowledge(self._dialog)
        end = self.conclusion or fault or self._begin_to_talk(response, now)
        return [SendSip(self._ack), *([] if end is None else self._hang_up(end, now))]

    def _begin_to_talk(self, response: Response, now: float) -> Conclusion | None:
        """None, or why there is nobody to talk to."""
        agreement = agreed(response, self._signalling.question.server)
        if isinstance(agreement, Conclusion):
            return agreement
        self._talk = Voice(self._signalling.identifiers, agreement, now)
        self._state, self._state_ends_at = _State.TALKING, now + PACKETS * PERIOD + TAIL
        return None

    def _conclude_heard(self) -> Conclusion:
        assert self._talk is not None
        self.voice = self._talk.quality(
            setup_s=self._answered_at - self._invited_at,
            signalling_round_trip_s=self._invite.round_trip_s,
            broken=self._media_broken,
        )
        if self.voice.one_way:
            return Conclusion(DepthVerdict.FAILED, f"the call was answered, but {self.voice.one_way}")
        return PASSED

    def _conclude_hung_up(self, now: float) -> Conclusion:
        heard, spoke = self._conclude_heard(), now - self._answered_at
        if heard.verdict is not DepthVerdict.PASSED or self._talk is None or not self._talk.is_speaking:
            return heard
        return Conclusion(DepthVerdict.FAILED, f"the far end hung up after {spoke:.1f} s")

    # --- ending what was begun

    def _hang_up(self, conclusion: Conclusion, now: float) -> list[Command]:
        self.conclusion = self.conclusion or conclusion
        self._state = _State.ENDING
        self._bye = Inquiry(self._signalling, "BYE", self._dialog, patience=CLEANUP_PATIENCE)
        return self._bye.begin(now)

    def _acknowledge(self, dialog: Dialog) -> bytes:
        """The ACK to a 2xx has the credentials of the INVITE (section 13.2.2.4)."""
        return render_ack(
            dialog,
            self._signalling.sender,
            branch=self._signalling.identifiers.branch(),
            cseq=self._invite.cseq,
            authorization=self._invite.authorization,
        )

    def _leave(self, reason: str) -> None:
        self.left_behind = f"the call to {self._dialog.remote} may go on until the far end notices: {reason}"


def _established(asked: Dialog, response: Response) -> tuple[Dialog, Conclusion | None]:
    """The dialog of a 2xx. Where it cannot be read whereto ACK and BYE should go, they go where the INVITE went."""
    try:
        return asked.answered_by(response), None
    except DecodeError as error:
        reason = f"INVITE was answered {response.status}: {error}"
        return replace(asked, remote_tag=response.to.tag), Conclusion(DepthVerdict.FAILED, reason)
