"""One deep probe of one path, from opening the signalling to the result.

    opening  ->  asking, and cleaning up (register.py, voicemail.py, call.py)  ->  Finished

The first `DeadlineReached` begins it. It takes 8 s at most until the question is answered (a call that is answered: its
two seconds longer), and 4 s more for cleaning up.
"""

from __future__ import annotations

from typing import assert_never

from tonekeeper.core.depth.call import Calling
from tonekeeper.core.depth.conclusion import Conclusion
from tonekeeper.core.depth.impression import Impression
from tonekeeper.core.depth.inquiry import Signalling
from tonekeeper.core.depth.messages import (
    Command,
    Event,
    GarbageReceived,
    MediaBroken,
    MediaOpened,
    MediaRefused,
    OpenSignalling,
    ProbeAbandoned,
    RtpReceived,
    SendSip,
    SignallingBroken,
    SignallingOpened,
    SignallingRefused,
    SipReceived,
)
from tonekeeper.core.depth.part import PATIENCE, Part
from tonekeeper.core.depth.question import Question
from tonekeeper.core.depth.register import Registering
from tonekeeper.core.depth.result import DepthResult, DepthVerdict
from tonekeeper.core.depth.voicemail import Fetching
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.site import Depth
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import Request
from tonekeeper.wire.sip.render import render_response
from tonekeeper.wire.sip.requests import ALLOW

_PHRASES = {200: "OK", 405: "Method Not Allowed", 481: "Call/Transaction Does Not Exist", 488: "Not Acceptable Here"}
_PHRASES[489] = "Bad Event"


class DepthProbe:
    """`handle(event, now)` and `next_deadline()`; `now` is monotonic seconds."""

    def __init__(self, question: Question, *, started: float) -> None:
        self._question = question
        self._started = started
        self._token = ""
        self._signalling: Signalling | None = None
        self._part: Part | None = None
        self._concluded_at: float | None = None
        self._is_over = False

    # --- the contract

    def handle(self, event: Event, now: float) -> list[Command]:
        if self._is_over:
            return []
        commands = self._tell(event, now)
        return commands + self._finish_when_over(now)

    def next_deadline(self) -> float | None:
        if self._is_over:
            return None
        if not self._token:
            return self._started
        return self._part.next_deadline() if self._part is not None else self._started + PATIENCE

    # --- telling the part

    def _tell(self, event: Event, now: float) -> list[Command]:
        match event:
            case DeadlineReached():
                return self._on_deadline(event.token, now)
            case SignallingOpened():
                return self._begin(event.local, now)
            case SignallingRefused() | SignallingBroken():
                return self._give_up(DepthVerdict.UNANSWERED, event.reason, now)
            case ProbeAbandoned():
                return self._give_up(DepthVerdict.NOT_CHECKED, f"abandoned: {event.reason}", now)
            case SipReceived():
                return self._hear(event, now)
            case GarbageReceived():
                if self._signalling is not None:
                    self._signalling.garbage = event.reason
            case MediaOpened() | MediaRefused() | MediaBroken() | RtpReceived():
                if isinstance(self._part, Calling):
                    return _tell_call(self._part, event, now)
            case _:
                assert_never(event)
        return []

    def _on_deadline(self, token: str, now: float) -> list[Command]:
        if not self._token:
            self._token = token
            return [OpenSignalling()]
        if self._part is not None:
            return self._part.on_deadline(now)
        if now >= self._started + PATIENCE:
            return self._give_up(DepthVerdict.UNANSWERED, f"no connection within {PATIENCE:g} s", now)
        return []

    def _begin(self, local: Endpoint, now: float) -> list[Command]:
        if self._part is not None or not self._token:
            return []
        self._signalling = Signalling(self._question, self._token, local)
        self._part = _part_for(self._question.depth, self._signalling)
        return self._part.begin(now)

    def _hear(self, event: SipReceived, now: float) -> list[Command]:
        if self._part is None:
            return []
        if not isinstance(event.message, Request):
            return self._part.hear_response(event.message, now)
        if event.message.method == "ACK":
            return []
        status = self._part.hear_request(event.message, now)
        return [SendSip(self._answer(event.message, status))]

    def _answer(self, request: Request, status: int) -> bytes:
        headers = (("Allow", ALLOW),) if status in (200, 405) else ()
        return render_response(request, status, _PHRASES[status], received=self._question.server, headers=headers)

    def _give_up(self, verdict: DepthVerdict, reason: str, now: float) -> list[Command]:
        conclusion = Conclusion(verdict, reason)
        if self._part is not None:
            return self._part.give_up(conclusion)
        return self._finish(Impression(), conclusion, now)

    # --- the end

    def _finish_when_over(self, now: float) -> list[Command]:
        part = self._part
        if self._is_over or part is None or part.conclusion is None or self._signalling is None:
            return []
        if self._concluded_at is None:
            self._concluded_at = now
        return self._finish(self._signalling.impression, part.conclusion, self._concluded_at) if part.is_over else []

    def _finish(self, impression: Impression, conclusion: Conclusion, concluded_at: float) -> list[Command]:
        self._is_over = True
        part = self._part
        result: DepthResult = impression.result(
            self._question.depth,
            conclusion,
            elapsed_s=concluded_at - self._started,
            left_behind=part.left_behind if part is not None else "",
            voice=part.voice if part is not None else None,
            messages_waiting=part.messages_waiting if part is not None else None,
        )
        return [Finished(result)]


def _part_for(depth: Depth, signalling: Signalling) -> Part:
    match depth:
        case Depth.REGISTER:
            return Registering(signalling)
        case Depth.CALL:
            return Calling(signalling)
        case Depth.VOICEMAIL:
            return Fetching(signalling)
        case _:
            assert_never(depth)


def _tell_call(
    call: Calling, event: MediaOpened | MediaRefused | MediaBroken | RtpReceived, now: float
) -> list[Command]:
    match event:
        case MediaOpened():
            return call.media_opened(event.local, now)
        case MediaRefused():
            return call.media_refused(event.reason)
        case RtpReceived():
            return call.hear_voice(event, now)
        case MediaBroken():
            call.media_broken(event.reason)
            return []
        case _:
            assert_never(event)
