"""What manages the rules of a table, and where in it the rules end up that it is told to add.

A change that is made behind the back of the manager is gone with its next reload, so it is proposed in the manager's
words wherever it has any. Those rules do not come first of all: what stands before them may still stop the flow. So the
place is worked out here, and the proof is made with a rule at that place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.wire.ruleset import LEGACY, Chain, Listing


class Owner(StrEnum):
    NFT = "nft"
    IPTABLES = "iptables"
    IPTABLES_LEGACY = "iptables-legacy"
    """On a host whose `iptables` may be the one of nftables."""
    OPENWRT = "openwrt"
    FIREWALLD = "firewalld"
    UFW = "ufw"

    @property
    def tool(self) -> Owner:
        """Below it, that puts a rule anywhere, and does not keep it for the next start."""
        match self:
            case Owner.UFW:
                return Owner.IPTABLES
            case Owner.OPENWRT | Owner.FIREWALLD:
                return Owner.NFT
            case _:
                return self


@dataclass(frozen=True, slots=True)
class Place:
    chain: str
    after: int = 0
    """Position of the rule that the new one follows, from 1; 0: it comes first."""


_FORWARD, _OUTPUT = "forward", "output"
_FIREWALLD_CHAINS = ("filter_{}_POLICIES_pre", "filter_{}_POLICIES", "filter_{}_dispatch")
"""Of the policies that come before zones: as 1.3 calls it, and as later ones do."""
_OPENWRT_ANSWERS = re.compile(r'comment "!fw4: Handle (?:forwarded|outbound) flows"|RELATED,ESTABLISHED .*"?!fw3"?')
"""The rule that OpenWrt's own ones for forwarded and outbound packets follow."""


def owner_of(listing: Listing, family: str, table: str) -> Owner:
    """As far as the rules of this table tell."""
    if table == "firewalld":
        return Owner.FIREWALLD
    chains = [chain for chain in listing.chains if (chain.family, chain.table) == (family, table)]
    names = [chain.name for chain in chains]
    if table == "fw4" or any(name.startswith("zone_") for name in names):
        return Owner.OPENWRT
    if any(name.startswith("ufw") for name in names):
        return Owner.UFW
    if any(block[:3] == (family, table, LEGACY) for block in listing.blocks):
        return Owner.IPTABLES_LEGACY
    return Owner.IPTABLES if _is_of_iptables(chains) else Owner.NFT


def _is_of_iptables(chains: Sequence[Chain]) -> bool:
    rules = [rule for chain in chains for rule in chain.rules[:1]]
    if rules:
        return any(rule.text.startswith("-A ") for rule in rules)
    return any(chain.name == chain.hook.upper() for chain in chains if chain.family in ("ip", "ip6"))


def place_of(owner: Owner, listing: Listing, family: str, table: str, hook_chain: str) -> Place | None:
    """Where `owner` puts a rule that lets packets out. None where it has no words for what `hook_chain` looks at."""
    hook = hook_chain.removeprefix("filter_").lower()
    if hook not in (_FORWARD, _OUTPUT):
        return None
    match owner:
        case Owner.FIREWALLD:
            names = [name.format(hook.upper()) for name in _FIREWALLD_CHAINS]
        case Owner.UFW:
            names = [f"ufw{'6' if family == 'ip6' else ''}-user-{hook}"]
        case Owner.OPENWRT:
            chain = listing.chain(family, table, hook_chain)
            return _behind_answers(chain) if chain is not None else None
        case _:
            return None
    return next((Place(name) for name in names if listing.chain(family, table, name) is not None), None)


def _behind_answers(chain: Chain) -> Place | None:
    found = (rule for rule in chain.rules if _OPENWRT_ANSWERS.search(rule.text))
    return next((Place(chain.name, rule.position + 1) for rule in found), None)
