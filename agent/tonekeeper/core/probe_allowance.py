"""The storm guard: what the site may send to its SBCs for the sake of knowing, whatever happens.

Two token buckets over all paths and all kinds of probe. Packets: `burst` at once and `rate` a second. Bytes: half a
day's allowance at once, and the other half as a steady stream; so no 24 hours, wherever they begin, see more than
`bytes_per_day`, and a site that has spent everything on a bad night goes on at its normal cadence instead of going
blind until some midnight.

A deep probe is charged with all its packets when it begins, and asks for so many to be left that an alarm, in which
every path testifies at once, finds the bucket filled.

Both buckets are one number each: the instant at which all that was taken is made up for (the virtual scheduling
algorithm of ITU-T I.371). Refused and told when to come back, a packet is never refused at that instant again unless
another was quicker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tonekeeper.core.chance import Chance
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.metering import EXCHANGE
from tonekeeper.core.site import Depth, DepthPolicy, Path, Transport

DAY = 86400.0
ROUNDING = 1e-6
"""Seconds: what a sum of fractions may be off by must not cost a burst its last packet."""
RETRY_SPREAD = 1.0
"""Seconds over which those that were refused come back: all at one instant, all but one would be refused again."""


class Cost(NamedTuple):
    packets: int
    """That we send."""
    bytes: int
    """With the answers to them, IP and UDP headers included."""


OPTIONS = {Transport.UDP: Cost(1, EXCHANGE), Transport.TCP: Cost(2, EXCHANGE), Transport.TLS: Cost(2, EXCHANGE)}
"""One probe. The answer that comes on a connection is acknowledged."""
BINDING = Cost(1, 300)
"""One STUN binding request, its answer over IPv6 with FINGERPRINT and SOFTWARE."""
CONNECTING = {Transport.TCP: Cost(4, EXCHANGE), Transport.TLS: Cost(10, 6 * EXCHANGE)}
"""From the first SYN to the last FIN, or the SYNs that nobody answers; with the handshake."""
_RTP = 2 * 220
"""G.711, 20 ms, there and back over IPv6."""
DEPTH_COSTS: dict[Depth, Cost] = {
    Depth.REGISTER: Cost(16, 16 * EXCHANGE),
    Depth.CALL: Cost(120, 18 * EXCHANGE + 102 * _RTP),
    Depth.VOICEMAIL: Cost(16, 16 * EXCHANGE),
}
"""One probe with its challenge, its end and all that a lossy line makes it repeat; on a clean one it is a fifth."""
EXAMINATION = Cost(40, 40 * EXCHANGE)
"""Where a silent path ends, with a walk of sixteen hops."""
MEASUREMENT = Cost(8, 8 * 2 * EXCHANGE)
"""How long packets may be, on a path that is well. What else it takes is charged when it is over."""

HEADROOM = 3.0
"""Rate over normal need: once for the cadence, once for what lossy lines confirm, once for paths that come back."""
AT_ONCE = 6
"""Packets for each path at once: its testimony, and the confirmations that a clean line of a large site asks for (64
paths, one false alarm a month: 4). A lossier line asks for more, and waits for the rate if all others do so too."""
FEWEST_AT_ONCE = 24
"""A site of one path meets its second and third when a name resolves to them."""
SLOWEST_RATE = 2.0
BYTE_HEADROOM = 4.0
"""A day's bytes over normal need: the steady half of them is twice what the cadence takes, which jitter makes faster
than it is written, and a lossy line makes faster still."""


@dataclass(slots=True)
class ProbeAllowance:
    rate: float
    """Packets a second, above 0."""
    burst: int
    """Packets at once, 1 or more."""
    bytes_per_day: int
    packets_even_at: float = LONG_AGO
    """When the bucket of packets is full again."""
    bytes_even_at: float = LONG_AGO
    sent: int = 0
    sent_bytes: int = 0
    refused: int = 0

    def take(self, size: int, now: float, *, packets: int = 1, leaving: int = 0) -> bool:
        """Whether `packets` of together `size` bytes may leave now; they count as sent if so.

        `leaving`: packets that must still be there afterwards.
        """
        if now < self._ready_at(size, packets + leaving):
            self.refused += 1
            return False
        self.charge(size, now, packets=packets)
        return True

    def charge(self, size: int, now: float, *, packets: int) -> None:
        """What left beyond what was taken for it: whoever asks next waits the longer."""
        self.packets_even_at = max(self.packets_even_at, now) + packets / self.rate
        self.bytes_even_at = max(self.bytes_even_at, now) + size / self._byte_rate
        self.sent += packets
        self.sent_bytes += size

    def next_at(self, size: int, now: float, *, packets: int = 1, leaving: int = 0) -> float:
        """When `take` will say yes if nobody else takes before; NEVER for what is larger than a bucket."""
        return max(now, self._ready_at(size, packets + leaving))

    def retry_at(self, size: int, now: float, chance: Chance, *, packets: int = 1) -> float:
        """When one of many that were refused should ask again."""
        return self.next_at(size, now, packets=packets) + RETRY_SPREAD * chance.random()

    def retune(self, fresh: ProbeAllowance, now: float) -> None:
        """Take the limits of `fresh`, because the site has changed; what was taken before stays taken."""
        packets_taken = max(0.0, self.packets_even_at - now) * self.rate
        bytes_taken = max(0.0, self.bytes_even_at - now) * self._byte_rate
        self.rate, self.burst, self.bytes_per_day = fresh.rate, fresh.burst, fresh.bytes_per_day
        self.packets_even_at = now + packets_taken / self.rate
        self.bytes_even_at = now + bytes_taken / self._byte_rate

    @property
    def _byte_rate(self) -> float:
        return self.bytes_per_day / 2 / DAY

    def _ready_at(self, size: int, packets: int) -> float:
        bytes_at_once = self.bytes_per_day / 2
        if packets > self.burst or size > bytes_at_once:
            return NEVER
        packets_at = self.packets_even_at - (self.burst - packets) / self.rate
        bytes_at = self.bytes_even_at - (bytes_at_once - size) / self._byte_rate
        return max(packets_at, bytes_at) - ROUNDING


def allowance_for(paths: int, interval: float, deep: Iterable[DepthPolicy] = ()) -> ProbeAllowance:
    """What a site of so many paths, probed every `interval` seconds, may send.

    `paths`: as `weight_of` counts them. `deep`: the deep probes, one entry for each path that each is made on.
    """
    policies = tuple(deep)
    probes = max(1, paths) / interval
    packets = probes + sum(DEPTH_COSTS[policy.depth].packets / policy.interval for policy in policies)
    octets = probes * EXCHANGE + sum(DEPTH_COSTS[policy.depth].bytes / policy.interval for policy in policies)
    largest = max((EXAMINATION.packets, *(DEPTH_COSTS[policy.depth].packets for policy in policies)))
    burst = alarm_reserve(paths) + largest
    return ProbeAllowance(
        rate=max(SLOWEST_RATE, HEADROOM * packets),
        burst=burst,
        bytes_per_day=round(max(BYTE_HEADROOM * octets * DAY, 2 * burst * EXCHANGE)),
    )


def weight_of(paths: Iterable[Path]) -> int:
    """Packets of one round of probes."""
    return sum(OPTIONS[path.transport].packets for path in paths)


def alarm_reserve(paths: int) -> int:
    """Packets that a deep probe leaves in the bucket: what an alarm needs."""
    return max(FEWEST_AT_ONCE, AT_ONCE * paths)
