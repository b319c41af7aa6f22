"""Is the site translated twice, by a box of its own in front of this one?

A modem that is left in router mode translates what this router has translated already: two bindings that time out
independently, two port ranges, two SIP ALGs, and one of the two is nobody's. What translates in the provider's network
(CGN) is another thing with another remedy, and has a finding of its own; told apart are they by what lies in front:

    100.64/10 on the WAN (RFC 6598), or a line without a router at its end (PPP, LTE)      the provider's
    10/8, 172.16/12, 192.168/16 (RFC 1918) on the WAN, and a private router in front        the site's

Seen from a laptop behind the router, a private address is normal; two private routers before the first public one are
two that translate, as far as anybody can see from there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from tonekeeper.core.attribution import Confidence
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.findings import Observation
from tonekeeper.core.nat.verdicts import SHARED_ADDRESSES
from tonekeeper.core.site import Role

PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918."""


@dataclass(frozen=True, slots=True)
class WanSeen:
    """What is known of the way out through a WAN, by IPv4. Addresses are numeric; empty: not known."""

    wan: str
    local: str = ""
    mapped: str = ""
    """As a STUN server saw it."""
    destination: str = ""
    """An SBC."""
    hops: tuple[str, ...] | None = None
    """Routers on the way there, "" for one that stayed silent; None: nobody walked."""
    is_point_to_point: bool = False
    """The line has no router at its end that others could share."""
    unknown: str = ""
    """Why nothing is known."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of one WAN: whether it was looked at, and what was seen."""

    looked: bool
    text: str
    observation: Observation | None = None


def judge_double_nat(wans: Sequence[WanSeen], role: Role, *, translates: bool | None = None) -> CheckResult:
    """`translates`: whether this router does so itself; None where its rules cannot be read, and then it is assumed."""
    judge = _behind_router if role is Role.ROUTER else _behind_laptop
    told = [
        (wan.wan, judge(wan) if wan.local else Told(False, wan.unknown or "it has no IPv4 address")) for wan in wans
    ]
    if role is Role.ROUTER and translates is False:
        told = [(wan, Told(True, "this router does not translate") if one.observation else one) for wan, one in told]
    detail = "; ".join(f"{wan}: {one.text}" for wan, one in told) or "no WAN is known"
    found = tuple(one.observation for _, one in told if one.observation is not None)
    if found:
        return CheckResult(Check.DOUBLE_NAT, Outcome.PROBLEM, detail, found)
    if not told or not all(one.looked for _, one in told):
        return CheckResult(Check.DOUBLE_NAT, Outcome.NOT_CHECKED, detail)
    return CheckResult(Check.DOUBLE_NAT, Outcome.OK, detail)


def is_private(host: str) -> bool:
    address = ipaddress.ip_address(host)
    return address.version == 4 and any(address in network for network in PRIVATE)


def needs_a_walk(wan: WanSeen, role: Role) -> bool:
    """Whether the routers on the way would say more than the addresses do."""
    if not wan.local or not is_private(wan.local) or not wan.destination or wan.hops is not None:
        return False
    return not (role is Role.ROUTER and wan.is_point_to_point)


def _behind_router(wan: WanSeen) -> Told:
    if not is_private(wan.local):
        kind = "shared with the provider's other customers" if _is_shared(wan.local) else "not private"
        return Told(True, f"{wan.local} is {kind}")
    if wan.is_point_to_point:
        return Told(True, f"{wan.local} is private, on a line without another router: the provider's NAT")
    private, beyond = _private_run(wan.hops or ())
    if beyond and not private:
        return Told(True, f"{wan.local} is private, and no private router is in front: the provider's NAT")
    if not beyond and not wan.mapped and (not wan.destination or is_private(wan.destination)):
        return Told(False, f"{wan.local} is private, and nothing public has been reached over it")
    outer = private[0] if private else ""
    confidence = Confidence.STRONG if len(private) == 1 and beyond else Confidence.LIKELY
    why = f"this router has the private address {wan.local} there, and {outer or 'something in front'} translates it"
    return _twice(wan, why + (f" to {wan.mapped}" if wan.mapped else ""), outer, confidence)


def _behind_laptop(wan: WanSeen) -> Told:
    if not is_private(wan.local):
        return Told(True, f"{wan.local} is not private")
    if wan.hops is None:
        return Told(False, "the routers on the way are not known")
    private, beyond = _private_run(wan.hops)
    if not beyond and (not private or not wan.destination or is_private(wan.destination)):
        return Told(False, "no public router on the way has answered")
    if len(private) < 2:
        return Told(True, f"{'one' if private else 'no'} private router is on the way")
    return _twice(wan, f"the private routers {' and '.join(private)} are on the way", private[1], Confidence.LIKELY)


def _twice(wan: WanSeen, why: str, outer: str, confidence: Confidence) -> Told:
    evidence = {"why": why, "local": wan.local, "outer": outer or "what is in front", "confidence": str(confidence)}
    if wan.hops:
        evidence["hops"] = ", ".join(hop or "?" for hop in wan.hops)
    return Told(True, why, Observation("double-nat", wan.wan, evidence))


def _private_run(hops: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The private routers before the first that is not, and that one; empty where none answered."""
    private: list[str] = []
    for hop in hops:
        if hop and not is_private(hop):
            return tuple(private), hop
        private += [hop] if hop else []
    return tuple(private), ""


def _is_shared(host: str) -> bool:
    address = ipaddress.ip_address(host)
    return address.version == 4 and address in SHARED_ADDRESSES
