"""What one final answer, or its absence, means for the question of a probe."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.wire.sip.grammar import for_people
from tonekeeper.wire.sip.message import Response
from tonekeeper.wire.sip.reply import retry_after_of


@dataclass(frozen=True, slots=True)
class Conclusion:
    verdict: DepthVerdict
    reason: str = ""
    retry_after: int | None = None


PASSED = Conclusion(DepthVerdict.PASSED)

_MEANINGS: dict[tuple[str, int], tuple[DepthVerdict, str]] = {
    ("REGISTER", 403): (DepthVerdict.DENIED, "the account may not register there"),
    ("REGISTER", 404): (DepthVerdict.DENIED, "the account is not known there"),
    ("INVITE", 403): (DepthVerdict.DENIED, "the account may not call this number"),
    ("INVITE", 404): (DepthVerdict.FAILED, "the number is not known there"),
    ("INVITE", 480): (DepthVerdict.FAILED, "nobody answers the number"),
    ("INVITE", 484): (DepthVerdict.FAILED, "the number is not complete"),
    ("INVITE", 486): (DepthVerdict.NOT_CHECKED, "the number is busy"),
    ("INVITE", 600): (DepthVerdict.NOT_CHECKED, "the number is busy"),
    ("INVITE", 488): (DepthVerdict.FAILED, "G.711 is not accepted"),
    ("INVITE", 606): (DepthVerdict.FAILED, "G.711 is not accepted"),
    ("SUBSCRIBE", 403): (DepthVerdict.DENIED, "the account may not ask for this mailbox"),
    ("SUBSCRIBE", 404): (DepthVerdict.FAILED, "the mailbox is not known there"),
    ("SUBSCRIBE", 405): (DepthVerdict.FAILED, "it takes no subscriptions"),
    ("SUBSCRIBE", 489): (DepthVerdict.FAILED, "it knows nothing of message-summary"),
    ("SUBSCRIBE", 501): (DepthVerdict.FAILED, "it takes no subscriptions"),
}


def conclude(response: Response) -> Conclusion:
    """What a final response other than a challenge means (RFC 3261 section 21)."""
    method, status = response.cseq.method, response.status
    if 200 <= status < 300:
        return PASSED
    answered = f"{method} was answered {status} {for_people(response.reason)}".rstrip()
    wait = retry_after_of(response) if status in (480, 500, 503, 600) else None
    if status == 503 and wait is not None:
        return Conclusion(DepthVerdict.DRAINING, f"{answered}: it asks to be left alone for {wait} s", wait)
    if 300 <= status < 400:
        return Conclusion(DepthVerdict.NOT_CHECKED, f"{answered}: the probe stays with this address", wait)
    verdict, meaning = _MEANINGS.get((method, status), (DepthVerdict.FAILED, ""))
    return Conclusion(verdict, f"{answered}: {meaning}" if meaning else answered, wait)
