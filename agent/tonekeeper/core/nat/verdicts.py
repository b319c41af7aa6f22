"""Which findings follow from a measured NAT. What was not checked leads to none."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tonekeeper.core.findings import Observation
from tonekeeper.core.keepalive import keepalive_policy
from tonekeeper.core.nat.result import Dependence, Interval, Lifetimes, NatResult, SipAlg
from tonekeeper.core.site import Role, Transport

RFC_4787_SECONDS = 120.0
"""REQ-5: a UDP mapping must not expire sooner."""
SHARED_ADDRESSES = ipaddress.ip_network("100.64.0.0/10")
"""Between a carrier's NAT and its customers (RFC 6598)."""
_SYMMETRIC = (Dependence.ADDRESS_DEPENDENT, Dependence.ADDRESS_AND_PORT_DEPENDENT)


def nat_observations(
    result: NatResult, *, role: Role = Role.ENDPOINT, phones_keepalive_s: float | None = None
) -> tuple[Observation, ...]:
    """`phones_keepalive_s`: the longest interval at which a phone of this site speaks; None where it is not known."""
    if result.abandoned:
        return ()
    return (
        *_binding_short(result, phones_keepalive_s),
        *_symmetric(result),
        *_second_nat(result, role),
        *_sip_alg(result),
        *_below_rfc_4787(result),
    )


def _binding_short(result: NatResult, phones_keepalive_s: float | None) -> Iterator[Observation]:
    """Something speaks less often than the NAT forgets, or would have to speak oftener than is polite."""
    policy = keepalive_policy(Transport.UDP, result.lifetime_s)
    known = [one for one in (result.lifetime_s.replied, result.lifetime_s.stream) if one is not None]
    measured = min(known, default=None)
    if measured is None or measured[1] is None:
        return
    is_outlived = phones_keepalive_s is not None and phones_keepalive_s >= measured[0]
    if is_outlived or policy.is_impolite:
        keepalive = f"{min(policy.first_s, policy.steady_s):.0f}"
        spoken = {} if phones_keepalive_s is None else {"phones": f"{phones_keepalive_s:.0f}"}
        evidence = {"low": f"{measured[0]:.0f}", "high": f"{measured[1]:.0f}", "keepalive": keepalive}
        yield Observation("nat-binding-short", result.wan, evidence | spoken)


def _symmetric(result: NatResult) -> Iterator[Observation]:
    if result.mapping in _SYMMETRIC:
        yield Observation("nat-symmetric", result.wan, {"mapping": result.mapping, "mapped": result.mapped_address})


def _second_nat(result: NatResult, role: Role) -> Iterator[Observation]:
    """A router's WAN address is the outermost one of the site; what translates it is somebody else's."""
    local, mapped = _host(result.local_address), _host(result.mapped_address)
    if local is None or mapped is None or local == mapped:
        return
    if role is Role.ROUTER or (local.version == 4 and local in SHARED_ADDRESSES):
        yield Observation("cgn-detected", result.wan, {"local": str(local), "mapped": str(mapped)})


def _host(endpoint: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    host = endpoint.rpartition(":")[0].strip("[]")
    return ipaddress.ip_address(host) if host else None


def _sip_alg(result: NatResult) -> Iterator[Observation]:
    if result.sip_alg is SipAlg.YES:
        seen = "; ".join(piece.text for piece in result.evidence if piece.verdict is SipAlg.YES)
        yield Observation("sip-alg-active", result.wan, {"evidence": seen})


def _below_rfc_4787(result: NatResult) -> Iterator[Observation]:
    short = {
        kind: interval[1]
        for kind, interval in _measured(result.lifetime_s)
        if interval[1] is not None and interval[1] < RFC_4787_SECONDS
    }
    if short:
        evidence = {"high": f"{min(short.values()):.0f}", "kinds": ", ".join(short)}
        yield Observation("nat-udp-timeout-below-rfc4787", result.wan, evidence)


def _measured(lifetimes: Lifetimes) -> Iterator[tuple[str, Interval]]:
    udp = {"unreplied": lifetimes.unreplied, "replied": lifetimes.replied, "stream": lifetimes.stream}
    for kind, interval in udp.items():
        if interval is not None:
            yield kind, interval
