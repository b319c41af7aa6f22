"""The voice of a probe's call: packets of a tone out, and an ear for what comes back.

A number that echoes returns our packets either as they are, or as a stream of its own. In the first case each packet
tells how long its way there and back was, and a missing one may have been lost on either; in the second, the sequence
numbers tell what was lost on the way back.
"""

from __future__ import annotations

from tonekeeper.core.depth.identifiers import Identifiers
from tonekeeper.core.depth.media_answer import Agreement
from tonekeeper.core.depth.messages import Command, RtpReceived, SendRtp
from tonekeeper.core.depth.result import VoiceQuality
from tonekeeper.core.depth.voice_quality import mos, mouth_to_ear_ms, r_factor
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.rtp import CLOCK_RATE, PCMA, PCMU, RtpPacket

PERIOD = 0.02
"""Seconds between two packets."""
PACKETS = 100
"""Two seconds of voice."""
SAMPLES = round(PERIOD * CLOCK_RATE)
STOPPED_AFTER = 0.7
"""Seconds of silence at the end that are no random loss: at 30 % that would be once in 10**18 calls."""

_TONES = {
    PCMU: bytes.fromhex("1e0b0b1e9e8b8b9e") * (SAMPLES // 8),
    PCMA: bytes.fromhex("34212134b4a1a1b4") * (SAMPLES // 8),
}
"""1 kHz at 0 dBm0 (G.711 tables 5 and 6), which no silence suppression takes for silence."""
_RTCP = range(72, 77)
"""RTCP on the same port looks like these payload types (RFC 5761 section 4)."""
_MOST_HEARD = 1000
"""Packets of a stream that are kept in mind: ten times what the call sends. What comes beyond is not counted."""
_WRAP = 1 << 16


class Voice:
    def __init__(self, identifiers: Identifiers, agreement: Agreement, now: float) -> None:
        self.destination = agreement.destination
        self.next_at = now
        self._payload_type = agreement.payload_type
        self._held = agreement.held
        self._ssrc = identifiers.number(32)
        self._first = identifiers.number(16)
        self._timestamp = identifiers.number(32)
        self._sent_at: list[float] = []
        self._ear = _Ear()
        self._round_trips: list[float] = []
        self._stranger: Endpoint | None = None

    # --- speaking

    @property
    def is_speaking(self) -> bool:
        return len(self._sent_at) < PACKETS

    def speak(self, now: float) -> list[Command]:
        """The next packet. A late one is followed by the next at its own time, so that none is left out."""
        number = len(self._sent_at)
        packet = RtpPacket(
            payload_type=self._payload_type,
            sequence=(self._first + number) % _WRAP,
            timestamp=(self._timestamp + number * SAMPLES) % (1 << 32),
            ssrc=self._ssrc,
            payload=_TONES[self._payload_type],
            marker=not number,
        )
        self._sent_at.append(now)
        self.next_at += PERIOD
        return [SendRtp(self.destination, packet)]

    # --- listening

    def hear(self, event: RtpReceived) -> None:
        if event.source.host != self.destination.host:
            self._stranger = self._stranger or event.source
            return
        if event.packet.payload_type in _RTCP:
            return
        number = (event.packet.sequence - self._first) % _WRAP
        is_ours = event.packet.ssrc == self._ssrc and number < len(self._sent_at)
        if self._ear.hear(event) and is_ours:
            self._round_trips.append(event.arrival - self._sent_at[number])

    @property
    def is_complete(self) -> bool:
        """Everything was said, and every packet of it is back."""
        return not self.is_speaking and len(self._round_trips) == PACKETS

    # --- what came of it

    def quality(self, *, setup_s: float, signalling_round_trip_s: float | None, broken: str = "") -> VoiceQuality:
        """`broken`: the reason of an ICMP error about our media, empty if none came."""
        sent, received = len(self._sent_at), self._ear.received
        if not received:
            one_way = self._held or self._silence(broken)
            return VoiceQuality(round(setup_s, 3), sent, 0, 1.0, one_way=one_way)
        is_echo = 2 * len(self._round_trips) > received
        loss_in = None if is_echo else self._ear.loss
        loss = max(0.0, 1 - received / sent) if loss_in is None else loss_in
        round_trip_s = _median(self._round_trips) if is_echo else signalling_round_trip_s
        jitter_ms = self._ear.jitter_ms
        r = r_factor(mouth_to_ear_ms(1000 * (round_trip_s or 0.0), jitter_ms or 0.0), loss)
        return VoiceQuality(
            setup_s=round(setup_s, 3),
            sent=sent,
            received=received,
            loss=round(loss, 4),
            loss_in=None if loss_in is None else round(loss_in, 4),
            jitter_ms=None if jitter_ms is None else round(jitter_ms, 2),
            round_trip_ms=None if round_trip_s is None else round(1000 * round_trip_s, 2),
            r_factor=round(r, 1),
            mos=round(mos(r), 2),
            one_way=self._held or self._stopped(),
        )

    def _silence(self, broken: str) -> str:
        if broken:
            return f"nothing comes back from {self.destination}: {broken}"
        if self._stranger is not None:
            return f"voice comes from {self._stranger}, and not from {self.destination} as was agreed"
        return f"nothing comes back from {self.destination}"

    def _stopped(self) -> str:
        """A stream that ends before the call does."""
        if self._sent_at[-1] - self._ear.last_at <= STOPPED_AFTER:
            return ""
        return f"nothing comes back from {self.destination} after {self._ear.last_at - self._sent_at[0]:.1f} s"


class _Ear:
    """Loss and jitter of the first stream that is heard (RFC 3550 sections A.1, A.3, A.8)."""

    def __init__(self) -> None:
        self.last_at = 0.0
        self._ssrc: int | None = None
        self._heard: set[int] = set()
        self._first = self._highest = 0
        self._jitter = 0.0
        self._transit: float | None = None

    @property
    def received(self) -> int:
        return len(self._heard)

    @property
    def loss(self) -> float:
        expected = self._highest - self._first + 1
        return max(0.0, 1 - self.received / expected)

    @property
    def jitter_ms(self) -> float | None:
        return 1000 * self._jitter / CLOCK_RATE if self.received > 1 else None

    def hear(self, event: RtpReceived) -> bool:
        """Whether it is a packet of this stream that had not come before."""
        packet = event.packet
        if self._ssrc is None:
            self._ssrc, self._first, self._highest = packet.ssrc, packet.sequence, packet.sequence
        if packet.ssrc != self._ssrc or len(self._heard) >= _MOST_HEARD:
            return False
        number = self._extended(packet.sequence)
        if number in self._heard:
            return False
        self._heard.add(number)
        self._first, self._highest = min(self._first, number), max(self._highest, number)
        self.last_at = max(self.last_at, event.arrival)
        self._take_transit(event.arrival * CLOCK_RATE - packet.timestamp)
        return True

    def _extended(self, sequence: int) -> int:
        """`sequence` with its wraps counted, near the highest one so far."""
        ahead = (sequence - self._highest) % _WRAP
        return self._highest + (ahead if ahead < _WRAP // 2 else ahead - _WRAP)

    def _take_transit(self, transit: float) -> None:
        if self._transit is not None:
            # A timestamp that wraps, or jumps, is no jitter.
            apart = (transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31)
            if abs(apart) < CLOCK_RATE * 10:
                self._jitter += (abs(apart) - self._jitter) / 16
        self._transit = transit


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
