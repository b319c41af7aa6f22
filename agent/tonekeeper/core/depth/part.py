"""What a probe of one depth has to offer to the machine around it."""

from __future__ import annotations

from typing import Protocol

from tonekeeper.core.depth.conclusion import Conclusion
from tonekeeper.core.depth.messages import Command
from tonekeeper.core.depth.result import VoiceQuality
from tonekeeper.wire.sip.message import Request, Response

PATIENCE = 8.0
"""Seconds for the question: a person who dials waits no longer."""
CLEANUP_PATIENCE = 4.0
"""Seconds for ending what was begun."""


class Part(Protocol):
    @property
    def conclusion(self) -> Conclusion | None:
        """None until the question is answered."""

    @property
    def is_over(self) -> bool:
        """Answered, and cleaned up."""

    @property
    def left_behind(self) -> str: ...
    @property
    def voice(self) -> VoiceQuality | None: ...
    @property
    def messages_waiting(self) -> bool | None: ...

    def begin(self, now: float) -> list[Command]:
        """Signalling is open."""

    def next_deadline(self) -> float: ...
    def on_deadline(self, now: float) -> list[Command]: ...
    def hear_response(self, response: Response, now: float) -> list[Command]: ...

    def hear_request(self, request: Request, now: float) -> int:
        """The status to answer with."""

    def give_up(self, conclusion: Conclusion) -> list[Command]:
        """End what was begun with one last message, and wait for nothing. Over, with this unless it had concluded."""
