"""Challenges of one probe: each is answered once, and once more where only the nonce was too old.

A password that is refused twice may lock the account for everybody who uses it. So a second challenge without `stale`
is the end, unless the server had accepted the password before: then it is the nonce that it wants to be fresh.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.depth.conclusion import Conclusion
from tonekeeper.core.depth.identifiers import Identifiers
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.challenge import Challenge, parse_challenges
from tonekeeper.wire.sip.digest import Credentials, answer, strongest
from tonekeeper.wire.sip.grammar import for_people
from tonekeeper.wire.sip.message import Headers, Response

_FIELDS = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}
"""Where a status puts its challenge, and where the answer belongs (RFC 3261 sections 22.2 and 22.3)."""


@dataclass(slots=True)
class _Answered:
    challenge: Challenge
    count: int = 0
    was_stale: bool = False
    is_accepted: bool = False


class Authentication:
    def __init__(self, credentials: Credentials | None, identifiers: Identifiers) -> None:
        self._credentials = credentials
        self._identifiers = identifiers
        self._answered: dict[int, _Answered] = {}

    def headers(self, method: str, uri: str, body: bytes = b"") -> Headers:
        """Answers to all challenges so far, for one request; a server and a proxy may each want their own."""
        if self._credentials is None:
            return ()
        headers: list[tuple[str, str]] = []
        for status, known in self._answered.items():
            known.count += 1
            value = answer(
                known.challenge,
                self._credentials,
                method=method,
                uri=uri,
                cnonce=self._identifiers.draw(),
                nonce_count=known.count,
                body=body,
            )
            headers.append((_FIELDS[status][1], value))
        return tuple(headers)

    def accept(self) -> None:
        """A request with these answers was accepted."""
        for known in self._answered.values():
            known.is_accepted, known.was_stale = True, False

    def take(self, response: Response) -> Challenge | Conclusion:
        """The challenge of a 401 or 407 that the next request answers, or why there must be no next request."""
        challenges = _challenges_in(response)
        if isinstance(challenges, Conclusion):
            return challenges
        chosen = strongest(challenges)
        if chosen is None:
            asked = ", ".join(sorted({for_people(challenge.algorithm) for challenge in challenges})) or "no Digest"
            return Conclusion(DepthVerdict.NOT_CHECKED, f"it asks for an authentication not known here: {asked}")
        if self._credentials is None:
            reason = f"it asks for a password for {for_people(chosen.realm)!r}, and none is configured"
            return Conclusion(DepthVerdict.NOT_CHECKED, reason)
        before = self._answered.get(response.status)
        if before is not None and not _may_try_again(before, chosen):
            return self._refused(response, chosen)
        self._answered[response.status] = _Answered(chosen, was_stale=before is not None)
        return chosen

    def _refused(self, response: Response, challenge: Challenge) -> Conclusion:
        method = response.cseq.method
        if challenge.stale:
            return Conclusion(DepthVerdict.FAILED, f"{method}: it calls a nonce too old that it has just given")
        assert self._credentials is not None
        who = f"user {for_people(self._credentials.user)!r} in realm {for_people(challenge.realm)!r}"
        return Conclusion(DepthVerdict.DENIED, f"{method}: the password of {who} was refused with {response.status}")


def _may_try_again(before: _Answered, challenge: Challenge) -> bool:
    return (challenge.stale or before.is_accepted) and not before.was_stale


def _challenges_in(response: Response) -> tuple[Challenge, ...] | Conclusion:
    values = response.header_values(_FIELDS[response.status][0])
    try:
        return tuple(challenge for value in values for challenge in parse_challenges(value))
    except DecodeError as error:
        return Conclusion(DepthVerdict.FAILED, f"{response.cseq.method} was answered {response.status}: {error}")
