"""Whether two SBC names are two SBCs: names that end in the same place fail together.

The same address is the same machine. The same /24 is, as a rule, the same rack or the same announcement: /24 is the
longest IPv4 prefix that the Internet carries from one provider to another, so whatever withdraws one address of it
withdraws all. IPv6 has its /48 for the same two reasons: nothing longer is commonly carried, and it is what one site
of one customer gets (RFC 6177), so that within it there is one place and one owner.

IPv4 addresses that are written into IPv6 (::ffff:0:0/96) count as what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import combinations
from typing import NamedTuple

_V4_PREFIX, _V6_PREFIX = 24, 48


class _Location(NamedTuple):
    address: str
    network: str


class SharedPlace(NamedTuple):
    """Two SBCs, in the order of the configuration, and what they have in common."""

    one: str
    other: str
    why: str


def shared_places(addresses: Mapping[str, Iterable[str]]) -> list[SharedPlace]:
    """Pairs of SBCs that are no independent fault domains; `addresses`: numeric ones of each SBC, by its name.

    A pair is told once, by what says most. A pair that has one place in common and another to itself counts as well:
    a phone cannot choose.
    """
    known = {name: tuple(map(_location, written)) for name, written in addresses.items()}
    found = ((one, other, _shared(known[one], known[other])) for one, other in combinations(known, 2))
    return [SharedPlace(one, other, why) for one, other, why in found if why]


def _shared(one: Sequence[_Location], other: Sequence[_Location]) -> str:
    """The end of a sentence about the two, "" where they share nothing."""
    for here in one:
        if any(here.address == there.address for there in other):
            return f"have the same address {here.address}"
    for here in one:
        for there in other:
            if here.network == there.network:
                return f"are neighbours in {here.network} ({here.address} and {there.address})"
    return ""


@lru_cache(maxsize=256)
def _location(written: str) -> _Location:
    """Cached because findings are looked for at every change, and addresses hardly ever change."""
    address = ip_address(written.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    prefix = _V4_PREFIX if address.version == 4 else _V6_PREFIX
    return _Location(str(address), str(ip_network((address.packed, prefix), strict=False)))
