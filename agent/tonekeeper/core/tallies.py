"""Counts and times since the agent started, of one SBC: what a metrics system makes rates and shares of.

Nothing is judged by these. What a stranger can make grow is bounded: an SBC that answers with ever new status codes
gets a line of its own for the first MOST_CODES of them, all others share one for their class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tonekeeper.core.depth.result import DepthResult, DepthVerdict, VoiceQuality
from tonekeeper.core.site import Depth

MOST_CODES = 24
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 32.0)
"""Seconds: upper bounds of the buckets. 0.25 is a good registrar far away, 32 the end of a SIP transaction."""


@dataclass(slots=True)
class ResponseTally:
    by_code: dict[str, int] = field(default_factory=dict)
    """By "404", or "4xx" for the codes of a class that have no line of their own."""

    def count(self, status: int) -> None:
        key = str(status)
        if key not in self.by_code and len(self.by_code) >= MOST_CODES:
            key = f"{status // 100}xx"
        self.by_code[key] = self.by_code.get(key, 0) + 1


@dataclass(slots=True)
class Latency:
    count: int = 0
    sum_s: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    """How many fell between the bound before and this one; the last is for what took longer than all."""

    def add(self, seconds: float) -> None:
        self.count += 1
        self.sum_s += seconds
        self.buckets[sum(seconds > bound for bound in BOUNDS)] += 1

    def cumulative(self) -> Iterator[tuple[float | None, int]]:
        """Bound and how many took no longer; the last bound is None, for infinity."""
        total = 0
        for bound, count in zip((*BOUNDS, None), self.buckets, strict=True):
            total += count
            yield bound, total


@dataclass(slots=True)
class Attempts:
    """Of one kind of deep probe. Latency is of the successful ones: a timeout is no latency."""

    attempts: int = 0
    successes: int = 0
    latency: Latency = field(default_factory=Latency)

    def failed(self) -> None:
        self.attempts += 1

    def succeeded(self, seconds: float) -> None:
        self.attempts += 1
        self.successes += 1
        self.latency.add(seconds)


@dataclass(slots=True)
class MediaTally:
    """Of the voice of the calls that were set up. Counts for rates over time, the latest for a glance."""

    sent: int = 0
    """RTP packets, as the next two."""
    received: int = 0
    lost: float = 0.0
    """Share lost times packets sent: what a rate divides by `sent`."""
    one_way: int = 0
    """Calls that were heard on one side only."""
    loss: float | None = None
    """0..1, of the latest call, as all that follow; None before there was one that told."""
    jitter_ms: float | None = None
    round_trip_ms: float | None = None
    mos: float | None = None

    def heard(self, voice: VoiceQuality) -> None:
        self.sent += voice.sent
        self.received += voice.received
        self.lost += voice.loss * voice.sent
        self.one_way += bool(voice.one_way)
        self.loss = voice.loss
        self.jitter_ms = voice.jitter_ms
        self.round_trip_ms = voice.round_trip_ms
        self.mos = voice.mos


@dataclass(slots=True)
class Recovery:
    """How long something was broken until it worked again. Seconds."""

    count: int = 0
    sum_s: float = 0.0
    last_s: float | None = None
    """None before the first."""
    worst_s: float = 0.0
    broken_at: float | None = None
    """Since when it is broken now; None while it is not."""

    def broke(self, at: float) -> None:
        """It does not work since `at`; told again, the first time counts."""
        if self.broken_at is None:
            self.broken_at = at

    def came_back(self, now: float) -> float | None:
        """How long it was broken; None where it was not."""
        if self.broken_at is None:
            return None
        lasted = max(0.0, now - self.broken_at)
        self.broken_at = None
        self.count += 1
        self.sum_s += lasted
        self.last_s = lasted
        self.worst_s = max(self.worst_s, lasted)
        return lasted

    def gave_up(self) -> None:
        """Nobody looks any more: whether it ever comes back will not be known."""
        self.broken_at = None


@dataclass(slots=True)
class SbcTallies:
    responses: ResponseTally = field(default_factory=ResponseTally)
    """To all probes, shallow and deep."""
    registrations: Attempts = field(default_factory=Attempts)
    calls: Attempts = field(default_factory=Attempts)
    """An attempt succeeds when the call is set up; what is heard then is `media`."""
    voicemail: Attempts = field(default_factory=Attempts)
    media: MediaTally = field(default_factory=MediaTally)

    def replied(self, status: int) -> None:
        """A reply to an OPTIONS."""
        self.responses.count(status)

    def probed(self, result: DepthResult) -> None:
        """One deep probe came to an end. What could not be asked is no attempt."""
        for status in result.statuses:
            self.responses.count(status)
        if result.voice is not None:
            self.media.heard(result.voice)
            self.calls.succeeded(result.voice.setup_s)
        elif result.verdict is DepthVerdict.PASSED:
            self._attempts_of(result.depth).succeeded(result.elapsed_s)
        elif result.verdict is not DepthVerdict.NOT_CHECKED:
            self._attempts_of(result.depth).failed()

    def _attempts_of(self, depth: Depth) -> Attempts:
        match depth:
            case Depth.REGISTER:
                return self.registrations
            case Depth.CALL:
                return self.calls
            case Depth.VOICEMAIL:
                return self.voicemail
