"""From the signs of phones to what the core is told: who is a phone at all, which profile it has, and what is news.

A device that has neither a phone vendor's MAC prefix nor given a sign of SIP is nobody's business and goes no further.
What says nothing new is told again every REFRESH seconds only, for all of it is journalled.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from tonekeeper.core.events import PhoneRegistration, PhoneSeen, PhoneSign
from tonekeeper.edge.allowance import Allowance
from tonekeeper.edge.neighbours import LanNeighbour
from tonekeeper.phones.match import Match, ProfileSet
from tonekeeper.wire.leases import Lease

REFRESH = 600.0
MOST_TOLD = 1024
"""Addresses remembered."""
NEW_PER_SECOND, NEW_AT_ONCE = 1.0, 512.0
"""Addresses that were not known before."""
NEWS_PER_SECOND, NEWS_AT_ONCE = 10.0, 1024.0
MOST_MATCHED = 256
"""User-Agents remembered."""
RETRIES_ALIKE, KEEPALIVES_ALIKE = 1.5, 1.1
"""Two times that differ by this factor at most are the same: many phones refresh at a random time."""


@dataclass(slots=True)
class _Told:
    at: float
    signs: dict[PhoneSign, PhoneSeen] = field(default_factory=dict)


class Sightings:
    """`interfaces`: of the LAN. `now` is monotonic seconds."""

    def __init__(self, interfaces: Iterable[str], now: float) -> None:
        self._interfaces = tuple(interfaces)
        self._profiles: ProfileSet | None = None
        self._prefixes: frozenset[str] = frozenset()
        self._matched: dict[str, Match | None] = {}
        self._neighbours: dict[str, tuple[str, str]] = {}
        """MAC and interface by address, as last seen."""
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._newcomers = Allowance(NEW_PER_SECOND, NEW_AT_ONCE, now)
        self._news = Allowance(NEWS_PER_SECOND, NEWS_AT_ONCE, now)

    def use(self, profiles: ProfileSet) -> None:
        """From now on; what was told is told again, as it may mean something else."""
        self._profiles = profiles
        self._prefixes = frozenset(mac for each in profiles.profiles for mac in each.match.mac_prefixes)
        self._matched.clear()
        self._told.clear()

    def look(self, leases: Iterable[Lease], neighbours: Iterable[LanNeighbour], now: float) -> list[PhoneSeen]:
        """What the tables of the host say that is news."""
        signs = list(self._signs(leases, neighbours))
        self._neighbours = {one.address: (one.mac, one.interface) for one in signs if one.mac}
        return [news for sign in signs if (news := self.hear(sign, now)) is not None]

    def hear(self, seen: PhoneSeen, now: float) -> PhoneSeen | None:
        """`seen` with all that follows from it, if it is of a phone and news."""
        seen = self._complete(seen)
        told = self._told.get(seen.address)
        is_phone = seen.by not in (PhoneSign.LEASE, PhoneSign.NEIGHBOUR) or seen.mac[:8] in self._prefixes
        if told is None and not (is_phone and self._newcomers.take(now)):
            return None
        before = None if told is None else told.signs.get(seen.by)
        if told is not None and before is not None and _is_alike(before, seen) and now < told.at + REFRESH:
            return None
        if not self._news.take(now):
            return None
        self._remember(seen, now)
        return seen

    def _signs(self, leases: Iterable[Lease], neighbours: Iterable[LanNeighbour]) -> Iterable[PhoneSeen]:
        reached = {one.address: one.interface for one in neighbours}
        only = self._interfaces[0] if len(self._interfaces) == 1 else ""
        for lease in leases:
            yield PhoneSeen(lease.address, PhoneSign.LEASE, reached.get(lease.address, only), lease.mac)
        for one in neighbours:
            if not ip_address(one.address).is_link_local:
                yield PhoneSeen(one.address, PhoneSign.NEIGHBOUR, one.interface, one.mac)

    def _complete(self, seen: PhoneSeen) -> PhoneSeen:
        mac, interface = self._neighbours.get(seen.address, ("", ""))
        mac = seen.mac or mac
        match = self._match(seen.user_agent)
        by_mac = self._profiles.vendor_of(mac) if self._profiles is not None else ""
        return replace(
            seen,
            mac=mac,
            interface=seen.interface or interface,
            vendor=match.vendor if match is not None else by_mac,
            profile=match.profile if match is not None else "",
            model=match.model if match is not None else "",
            firmware=match.firmware if match is not None else "",
        )

    def _match(self, user_agent: str) -> Match | None:
        if self._profiles is None or not user_agent:
            return None
        if user_agent not in self._matched:
            if len(self._matched) >= MOST_MATCHED:
                self._matched.clear()
            self._matched[user_agent] = self._profiles.match(user_agent)
        return self._matched[user_agent]

    def _remember(self, seen: PhoneSeen, now: float) -> None:
        told = self._told.setdefault(seen.address, _Told(now))
        told.at = now
        told.signs[seen.by] = seen
        self._told.move_to_end(seen.address)
        if len(self._told) > MOST_TOLD:
            self._told.popitem(last=False)


def _is_alike(before: PhoneSeen, seen: PhoneSeen) -> bool:
    return replace(before, registration=None) == replace(seen, registration=None) and _registers_alike(
        before.registration, seen.registration
    )


def _registers_alike(before: PhoneRegistration | None, now: PhoneRegistration | None) -> bool:
    if before is None or now is None:
        return before is now
    return (
        replace(before, retry_s=None, keepalive_s=None) == replace(now, retry_s=None, keepalive_s=None)
        and _lasts_alike(before.retry_s, now.retry_s, RETRIES_ALIKE)
        and _lasts_alike(before.keepalive_s, now.keepalive_s, KEEPALIVES_ALIKE)
    )


def _lasts_alike(before: float | None, now: float | None, factor: float) -> bool:
    if before is None or now is None:
        return before is now
    return max(before, now) <= factor * min(before, now)
