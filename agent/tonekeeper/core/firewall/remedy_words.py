"""How an opening is written for whatever owns the rules: commands to paste into a shell on that host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from tonekeeper.core.firewall.owners import Owner
from tonekeeper.core.firewall.remedy import Opening

COMMENT = "tonekeeper"
_BEFORE_OTHERS = -10000
"""Priority of a policy of firewalld: lower ones come first, and -32768 is the lowest."""


def written_for(openings: Iterable[Opening]) -> tuple[str, ...]:
    """The commands, owner by owner, each with what makes that one take them over."""
    by_owner: dict[Owner, list[Opening]] = {}
    for opening in openings:
        by_owner.setdefault(opening.owner, []).append(opening)
    return tuple(line for owner, own in by_owner.items() for line in _of_one_owner(owner, own))


def _of_one_owner(owner: Owner, openings: Iterable[Opening]) -> list[str]:
    lines = [line for opening in openings for line in _written(opening)]
    match owner:
        case Owner.OPENWRT:  # each `uci add` makes a section of its own
            return [*lines, "uci commit firewall", "service firewall restart"]
        case Owner.FIREWALLD:
            return [*dict.fromkeys(lines), "firewall-cmd --reload"]
        case _:
            return list(dict.fromkeys(lines))


def _written(opening: Opening) -> list[str]:
    match opening.owner:
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
            assert_never(opening.owner)


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
    """Of any zone to any zone: a rule before those of the zones, whatever they are called."""
    options = {
        "name": f"'{COMMENT} {opening.protocol} {' '.join(opening.ports)}'",
        **({"src": "'*'"} if opening.hook == "forward" else {}),
        "dest": "'*'",
        "proto": f"'{opening.protocol}'",
        "dest_port": f"'{' '.join(opening.ports)}'",
        "target": "'ACCEPT'",
    }
    lines = ["uci add firewall rule"]
    lines += [f"uci set firewall.@rule[-1].{key}={value}" for key, value in options.items()]
    lines += [f"uci add_list firewall.@rule[-1].dest_ip='{host}'" for host in opening.hosts]
    return [*lines, "uci reorder firewall.@rule[-1]=0"]


def _firewalld(opening: Opening) -> list[str]:
    """A policy of ours, made where it is not there yet, before all others: one of them may end in a rejection."""
    policy = f"{COMMENT}-{'lan' if opening.hook == 'forward' else 'self'}"
    begin = f"firewall-cmd --permanent --policy {policy}"
    family = "ipv6" if opening.version == 6 else "ipv4"
    lines = [
        f"firewall-cmd --permanent --new-policy {policy} || true",
        f"{begin} --set-priority {_BEFORE_OTHERS}",
        f"{begin} --add-ingress-zone {'ANY' if opening.hook == 'forward' else 'HOST'}",
        f"{begin} --add-egress-zone ANY",
    ]
    return lines + [
        f"{begin} --add-rich-rule 'rule family={family} destination address={host} "
        f"port port={ports} protocol={opening.protocol} accept'"
        for host in opening.hosts
        for ports in opening.ports
    ]


def _ufw(opening: Opening) -> list[str]:
    """Put before the others: `insert 1` is refused where there are none of that family."""
    begin = "ufw route prepend allow" if opening.hook == "forward" else "ufw prepend allow out"
    return [
        f"{begin} proto {opening.protocol} from any to {host} port {ports.replace('-', ':')}"
        for host in opening.hosts
        for ports in opening.ports
    ]
