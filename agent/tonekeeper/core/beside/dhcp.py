"""Who gives addresses to the phones? More than one DHCP server on a LAN is a mistake, unless they say the same.

A phone takes the offer that comes first. With two servers that name different gateways or resolvers, half of the phones
leave through a router that nobody knows of, or get their configuration from somebody else's provisioning server: they
work by turns. A server that answers only those it knows stays unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.findings import Observation
from tonekeeper.core.report import Severity
from tonekeeper.wire.dhcp import OFFER, DhcpReply

MOST_NAMED = 4
"""Servers named in a finding."""

_CREDENTIALS = re.compile(r"//[^/@]*+@")
"""Of the phones, in the address of their provisioning server: compared, and never shown."""


@dataclass(frozen=True, slots=True)
class LanAsked:
    interface: str
    offers: tuple[DhcpReply, ...] = ()
    """All that came, in their order."""
    refused: str = ""
    """Why nobody could be asked."""


def judge_dhcp(lans: Sequence[LanAsked]) -> CheckResult:
    found = [one for lan in lans if (one := _observation(lan)) is not None]
    told = "; ".join(f"{lan.interface}: {lan.refused or _told(_servers(lan.offers))}" for lan in lans)
    if found:
        return CheckResult(Check.DHCP, Outcome.PROBLEM, told, tuple(found))
    if not lans or any(lan.refused for lan in lans):
        nowhere = "no LAN is known: name it in [lan] interfaces"
        return CheckResult(Check.DHCP, Outcome.NOT_CHECKED, told or nowhere)
    return CheckResult(Check.DHCP, Outcome.OK, told)


def _servers(offers: Iterable[DhcpReply]) -> tuple[DhcpReply, ...]:
    """The first offer of each server."""
    first: dict[str, DhcpReply] = {}
    for offer in offers:
        if offer.kind == OFFER and offer.server:
            first.setdefault(offer.server, offer)
    return tuple(first[server] for server in sorted(first))


def _told(servers: Sequence[DhcpReply]) -> str:
    if not servers:
        return "no server answers"
    if len(servers) == 1:
        return f"one server, {_described(servers[0])}"
    return f"{len(servers)} servers: {_listed(servers)}"


def _observation(lan: LanAsked) -> Observation | None:
    servers = _servers(lan.offers)
    if len(servers) < 2:
        return None
    differing = [name for name, values in _facts(servers).items() if len(set(values)) > 1]
    evidence = {"servers": _listed(servers), "count": str(len(servers))}
    if not differing:
        why = "they name the same gateway, resolvers and provisioning server"
        return Observation("dhcp-twice", lan.interface, evidence | {"why": why}, Severity.INFO)
    *others, last = differing
    evidence["why"] = f"they name different {', '.join(others)}{' and ' if others else ''}{last}"
    return Observation("dhcp-twice", lan.interface, evidence)


def _facts(servers: Sequence[DhcpReply]) -> dict[str, list[tuple[object, ...]]]:
    """What each says of the things that decide where a phone goes."""
    return {
        "gateways": [tuple(one.routers) for one in servers],
        "resolvers": [tuple(one.resolvers) for one in servers],
        "provisioning servers": [tuple(one.provisioning) for one in servers],
    }


def _listed(servers: Sequence[DhcpReply]) -> str:
    shown = "; ".join(_described(one) for one in servers[:MOST_NAMED])
    left = len(servers) - MOST_NAMED
    return f"{shown}; and {left} more" if left > 0 else shown


def _described(one: DhcpReply) -> str:
    gateway = f"gateway {', '.join(one.routers)}" if one.routers else "no gateway"
    resolvers = f"DNS {', '.join(one.resolvers)}" if one.resolvers else "no DNS"
    provisioning = [f"option {option} {_CREDENTIALS.sub('//', text)}" for option, text in one.provisioning]
    return f"{one.server} ({', '.join((gateway, resolvers, *provisioning))})"
