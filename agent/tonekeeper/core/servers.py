"""What is known of the servers themselves, and findings about them: their health, their certificates, how the standby
differs, and whether two of them are really two."""

from __future__ import annotations

from collections.abc import Iterator

from tonekeeper.core.attribution import Confidence
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.core.drift import ServerTraits, compare
from tonekeeper.core.events import DepthProbed, ServerDescribed, TlsSeen
from tonekeeper.core.findings import Observation
from tonekeeper.core.functions import Fault, Function, deepest_function
from tonekeeper.core.independence import shared_places
from tonekeeper.core.instants import LONG_AGO
from tonekeeper.core.report import PathState, SbcState, Severity
from tonekeeper.core.site import Depth, Sbc
from tonekeeper.core.situation import Situation
from tonekeeper.core.turn import Turn

DAY = 86400.0
EXPIRES_SOON, EXPIRES_NOW = 14 * DAY, 3 * DAY
"""Before a certificate expires: time to renew it, and time to wake somebody."""

ROUNDS = 2.5
"""Intervals of a deep probe after which one that has not passed is told of."""
MOST_DIFFERENCES = 4
"""Named in the finding; the worst come first."""
_CODES = {SbcState.DOWN: "sbc-down", SbcState.DEGRADED: "sbc-degraded", SbcState.DRAINING: "sbc-draining"}


def described(turn: Turn, event: ServerDescribed) -> None:
    """Of its first address that answers: those behind it may run another version, and would make it flip."""
    up = [p.path for p in turn.situation.probes_of(sbc=event.path.sbc) if p.state is PathState.UP]
    if up and up[0].address != event.path.address:
        return
    _learn(turn, event.path.sbc, turn.situation.traits_of(event.path.sbc).described(event.description))


def shook_hands(turn: Turn, event: TlsSeen) -> None:
    _learn(turn, event.path.sbc, turn.situation.traits_of(event.path.sbc).shook_hands(event.facts))


def challenged(turn: Turn, event: DepthProbed) -> None:
    _learn(turn, event.path.sbc, turn.situation.traits_of(event.path.sbc).probed(event.result))


def _learn(turn: Turn, sbc: str, traits: ServerTraits) -> None:
    if any(known.name == sbc for known in turn.situation.site.sbcs):
        turn.stale = turn.stale or traits != turn.situation.traits.get(sbc)
        turn.situation.traits[sbc] = traits


def observe(situation: Situation, now: float) -> Iterator[Observation]:
    for sbc in situation.site.sbcs:
        yield from _health(situation, sbc)
        yield from _certificates(situation, sbc, now)
        yield from _functions(situation, sbc)
        yield from _unasked(situation, sbc)
        yield from _standby(situation, sbc, now)
    yield from _drift(situation)
    addresses = {name: [a.host for a in lookup.addresses] for name, lookup in situation.lookups.items()}
    for one, other, why in shared_places(addresses):
        yield Observation("same-address-twice", f"{one} and {other}", {"why": why})


def ripens_at(situation: Situation) -> Iterator[float]:
    """When a certificate comes near its end, or a standby has not passed for too long, although nothing happens."""
    for probe in situation.probes.values():
        if probe.tls is not None and probe.tls.expires_in_s is not None:
            yield from (probe.tls_at + probe.tls.expires_in_s - limit for limit in (EXPIRES_SOON, EXPIRES_NOW))
    for sbc in situation.site.sbcs:
        functions = situation.functions_of(sbc.name)
        for policy in sbc.depths:
            for function in (Function.MEDIA, Function.REGISTRATION):
                yield max(functions.passed_at(function), situation.started) + ROUNDS * policy.interval


def _health(situation: Situation, sbc: Sbc) -> Iterator[Observation]:
    health = situation.sbc_health(sbc.name)
    code = _CODES.get(SbcState(health.state))
    if code is None:
        return
    addresses = ", ".join(sorted({str(p.path.address) for p in situation.probes_of(sbc=sbc.name)}))
    evidence = {"why": health.reason, "addresses": addresses, "confidence": str(_confidence(situation, sbc))}
    if code == "sbc-down":
        evidence["last_sign"] = "; ".join(sorted({probe.reason for probe in situation.probes_of(sbc=sbc.name)}))
    yield Observation(code, sbc.name, evidence)


def _confidence(situation: Situation, sbc: Sbc) -> Confidence:
    """That it is the SBC's own fault."""
    blame = situation.attribution.of_sbc(sbc.name) or situation.strain.of_sbc(sbc.name)
    if blame is not None:
        return blame.confidence
    failing = [one.confidence for one in situation.functions_of(sbc.name).failing() if one.everywhere]
    return failing[0] if failing else Confidence.CERTAIN  # it says so itself


def _functions(situation: Situation, sbc: Sbc) -> Iterator[Observation]:
    """What fails, by its own name where it has one."""
    for failing in situation.functions_of(sbc.name).failing():
        subject = sbc.name if failing.everywhere else f"{sbc.name} over {' and '.join(failing.wans)}"
        wans = " and ".join(failing.wans)
        evidence = {"why": failing.reason, "wans": wans, "function": str(failing.function)}
        evidence["confidence"] = str(failing.confidence)
        match failing.function, failing.fault:
            case Function.SIGNALLING, _:
                continue
            case Function.REGISTRATION, Fault.DENIED:
                yield Observation("sbc-auth-broken", subject, evidence)
            case Function.MEDIA, Fault.ONE_WAY:
                yield Observation("media-one-way", subject, evidence)
            case Function.MEDIA, Fault.POOR:
                yield Observation("media-poor", subject, evidence | _voice(situation, sbc))
            case _ if not failing.everywhere:
                yield Observation("function-failing", sbc.name, evidence)


def _voice(situation: Situation, sbc: Sbc) -> dict[str, str]:
    """Of the latest call."""
    heard = situation.tallies_of(sbc.name).media
    return {
        "mos": "?" if heard.mos is None else f"{heard.mos:.1f}",
        "loss": "?" if heard.loss is None else f"{heard.loss:.0%}",
        "jitter": "?" if heard.jitter_ms is None else f"{heard.jitter_ms:.0f}",
    }


def _unasked(situation: Situation, sbc: Sbc) -> Iterator[Observation]:
    """Deep probes that are asked for and could not be made: what they should prove is not known."""
    found = [
        (one, one.result.reason)
        for one in situation.deep_probes
        if one.sbc == sbc.name and one.result is not None and one.result.verdict is DepthVerdict.NOT_CHECKED
    ]
    if found:
        depths = " and ".join(dict.fromkeys(str(one.depth) for one, _ in found))
        wans = " and ".join(dict.fromkeys(one.wan for one, _ in found))
        why = "; ".join(dict.fromkeys(reason for _, reason in found))
        yield Observation("depth-not-checked", sbc.name, {"depths": depths, "wans": wans, "why": why})


def _standby(situation: Situation, sbc: Sbc, now: float) -> Iterator[Observation]:
    """Whether an SBC that is not in use has passed the deepest of its probes lately."""
    active = situation.failover.active
    function = deepest_function([policy.depth for policy in sbc.depths])
    depth = {Function.MEDIA: Depth.CALL, Function.REGISTRATION: Depth.REGISTER}.get(function)
    policy = next((policy for policy in sbc.depths if policy.depth is depth), None)
    if active is None or active.sbc == sbc.name or policy is None:
        return
    functions = situation.functions_of(sbc.name)
    passed_at = functions.passed_at(function)
    if now < max(passed_at, situation.started) + ROUNDS * policy.interval:
        return
    failing = next((one.reason for one in functions.failing() if one.function is function), "")
    ago = "since the agent started" if passed_at == LONG_AGO else f"for {(now - passed_at) / 60:.0f} min"
    why = failing or "it could not be made, or its answers left doubt"
    yield Observation("standby-unproven", sbc.name, {"depth": str(policy.depth), "ago": ago, "why": why})


def _drift(situation: Situation) -> Iterator[Observation]:
    """The first SBC against each other."""
    primary, *others = situation.site.sbcs
    for other in others:
        differences = compare(situation.traits_of(primary.name), situation.traits_of(other.name))
        if differences:
            shown = "; ".join(difference.sentence for difference in differences[:MOST_DIFFERENCES])
            evidence = {"why": shown, "primary": primary.name, "differences": str(len(differences))}
            yield Observation("standby-drift", other.name, evidence)


def _certificates(situation: Situation, sbc: Sbc, now: float) -> Iterator[Observation]:
    """The worst of what its addresses show; a certificate that is refused says more than one that soon will be."""
    seen = [(probe, probe.tls) for probe in situation.probes_of(sbc=sbc.name) if probe.tls is not None]
    for probe, facts in seen:
        if facts.problem:
            evidence = {"why": facts.problem, "address": str(probe.path.address), "subject_name": facts.subject}
            good = {other.path.wan for other, others in seen if not others.problem}
            bad = [wan.name for wan in situation.site.wans if wan.name not in good]
            subject = f"{sbc.name} over {' and '.join(bad)}" if good and bad else sbc.name
            yield Observation("tls-invalid", subject, evidence | {"issuer": facts.issuer})
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
