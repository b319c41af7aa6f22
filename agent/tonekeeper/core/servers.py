"""Findings about the SBCs: their health, their certificates, and whether two of them are really two."""

from __future__ import annotations

from collections.abc import Iterator

from tonekeeper.core.findings import Observation
from tonekeeper.core.independence import shared_places
from tonekeeper.core.report import SbcState, Severity
from tonekeeper.core.site import Sbc
from tonekeeper.core.situation import Situation

DAY = 86400.0
EXPIRES_SOON, EXPIRES_NOW = 14 * DAY, 3 * DAY
"""Before a certificate expires: time to renew it, and time to wake somebody."""

_CODES = {SbcState.DOWN: "sbc-down", SbcState.DEGRADED: "sbc-degraded", SbcState.DRAINING: "sbc-draining"}


def observe(situation: Situation, now: float) -> Iterator[Observation]:
    for sbc in situation.site.sbcs:
        yield from _health(situation, sbc)
        yield from _certificates(situation, sbc, now)
    addresses = {name: [a.host for a in lookup.addresses] for name, lookup in situation.lookups.items()}
    for one, other, why in shared_places(addresses):
        yield Observation("same-address-twice", f"{one} and {other}", {"why": why})


def _health(situation: Situation, sbc: Sbc) -> Iterator[Observation]:
    health = situation.sbc_health(sbc.name)
    code = _CODES.get(SbcState(health.state))
    if code is None:
        return
    addresses = ", ".join(sorted({str(p.path.address) for p in situation.probes_of(sbc=sbc.name)}))
    evidence = {"why": health.reason, "addresses": addresses}
    blame = situation.attribution.of_sbc(sbc.name)
    if blame is not None:
        evidence["confidence"] = str(blame.confidence)
    yield Observation(code, sbc.name, evidence)


def _certificates(situation: Situation, sbc: Sbc, now: float) -> Iterator[Observation]:
    """The worst of what its addresses show; a certificate that is refused says more than one that soon will be."""
    seen = [(probe, probe.tls) for probe in situation.probes_of(sbc=sbc.name) if probe.tls is not None]
    for probe, facts in seen:
        if facts.problem:
            evidence = {"why": facts.problem, "address": str(probe.path.address), "subject_name": facts.subject}
            yield Observation("tls-invalid", sbc.name, evidence | {"issuer": facts.issuer})
            return
    left = [
        (facts.expires_in_s - (now - probe.tls_at), probe, facts)
        for probe, facts in seen
        if facts.expires_in_s is not None
    ]
    soonest = min(left, key=lambda each: each[0], default=None)
    if soonest is None or soonest[0] > EXPIRES_SOON:
        return
    remaining, probe, facts = soonest
    evidence = {"days": f"{remaining / DAY:.1f}", "address": str(probe.path.address), "issuer": facts.issuer}
    severity = Severity.CRITICAL if remaining <= EXPIRES_NOW else Severity.WARNING
    yield Observation("tls-expiring", sbc.name, evidence, severity)
