"""What a probe has seen of the server on the way: what tells two servers apart that should be alike."""

from __future__ import annotations

from tonekeeper.core.depth.conclusion import Conclusion
from tonekeeper.core.depth.result import DepthResult, VoiceQuality
from tonekeeper.core.site import Depth
from tonekeeper.wire.sip.challenge import Challenge
from tonekeeper.wire.sip.grammar import for_people
from tonekeeper.wire.sip.message import Response
from tonekeeper.wire.sip.reply import server_of

_MOST_OPTIONS = 40


class Impression:
    def __init__(self) -> None:
        self.realm = ""
        self.algorithm = ""
        self._statuses: list[int] = []
        self._server = ""
        self._options: dict[str, tuple[str, ...]] = {"allow": (), "supported": (), "accept": ()}

    def note(self, response: Response) -> None:
        if response.status >= 200:
            self._statuses.append(response.status)
        self._server = server_of(response) or self._server
        for name in self._options:
            values = response.header_values(name)
            if values:
                self._options[name] = _options(values)

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
            allow=self._options["allow"],
            supported=self._options["supported"],
            accept=self._options["accept"],
            voice=voice,
            messages_waiting=messages_waiting,
            left_behind=left_behind,
        )


def _options(values: tuple[str, ...]) -> tuple[str, ...]:
    """The tokens of a list, each once and in alphabetical order, without what is no token of ours to show."""
    tokens = {token.strip(" \t") for value in values for token in value.split(",")}
    return tuple(sorted(for_people(token) for token in tokens if token))[:_MOST_OPTIONS]
