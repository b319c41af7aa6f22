"""What one deep probe found: a verdict, its reason, and what was seen of the server on the way.

Nothing in here is secret, so it may stand in the journal, in the report and in a log line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.site import Depth


class DepthVerdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    """The server spoke, and what was asked for does not work."""
    DENIED = "denied"
    """It works, but not with the credentials we have: the account's fault or the authentication path's."""
    DRAINING = "draining"
    """The server asks to be left alone: 503 with Retry-After."""
    UNANSWERED = "unanswered"
    """It did not answer in time, or nothing could be sent to it."""
    NOT_CHECKED = "not-checked"
    """Something of ours was missing, or an answer that this probe must not follow."""


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """What a call sounds like. `core/depth/voice_quality.py` has the formulas."""

    setup_s: float
    """From the first INVITE to the 2xx."""
    sent: int
    """RTP packets."""
    received: int
    """RTP packets of the far end, duplicates not counted."""
    loss: float
    """0..1, of the whole way: there and back where the far end returns our own packets."""
    loss_in: float | None = None
    """0..1, on the way to us (RFC 3550 A.3); None where the way back cannot be told from the way there."""
    jitter_ms: float | None = None
    """RFC 3550 6.4.1, A.8; None for fewer than two packets."""
    round_trip_ms: float | None = None
    """Of RTP where our own packets come back, else of SIP; None where neither was measured."""
    r_factor: float | None = None
    """0..100 (ITU-T G.107); None where nothing was heard."""
    mos: float | None = None
    """1..4.5, conversational quality estimated from `r_factor` (G.107 annex B)."""
    one_way: str = ""
    """Empty where both ways carry; else in words: "nothing comes back"."""


@dataclass(frozen=True, slots=True)
class DepthResult:
    depth: Depth
    verdict: DepthVerdict
    reason: str = ""
    """A sentence for a technician; empty where it passed."""
    statuses: tuple[int, ...] = ()
    """Final responses in the order of their coming, those to cleaning up included."""
    elapsed_s: float = 0.0
    """Until the question of this depth was answered; cleaning up is not counted."""
    retry_after: int | None = None
    """Seconds, as the server asked."""
    realm: str = ""
    algorithm: str = ""
    """Of the challenge that was answered: MD5, SHA-256 ...; empty where none was."""
    server: str = ""
    """Server, else User-Agent."""
    voice: VoiceQuality | None = None
    messages_waiting: bool | None = None
    left_behind: str = ""
    """What could not be cleaned up, a sentence: a contact that expires by itself, a call that was not ended."""
