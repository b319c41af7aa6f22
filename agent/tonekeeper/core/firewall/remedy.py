"""The change that lets a blocked flow pass, and how it is written for whatever owns the rules.

An opening is one rule before all others of the chain that stopped the flow. In the copy of the host it is put to the
proof as nftables has it, which is what the tools that own rulesets make of their own words as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from tonekeeper.core.firewall.flows import Direction, FlowVerdict, RuleSeen, Traffic
from tonekeeper.core.site import RtpRange
from tonekeeper.wire.ruleset import LEGACY, Listing

COMMENT = "tonekeeper"


class Owner(StrEnum):
    """What manages a table."""

    NFT = "nft"
    IPTABLES = "iptables"
    IPTABLES_LEGACY = "iptables-legacy"
    """On a host whose `iptables` may be the one of nftables."""
    OPENWRT = "openwrt"
    FIREWALLD = "firewalld"
    UFW = "ufw"


@dataclass(frozen=True, slots=True)
class Opening:
    family: str
    table: str
    chain: str
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
        return f"insert rule {self.family} {self.table} {self.chain} {self._match} accept"

    @property
    def _match(self) -> str:
        if not self.protocol:
            return "ct state established,related"
        address, port = ("saddr", "sport") if self.is_return else ("daddr", "dport")
        internet = "ip6" if self.version == 6 else "ip"
        return f"{internet} {address} {_set(self.hosts)} {self.protocol} {port} {_set(self.ports)}"


def openings_for(
    blocked: Sequence[FlowVerdict], rtp: Mapping[str, RtpRange], *, stateful: bool = True
) -> tuple[Opening, ...]:
    """One for each chain, protocol and set of ports. `rtp`: by SBC. `stateful`: answers pass because they are ones."""
    wanted: dict[tuple[RuleSeen, int, str, str, bool], dict[str, None]] = {}
    for verdict in blocked:
        question, rule = verdict.question, verdict.rule
        if rule is None or not rule.hook_chain or not verdict.verdict.is_blocked:
            continue
        place = RuleSeen(rule.family, rule.table, "", 0, "", "", rule.hook_chain, rule.hook)
        is_return = question.direction is Direction.RETURN
        version = 6 if question.address.is_ipv6 else 4
        port = str(rtp[question.sbc]) if question.traffic is Traffic.RTP else str(question.address.port)
        key = (place, version, question.traffic.protocol, port, is_return)
        wanted.setdefault(key, {})[question.address.host] = None
    found = (_opening(*key, tuple(hosts), stateful) for key, hosts in wanted.items())
    return tuple(dict.fromkeys(found))


def _opening(
    place: RuleSeen, version: int, protocol: str, port: str, is_return: bool, hosts: tuple[str, ...], stateful: bool
) -> Opening:
    where = (place.family, place.table, place.hook_chain, place.hook)
    if is_return and stateful:
        return Opening(*where, version, (), "", (), True)
    return Opening(*where, version, hosts, protocol, (port,), is_return)


def owner_of(listing: Listing, family: str, table: str) -> Owner:
    """Who manages the rules of this table, as far as they tell."""
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
    is_iptables = any(rule.text.startswith("-A ") for chain in chains for rule in chain.rules[:1])
    return Owner.IPTABLES if is_iptables else Owner.NFT


def written_for(owner: Owner, openings: Iterable[Opening]) -> tuple[str, ...]:
    """The commands to paste, in the words of `owner`."""
    lines: list[str] = []
    for opening in openings:
        lines += _written(
            owner if opening.protocol and opening.hook in ("forward", "output") else _plain(owner), opening
        )
    if owner is Owner.OPENWRT and any(line.startswith("uci ") for line in lines):
        lines += ["uci commit firewall", "service firewall restart"]
    if owner is Owner.FIREWALLD and any(line.startswith("firewall-cmd ") for line in lines):
        lines.append("firewall-cmd --reload")
    return tuple(dict.fromkeys(lines)) if owner is not Owner.OPENWRT else tuple(lines)


def _plain(owner: Owner) -> Owner:
    """What owns rules may have no words for some; then the tool below it has."""
    match owner:
        case Owner.IPTABLES | Owner.UFW:
            return Owner.IPTABLES
        case Owner.IPTABLES_LEGACY:
            return owner
        case _:
            return Owner.NFT


def _written(owner: Owner, opening: Opening) -> list[str]:
    match owner:
        case Owner.NFT:
            return [f"nft {opening.nft} comment '\"{COMMENT}\"'"]
        case Owner.IPTABLES:
            return _iptables(opening, "")
        case Owner.IPTABLES_LEGACY:
            return _iptables(opening, "-legacy")
        case Owner.OPENWRT:
            return _uci(opening)
        case Owner.FIREWALLD:
            return _firewalld(opening)
        case Owner.UFW:
            return _ufw(opening)
        case _:
            assert_never(owner)


def _iptables(opening: Opening, variant: str) -> list[str]:
    program = ("ip6tables" if opening.version == 6 else "iptables") + variant
    begin = f"{program} -t {opening.table} -I {opening.chain}"
    if not opening.protocol:
        return [f"{begin} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"]
    side, port = ("-s", "--sport") if opening.is_return else ("-d", "--dport")
    return [
        f"{begin} {side} {host} -p {opening.protocol} {port} {ports.replace('-', ':')} -j ACCEPT"
        for host in opening.hosts
        for ports in opening.ports
    ]


def _uci(opening: Opening) -> list[str]:
    options = {
        "name": f"'{COMMENT} {opening.protocol} {' '.join(opening.ports)}'",
        **({"src": "'lan'"} if opening.hook == "forward" else {}),
        "dest": "'wan'",
        "proto": f"'{opening.protocol}'",
        "dest_port": f"'{' '.join(opening.ports)}'",
        "target": "'ACCEPT'",
    }
    lines = ["uci add firewall rule"]
    lines += [f"uci set firewall.@rule[-1].{key}={value}" for key, value in options.items()]
    lines += [f"uci add_list firewall.@rule[-1].dest_ip='{host}'" for host in opening.hosts]
    return [*lines, "uci reorder firewall.@rule[-1]=0"]


def _firewalld(opening: Opening) -> list[str]:
    policy = f"{COMMENT}-{'lan' if opening.hook == 'forward' else 'self'}"
    ingress = "ANY" if opening.hook == "forward" else "HOST"
    family = "ipv6" if opening.version == 6 else "ipv4"
    lines = [
        f"firewall-cmd --permanent --new-policy {policy}",
        f"firewall-cmd --permanent --policy {policy} --add-ingress-zone {ingress} --add-egress-zone ANY",
    ]
    return lines + [
        f"firewall-cmd --permanent --policy {policy} --add-rich-rule 'rule family={family} destination "
        f"address={host} port port={ports} protocol={opening.protocol} accept'"
        for host in opening.hosts
        for ports in opening.ports
    ]


def _ufw(opening: Opening) -> list[str]:
    begin = "ufw route insert 1 allow" if opening.hook == "forward" else "ufw insert 1 allow out"
    return [
        f"{begin} proto {opening.protocol} from any to {host} port {ports.replace('-', ':')}"
        for host in opening.hosts
        for ports in opening.ports
    ]


def _set(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{{ {', '.join(values)} }}"
