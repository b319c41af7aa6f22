"""What is told of judged paths: the rows of the report, and the findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tonekeeper.core.attribution import Confidence
from tonekeeper.core.egress.judgement import Cause, Judged
from tonekeeper.core.egress.result import Fact, Outcome, PathMtu
from tonekeeper.core.findings import Observation
from tonekeeper.core.report import EgressReport, Severity

SIP_OVER_UDP = 1300
"""Octets that a request over UDP may have (RFC 3261 section 18.1.1); with its headers it is some more."""
HEADERS = 48

_ASK_AS_ROOT = "(`tonekeeper firewall` as root names the rule, and what to type)"
_CLAMP = (
    "nft add table inet mssclamp",
    "nft 'add chain inet mssclamp forward { type filter hook forward priority mangle; }'",
)
_CONFIDENCE = (Confidence.CERTAIN, Confidence.STRONG, Confidence.LIKELY)
_BY_OTHERS = (Outcome.PROHIBITED, Outcome.PORT_UNREACHABLE, Outcome.UNREACHABLE, Outcome.RESET, Outcome.SILENT)


def egress_reports(judged: Iterable[Judged]) -> tuple[EgressReport, ...]:
    return tuple(
        EgressReport(
            wan=one.trial.path.wan,
            sbc=one.trial.path.sbc,
            transport=str(one.trial.path.transport),
            address=str(one.trial.path.address),
            outcome=str(one.trial.outcome),
            hop=one.trial.hop,
            last_hop=one.trial.last_hop,
            cause=str(one.cause),
            largest=one.trial.mtu.largest if one.trial.mtu is not None else None,
            detail=one.why,
        )
        for one in judged
    )


def egress_observations(judged: Sequence[Judged]) -> tuple[Observation, ...]:
    """In the same order for the same judgement."""
    return (*_upstream(judged), *_path_mtu(judged), *_gateways(judged), *_local_rules(judged))


def _upstream(judged: Sequence[Judged]) -> Iterator[Observation]:
    for (wan, sbc), own in _by_place(one for one in judged if _is_upstream(one)).items():
        first = min(own, key=lambda one: _CONFIDENCE.index(one.confidence))
        reached = any(name.startswith(f"{sbc} ") for one in own for name in one.passes)
        evidence = {
            "wan": wan,
            "why": first.why,
            "flows": _flows(own),
            "hop": first.trial.hop,
            "last_hop": first.trial.last_hop,
            "sign": first.trial.detail,
            "passes": ", ".join(dict.fromkeys(n for one in own for n in one.passes)) or "nothing",
            "confidence": str(first.confidence),
        }
        stated = Severity.WARNING if reached else Severity.CRITICAL
        yield Observation("upstream-blocks", f"{sbc} over {wan}", evidence, stated)


def _is_upstream(one: Judged) -> bool:
    """A router that knows no way is upstream as well as one that does not want to know it."""
    upstream = one.cause is Cause.UPSTREAM_FILTER or (one.cause is Cause.NO_ROUTE and bool(one.trial.hop))
    return upstream and one.trial.outcome in _BY_OTHERS


def _path_mtu(judged: Sequence[Judged]) -> Iterator[Observation]:
    limited = [one for one in judged if one.cause is Cause.PATH_MTU or _is_told(one)]
    measured = [one for one in judged if one.trial.mtu is not None]
    for (wan, sbc), own in _by_place(limited).items():
        hosts = {one.trial.path.address.host for one in measured if one.trial.path.wan == wan}
        affected = {one.trial.path.address.host for one in limited if one.trial.path.wan == wan}
        if len(hosts) > 1 and hosts == affected:
            if own[0] is next(one for one in limited if one.trial.path.wan == wan):
                yield _of_length(wan, [one for one in limited if one.trial.path.wan == wan])
        else:
            yield _of_length(f"{sbc} over {wan}", own)


def _is_told(one: Judged) -> bool:
    """Nothing is lost for good, but the interface promises more than the way holds."""
    mtu = one.trial.mtu
    return one.cause is Cause.FINE and mtu is not None and mtu.is_limited and mtu.largest == mtu.told


def _of_length(subject: str, own: Sequence[Judged]) -> Observation:
    first = min(own, key=lambda one: (one.cause is Cause.FINE, _CONFIDENCE.index(one.confidence)))
    trial, mtu = first.trial, first.trial.mtu
    is_lost = first.cause is Cause.PATH_MTU
    why = first.why
    if mtu is not None and not is_lost:
        why = f"{mtu.told_by} lets {mtu.told} bytes pass and says so, while {trial.interface} promises {mtu.tried}"
    evidence = {
        "why": why,
        "largest": _octets(mtu),
        "tried": str(mtu.tried) if mtu is not None else "",
        "hop": (mtu.told_by or mtu.lost_after) if mtu is not None else "",
        "fragments": str(mtu.pieces) if mtu is not None else str(Fact.NOT_CHECKED),
        "sent": f"SIP over UDP may have {SIP_OVER_UDP} bytes, and an INVITE with a long codec list has more",
        "flows": _flows(own),
        "confidence": str(first.confidence),
        "advice": _advice(first),
    }
    return Observation("path-mtu", subject, evidence, _severity(mtu, is_lost=is_lost))


def _octets(mtu: PathMtu | None) -> str:
    return str(mtu.largest) if mtu is not None and mtu.largest is not None else "not known"


def _severity(mtu: PathMtu | None, *, is_lost: bool) -> Severity:
    """Critical where even requests vanish that SIP may send over UDP."""
    if not is_lost:
        return Severity.INFO
    critical = mtu is not None and mtu.is_black_hole and (mtu.largest or 0) < SIP_OVER_UDP + HEADERS
    return Severity.CRITICAL if critical else Severity.WARNING


def _advice(one: Judged) -> str:
    mtu, interface = one.trial.mtu, one.trial.interface
    lines = []
    if mtu is not None and mtu.is_limited and mtu.largest:
        lines.append(f"ip link set dev {interface} mtu {mtu.largest}")
    if mtu is None or mtu.is_limited:
        clamp = f"oifname {interface} tcp flags syn tcp option maxseg size set rt mtu"
        lines += (*_CLAMP, f"nft add rule inet mssclamp forward {clamp}")
    if one.cause is Cause.PATH_MTU:
        lines.append("(on the phones: SIP over TCP, or a shorter codec list)")
    if mtu is not None and mtu.pieces is Fact.NO:
        lines.append("(ask whoever runs the firewall or modem on the way to let fragments pass)")
    return "\n".join(lines)


def _gateways(judged: Sequence[Judged]) -> Iterator[Observation]:
    for one in judged:
        if one.cause is Cause.SIP_ALG:
            yield Observation("sip-alg-active", one.trial.path.wan, {"evidence": one.why})


def _local_rules(judged: Sequence[Judged]) -> Iterator[Observation]:
    """Where the kernel refused and nobody could ask the rules; else the firewall's own finding says it better."""
    refused = (one for one in judged if one.trial.outcome is Outcome.FORBIDDEN_HERE and one.why == one.trial.detail)
    by_sbc: dict[str, list[Judged]] = {}
    for one in refused:
        by_sbc.setdefault(one.trial.path.sbc, []).append(one)
    for sbc, own in by_sbc.items():
        evidence = {
            "origin": "this host",
            "wans": ", ".join(dict.fromkeys(one.trial.path.wan for one in own)),
            "flows": _flows(own),
            "rule": own[0].trial.detail,
            "change": _ASK_AS_ROOT,
        }
        yield Observation("firewall-blocks-sip", sbc, evidence)


def _by_place(judged: Iterable[Judged]) -> dict[tuple[str, str], list[Judged]]:
    places: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        places.setdefault((one.trial.path.wan, one.trial.path.sbc), []).append(one)
    return places


def _flows(judged: Sequence[Judged]) -> str:
    return ", ".join(dict.fromkeys(f"{one.trial.path.transport} {one.trial.path.address}" for one in judged))
