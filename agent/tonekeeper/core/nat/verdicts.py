"""Which findings follow from a measured NAT. What was not checked leads to none."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tonekeeper.core.findings import Observation
from tonekeeper.core.keepalive import POLITE, keepalive_policy
from tonekeeper.core.nat.behaviour import Dependence
from tonekeeper.core.nat.result import Interval, Lifetimes, NatResult, SipAlg
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
    measured = result.lifetime_s.stream or result.lifetime_s.replied
    if measured is None:
        return
    policy = keepalive_policy(Transport.UDP, result.lifetime_s)
    wanted = min(policy.first_s, policy.steady_s)
    is_outlived = phones_keepalive_s is not None and phones_keepalive_s >= measured[0]
    if not is_outlived and not policy.is_impolite:
        return
    if is_outlived:
        why = f"phones speak every {phones_keepalive_s:.0f} s only"
    else:
        why = f"keepalives are needed more often than every {POLITE:.0f} s"
    evidence = {"lifetime": shown_interval(measured), "why": why, "keepalive": f"{wanted:.0f}"}
    yield Observation("nat-binding-short", result.wan, evidence)


def _symmetric(result: NatResult) -> Iterator[Observation]:
    if result.mapping in _SYMMETRIC:
        yield Observation("nat-symmetric", result.wan, {"mapping": result.mapping, "mapped": result.mapped_address})


def _second_nat(result: NatResult, role: Role) -> Iterator[Observation]:
    """A router's WAN address is the outermost one of the site; what translates it is somebody else's."""
    local, mapped = _host(result.local_address), _host(result.mapped_address)
    if local is None or mapped is None or local == mapped:
        return
    if role is Role.ROUTER or (local.version == 4 and local in SHARED_ADDRESSES):
        yield Observation("cgn-detected", result.wan, {"own": str(local), "mapped": str(mapped)})


def _host(endpoint: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    host = endpoint.rpartition(":")[0].strip("[]")
    return ipaddress.ip_address(host) if host else None


def _sip_alg(result: NatResult) -> Iterator[Observation]:
    if result.sip_alg is SipAlg.YES:
        seen = "; ".join(piece.text for piece in result.evidence if piece.verdict is SipAlg.YES)
        yield Observation("sip-alg-active", result.wan, {"seen": seen})


def _below_rfc_4787(result: NatResult) -> Iterator[Observation]:
    short = {
        kind: shown_interval(interval)
        for kind, interval in _measured(result.lifetime_s)
        if interval[1] is not None and interval[1] < RFC_4787_SECONDS
    }
    if short:
        listed = ", ".join(f"{kind} {seconds}" for kind, seconds in short.items())
        yield Observation("nat-udp-timeout-below-rfc4787", result.wan, {"lifetimes": listed})


def _measured(lifetimes: Lifetimes) -> Iterator[tuple[str, Interval]]:
    udp = {"unreplied": lifetimes.unreplied, "replied": lifetimes.replied, "stream": lifetimes.stream}
    for kind, interval in udp.items():
        if interval is not None:
            yield kind, interval


def shown_interval(interval: Interval) -> str:
    """`29-31 s`, or `more than 330 s`."""
    low, high = interval
    return f"more than {low:.0f} s" if high is None else f"{low:.0f}-{high:.0f} s"
