"""CANCEL of an INVITE that nobody answers in time (RFC 3261 section 9.1): sent after the first provisional response,
repeated until the INVITE has its final one."""

from __future__ import annotations

from tonekeeper.core.depth.inquiry import T1, T2, Inquiry, Signalling
from tonekeeper.core.depth.messages import Command, SendSip
from tonekeeper.core.instants import NEVER
from tonekeeper.wire.sip.requests import render_cancel


class Cancellation:
    def __init__(self, signalling: Signalling, invite: Inquiry) -> None:
        self.repeats_at = NEVER
        self._signalling = signalling
        self._invite = invite
        self._interval = T1
        self._data = b""

    @property
    def was_sent(self) -> bool:
        return bool(self._data)

    def go_on(self, now: float) -> list[Command]:
        """The CANCEL, where it is due: before the first provisional response it must not be sent."""
        if not self._invite.provisional or self._invite.response is not None:
            return []
        if not self._data:
            invite, sender = self._invite, self._signalling.sender
            self._data = render_cancel(invite.dialog, sender, branch=invite.branch, cseq=invite.cseq)
        elif now < self.repeats_at:
            return []
        else:
            self._interval = min(2 * self._interval, T2)
        self.repeats_at = NEVER if self._signalling.is_reliable else now + self._interval
        return [SendSip(self._data)]
