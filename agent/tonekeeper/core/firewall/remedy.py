"""The change that lets a blocked flow pass.

An opening is one rule, at the place where what owns the rules would put it, or before all others of the chain that
stopped the flow. In the copy of the host it is put to the proof as nftables has it, which is what the tools that own
rulesets make of their own words as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tonekeeper.core.firewall.flows import Direction, FlowVerdict, Traffic
from tonekeeper.core.firewall.owners import Owner, owner_of, place_of
from tonekeeper.core.firewall.reading import Rulebook
from tonekeeper.core.site import RtpRange


@dataclass(frozen=True, slots=True)
class Opening:
    owner: Owner
    """In whose words it is written."""
    family: str
    table: str
    chain: str
    after: int
    """Handle, in the copy, of the rule that it follows; 0: it comes first in the chain."""
    hook: str
    version: int
    """4 or 6, of the hosts."""
    hosts: tuple[str, ...]
    protocol: str
    """udp, tcp; empty: answers to what was let out, whatever they are."""
    ports: tuple[str, ...]
    """Or ranges of them, "10000-20000"."""
    is_return: bool

    @property
    def nft(self) -> str:
        place = f"{self.family} {self.table} {self.chain}"
        begin = f"add rule {place} handle {self.after}" if self.after else f"insert rule {place}"
        return f"{begin} {self._match} accept"

    @property
    def _match(self) -> str:
        if not self.protocol:
            return "ct state established,related"
        address, port = ("saddr", "sport") if self.is_return else ("daddr", "dport")
        internet = "ip6" if self.version == 6 else "ip"
        return f"{internet} {address} {_set(self.hosts)} {self.protocol} {port} {_set(self.ports)}"


@dataclass(frozen=True, slots=True)
class _Need:
    """What has to pass, and the base chain that it has to pass."""

    family: str
    table: str
    hook_chain: str
    hook: str
    version: int
    protocol: str
    ports: str
    is_return: bool


def openings_for(
    blocked: Sequence[FlowVerdict],
    rtp: Mapping[str, RtpRange],
    book: Rulebook,
    *,
    stateful: bool = True,
    plain: bool = False,
) -> tuple[Opening, ...]:
    """One for each chain, protocol and set of ports. `rtp`: by SBC.

    `stateful`: answers pass because they are ones. `plain`: in the words of nft or iptables, whoever owns the rules.
    """
    needs: dict[_Need, dict[str, None]] = {}
    for verdict in blocked:
        if (need := _need(verdict, rtp)) is not None:
            needs.setdefault(need, {})[verdict.question.address.host] = None
    found = (_opening(need, tuple(hosts), book, stateful, plain) for need, hosts in needs.items())
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _need(verdict: FlowVerdict, rtp: Mapping[str, RtpRange]) -> _Need | None:
    question, rule = verdict.question, verdict.rule
    if rule is None or not rule.hook_chain or not verdict.verdict.is_blocked:
        return None
    return _Need(
        rule.family,
        rule.table,
        rule.hook_chain,
        rule.hook,
        6 if question.address.is_ipv6 else 4,
        question.traffic.protocol,
        str(rtp[question.sbc]) if question.traffic is Traffic.RTP else str(question.address.port),
        question.direction is Direction.RETURN,
    )


def _opening(need: _Need, hosts: tuple[str, ...], book: Rulebook, stateful: bool, plain: bool) -> Opening | None:
    """None where nobody but the program that owns the table may change it, and that has no words for it."""
    owner = owner_of(book.original, need.family, need.table)
    place = place_of(owner, book.original, need.family, need.table, need.hook_chain)
    if plain or need.is_return or place is None:
        owner, chain, after = owner.tool, need.hook_chain, 0
        if (need.family, need.table) in book.original.owned:
            return None
    else:
        chain, after = place.chain, _handle_at(book, need, place.chain, place.after)
    where = (owner, need.family, need.table, chain, after, need.hook, need.version)
    if need.is_return and stateful:
        return Opening(*where, (), "", (), True)
    return Opening(*where, hosts, need.protocol, (need.ports,), need.is_return)


def _handle_at(book: Rulebook, need: _Need, chain: str, position: int) -> int:
    copied = book.copy.chain(need.family, need.table, chain)
    return copied.rules[position - 1].handle if position and copied is not None else 0


def _set(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{{ {', '.join(values)} }}"
