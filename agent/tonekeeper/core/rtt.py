"""How long to wait for an answer before it counts as a miss: RFC 6298, bounded for probing.

Every probe has a branch of its own, so an answer is never ambiguous and every one is a sample, late ones included
(Karn's rule has nothing to forbid). Floor, ceiling and first value are ours: the floor keeps an idle Ethernet from
calling 3 ms of scheduling a miss, the ceiling keeps a slow server from making detection slow without end.
"""

from __future__ import annotations

from dataclasses import dataclass

FLOOR = 0.150
CEILING = 4.0
INITIAL = 1.0


@dataclass(slots=True)
class AdaptiveTimeout:
    """Smoothed round trip and its variation, seconds (RFC 6298 section 2)."""

    srtt: float = 0.0
    rttvar: float = 0.0
    samples: int = 0
    value: float = INITIAL
    """The timeout in force."""

    def sample(self, rtt: float) -> None:
        if self.samples == 0:
            self.srtt = rtt
            self.rttvar = rtt / 2
        else:
            self.rttvar = 0.75 * self.rttvar + 0.25 * abs(self.srtt - rtt)
            self.srtt = 0.875 * self.srtt + 0.125 * rtt
        self.samples += 1
        self.value = min(CEILING, max(FLOOR, self.srtt + 4 * self.rttvar))
