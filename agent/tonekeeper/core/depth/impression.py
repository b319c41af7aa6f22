"""What a probe has seen of the server on the way: what tells two servers apart that should be alike."""

from __future__ import annotations

from tonekeeper.core.depth.conclusion import Conclusion
from tonekeeper.core.depth.result import DepthResult, VoiceQuality
from tonekeeper.core.site import Depth
from tonekeeper.wire.sip.challenge import Challenge
from tonekeeper.wire.sip.grammar import for_people
from tonekeeper.wire.sip.message import Response
from tonekeeper.wire.sip.self_description import self_description_of


class Impression:
    def __init__(self) -> None:
        self.has_heard = False
        self.realm = ""
        self.algorithm = ""
        self._statuses: list[int] = []
        self._server = ""

    def note(self, response: Response) -> None:
        self.has_heard = True
        if response.status >= 200:
            self._statuses.append(response.status)
        self._server = self_description_of(response).server or self._server

    def note_challenge(self, challenge: Challenge) -> None:
        self.realm, self.algorithm = for_people(challenge.realm), challenge.algorithm

    def result(
        self,
        depth: Depth,
        conclusion: Conclusion,
        *,
        elapsed_s: float,
        left_behind: str = "",
        voice: VoiceQuality | None = None,
        messages_waiting: bool | None = None,
    ) -> DepthResult:
        return DepthResult(
            depth=depth,
            verdict=conclusion.verdict,
            reason=conclusion.reason,
            statuses=tuple(self._statuses),
            elapsed_s=round(elapsed_s, 3),
            retry_after=conclusion.retry_after,
            realm=self.realm,
            algorithm=self.algorithm,
            server=self._server,
            voice=voice,
            messages_waiting=messages_waiting,
            left_behind=left_behind,
        )
