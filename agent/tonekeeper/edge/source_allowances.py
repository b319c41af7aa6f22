"""How much each source may ask for: a token bucket for each address, in a table that cannot grow without end.

A source that falls out of the full table is forgotten, and starts with a full bucket when it comes back. Whoever forges
many sources to get there meets the allowance of all of them together.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from tonekeeper.edge.allowance import Allowance


class SourceAllowances:
    def __init__(
        self, *, per_second: float, burst: float, most_sources: int, all_per_second: float, now: float
    ) -> None:
        """`all_per_second` is for all sources together; as much again may come in a burst."""
        self._per_second = per_second
        self._burst = burst
        self._most_sources = most_sources
        self._all = Allowance(all_per_second, all_per_second, now)
        self._sources: OrderedDict[str, Allowance] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sources)

    def take(self, host: str, now: float) -> bool:
        """Whether `host` may ask once more at `now` (monotonic seconds)."""
        source = source_network(host)
        allowance = self._sources.get(source)
        if allowance is None:
            if len(self._sources) >= self._most_sources:
                self._sources.popitem(last=False)
            allowance = self._sources[source] = Allowance(self._per_second, self._burst, now)
        self._sources.move_to_end(source)
        return allowance.take(now) and self._all.take(now)


def source_network(host: str) -> str:
    """One IPv6 customer has a whole /64, so its addresses share a bucket."""
    if ":" not in host:
        return host
    return str(ipaddress.ip_network((host, 64), strict=False).network_address)
