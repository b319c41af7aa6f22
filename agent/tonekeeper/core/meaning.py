"""What a final response to OPTIONS says about the server that sent it (RFC 3261 section 21; facts: standards 2.1).

Any answer proves the path and the process. The code says how the server feels: a 404 or a 405 is a healthy server
that dislikes the question; 5xx and 408 are trouble at or behind it; 3xx, 482 and 483 to a probe with a normal
Max-Forwards mean that the probe ended somewhere else; 503 with Retry-After, or for
maintenance, is a wish to be left alone.
"""

from __future__ import annotations

from enum import StrEnum

from tonekeeper.wire.sip.reply import SipReply

LONGEST_HOLD = 3600.0
"""Seconds: a Retry-After beyond this is honoured no longer, or one bad answer would blind us for years."""


class Meaning(StrEnum):
    PROVISIONAL = "provisional"
    ALIVE = "alive"
    DEGRADED = "degraded"
    DRAINING = "draining"


_TROUBLE = frozenset({408, 482, 483})


def meaning_of(reply: SipReply) -> Meaning:
    if reply.status < 200:
        return Meaning.PROVISIONAL
    if reply.status == 503 and (reply.retry_after or "maintenance" in reply.reason.lower()):
        return Meaning.DRAINING
    if reply.status // 100 in (3, 5) and reply.status not in (501, 505, 513):
        return Meaning.DEGRADED
    return Meaning.DEGRADED if reply.status in _TROUBLE else Meaning.ALIVE


def hold_of(reply: SipReply) -> float:
    """Seconds that the server asks to be left alone, within our limit."""
    return min(LONGEST_HOLD, float(reply.retry_after or 0))
