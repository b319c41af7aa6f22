"""From the situation to findings: which entries of the catalogue hold at this moment, and with what evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tonekeeper.core import circuits, names, servers, strained
from tonekeeper.core.attribution import Attribution, Confidence
from tonekeeper.core.checks import Check
from tonekeeper.core.egress import watch as egress_watch
from tonekeeper.core.events import Facility
from tonekeeper.core.failover import Place, Standing
from tonekeeper.core.findings import CATALOGUE, CHAPTERS, ActiveFinding, Observation
from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat.verdicts import nat_observations
from tonekeeper.core.probe import FIRST_VERDICT
from tonekeeper.core.report import CauseReport, ExplainedReport, FindingReport, PathState, Severity, WanState
from tonekeeper.core.site import Mode
from tonekeeper.core.situation import Situation

FindingChange = tuple[str, str, str, str]
"""subject, before, after, reason: the arguments of a LogChange"""

_FACILITY_CODES = {
    Facility.JOURNAL: "journal-unwritable",
    Facility.HTTP: "http-unavailable",
    Facility.PROFILES: "profiles-refused",
    Facility.LISTENING: "registers-unseen",
    Facility.SNMP: "snmp-unavailable",
    Facility.STARTS: "crash-loop",
}
MOST_FLOWS = 5
"""Stale flows named in a finding; the report has them all."""

_NEAREST_FIRST = ("This host", "WANs", "Firewall", "NAT", "DNS", "Paths", "SBCs", "Failover", "LAN", "Phones")
_NEARNESS = {
    entry.code: order for order, entry in enumerate(entry for chapter in _NEAREST_FIRST for entry in CHAPTERS[chapter])
}
"""To the site's own hardware: what is nearer is more often the cause; within a chapter, as it is written."""

_ABOUT_THE_SITE = ("site-offline", "no-alternate", "clock-wrong", "conntrack-full")
_SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


def update(situation: Situation, standings: tuple[Standing, ...], now: float) -> list[FindingChange]:
    """Bring the active findings up to date; what came and what went, for the log."""
    held = {f"{one.code} {one.subject}".strip(): one for one in observe(situation, standings, now)}
    changes: list[FindingChange] = []
    for key in [key for key in situation.findings if key not in held]:
        del situation.findings[key]
        changes.append((f"finding {key}", "active", "gone", ""))
    for key, one in held.items():
        active = situation.findings.get(key)
        if active is None:
            situation.findings[key] = ActiveFinding(one.code, one.subject, one.evidence, now, one.severity)
            changes.append((f"finding {key}", "", "active", one.evidence.get("why", "")))
        else:
            active.evidence = one.evidence
            active.severity = one.severity
    return [change for change in changes if _is_lasting(change[0])]


def next_look(situation: Situation, now: float) -> float:
    """When findings may change although nothing happens; NEVER if they will not."""
    names_ripen = (at for lookup in situation.lookups.values() for at in lookup.ripens_at())
    awaited = (probe.since + FIRST_VERDICT for probe in situation.probes.values() if probe.is_awaited(now))
    return min((at for at in (*names_ripen, *servers.ripens_at(situation), *awaited) if at > now), default=NEVER)


def _is_lasting(subject: str) -> bool:
    """A finding that must last before it is shown would fill the log with what nobody was to see."""
    return CATALOGUE[subject.split()[1]].visible_after == 0


def visible(situation: Situation, now: float) -> list[FindingReport]:
    """What a person is shown: old enough, and not explained by another one; in the order of `_rank`."""
    actives = situation.findings.values()
    shown = [active for active in actives if _is_ripe(active, now) and not _causes_of(active, actives)]
    return [_rendered(active, now) for active in sorted(shown, key=_rank)]


def explained(situation: Situation, now: float) -> list[ExplainedReport]:
    """What holds as well and follows from what is shown."""
    actives = situation.findings.values()
    told = []
    for active in sorted(actives, key=_rank):
        if _is_ripe(active, now) and _causes_of(active, actives):
            roots = [root for root in _roots_of(active, actives) if _is_ripe(root, now)]
            causes = tuple(CauseReport(root.code, root.subject) for root in sorted(roots, key=_rank))
            told.append(ExplainedReport(_rendered(active, now), causes))
    return told


def _rank(active: ActiveFinding) -> tuple[int, int, float, str]:
    """Worst first, then causes, then the oldest."""
    return (_SEVERITIES.index(active.severity), _NEARNESS[active.code], active.since, active.subject)


def _is_ripe(active: ActiveFinding, now: float) -> bool:
    return now - active.since >= CATALOGUE[active.code].visible_after


def _causes_of(active: ActiveFinding, actives: Iterable[ActiveFinding]) -> list[ActiveFinding]:
    return [other for other in actives if _explains(other, active)]


def _roots_of(active: ActiveFinding, actives: Iterable[ActiveFinding]) -> list[ActiveFinding]:
    """At the ends of all chains of causes; no entry of the catalogue explains itself, however far around."""
    roots: list[ActiveFinding] = []
    reached, left = [active], [active]
    while left:
        causes = _causes_of(left.pop(), actives)
        for cause in causes:
            if cause not in reached:
                reached.append(cause)
                left.append(cause)
                roots += [] if _causes_of(cause, actives) else [cause]
    return roots


def _explains(cause: ActiveFinding, active: ActiveFinding) -> bool:
    """What concerns the whole site explains everything that may depend on it and is no worse; anything else, what has
    all its names. What is told for information only explains no trouble."""
    if cause.code not in CATALOGUE[active.code].depends_on:
        return False
    is_less = _SEVERITIES.index(cause.severity) > _SEVERITIES.index(active.severity)
    if cause.code in _ABOUT_THE_SITE:
        return not is_less
    names = _names(cause.subject)
    concerned = _names(active.subject) | _names(active.evidence.get("wan", ""))
    return bool(names) and names <= concerned and not (is_less and cause.severity is Severity.INFO)


def _names(subject: str) -> set[str]:
    """The WANs and SBCs in `fibre`, `primary over fibre`, `fibre and lte`, `fibre/primary/udp/192.0.2.1:5060`."""
    return set(subject.replace("/", " ").split()) - {"over", "and"}


def _rendered(active: ActiveFinding, now: float) -> FindingReport:
    entry = CATALOGUE[active.code]
    words = _Words(subject=active.subject, **active.evidence)
    return FindingReport(
        code=entry.code,
        severity=active.severity,
        subject=active.subject,
        summary=entry.summary.format_map(words),
        evidence=active.evidence,
        remedy=entry.remedy.format_map(words),
        since_s=round(now - active.since, 3),
    )


class _Words(dict[str, str]):
    """What a sentence needs; a word that is missing must not take the whole report down."""

    def __missing__(self, word: str) -> str:
        return f"({word} not known)"


def observe(situation: Situation, standings: tuple[Standing, ...], now: float) -> Iterator[Observation]:
    yield from _site_and_wans(situation)
    yield from circuits.observe(situation, now)
    yield from servers.observe(situation, now)
    yield from names.observe(situation, now)
    yield from _paths(situation)
    yield from strained.observe(situation)
    yield from _nat(situation, now)
    yield from _decision(situation, standings)
    yield from _steering(situation)
    yield from egress_watch.observe(situation)
    yield from situation.firewall.problems if situation.firewall is not None else ()
    for known in situation.checks.values():
        yield from known.result.observations
    yield from _own_house(situation)


def _site_and_wans(situation: Situation) -> Iterator[Observation]:
    attribution: Attribution = situation.attribution
    dead = [situation.dead(wan) for wan in situation.site.wans]
    if attribution.site is not None and not _is_held_back(situation):
        evidence = {"why": attribution.site.evidence, "confidence": str(attribution.site.confidence)}
        yield Observation("site-offline", situation.site.name, evidence)
    elif dead and all(dead):
        evidence = {"why": "; ".join(dead), "confidence": str(Confidence.CERTAIN)}
        yield Observation("site-offline", situation.site.name, evidence)
    for wan in situation.site.wans:
        health = situation.wan_health(wan.name)
        if health.state == WanState.DOWN:
            blame = attribution.of_wan(wan.name)
            confidence = blame.confidence if blame is not None else Confidence.CERTAIN
            evidence = {"why": health.reason, "interface": wan.interface, "confidence": str(confidence)}
            yield Observation("wan-down", wan.name, evidence)


def _is_held_back(situation: Situation) -> bool:
    """The site's lines carry packets, and why nothing answers has a name: certificates, or a portal on each of them."""
    met = [(probe.tls.problem if probe.tls is not None else "", probe.reason) for probe in situation.probes.values()]
    if all(problem and problem in reason for problem, reason in met):
        return True
    portal = situation.checks.get(Check.PORTAL)
    found = portal.result.observations if portal is not None else ()
    caught = {one.subject for one in found if one.severity is not Severity.INFO}
    return bool(caught) and all(wan.name in caught or situation.dead(wan) for wan in situation.site.wans)


def _paths(situation: Situation) -> Iterator[Observation]:
    for path, probe in situation.probes.items():
        if probe.state is not PathState.DOWN:
            continue
        if probe.reason.startswith(("cannot probe", "cannot send")):
            yield Observation("probe-refused", str(path), {"why": probe.reason})
        elif blame := situation.path_blamed(path.wan, path.sbc):
            evidence = {"why": blame.evidence, "confidence": str(blame.confidence), "last_sign": probe.reason}
            yield Observation("path-down", str(path), evidence)


def _decision(situation: Situation, standings: tuple[Standing, ...]) -> Iterator[Observation]:
    failover = situation.failover
    if failover.active is None:
        return
    yield from _alternates(standings, failover.active)
    first = min(standings, key=lambda standing: standing.order, default=None)
    if first is not None and first.place != failover.active:
        evidence = {"why": failover.reason, "preferred": str(first.place)}
        yield Observation("not-on-first-choice", str(failover.active), evidence)
    if failover.taken_back is not None and failover.taken_back != failover.active:
        yield Observation("switch-taken-back", str(failover.taken_back), {})
    if failover.suppressed:
        yield Observation("failover-suppressed", str(failover.active), {"why": failover.suppressed})


def _nat(situation: Situation, now: float) -> Iterator[Observation]:
    spoken = situation.phones.keepalive(now)
    for wan in situation.site.wans:
        result = situation.nats[wan.name].result if wan.name in situation.nats else None
        if result is not None:
            yield from nat_observations(result, role=situation.site.role, phones_keepalive_s=spoken)


def _steering(situation: Situation) -> Iterator[Observation]:
    steering, active = situation.steering, situation.failover.active
    if steering.refused and situation.site.failover.mode is Mode.STEER:
        yield Observation("steering-refused", str(active or situation.site.name), {"why": steering.refused})
    if steering.unavailable:
        yield Observation("flows-unseen", "", {"why": steering.unavailable})
    if steering.repairs.are_frequent and active is not None:
        evidence = {"what": steering.repairs.touched, "times": str(len(steering.repairs.made))}
        yield Observation("steering-disturbed", active.wan, evidence)
    if steering.stale and active is not None:
        evidence = {"count": str(len(steering.stale)), "flows": "; ".join(steering.stale[:MOST_FLOWS])}
        yield Observation("stale-binding", active.wan, evidence)


def _alternates(standings: tuple[Standing, ...], active: Place) -> Iterator[Observation]:
    others = [standing for standing in standings if standing.place != active]
    if not others:
        yield Observation("no-alternate", str(active), {"why": "one WAN and one SBC are all that is configured"})
    elif not any(standing.usable for standing in others):
        yield Observation("no-alternate", str(active), {"why": "no other WAN or SBC is proven at this moment"})


def _own_house(situation: Situation) -> Iterator[Observation]:
    for facility, failed in situation.facilities.items():
        yield Observation(_FACILITY_CODES[facility], "", {"why": failed.reason})
    if situation.clock_jump:
        yield Observation("clock-jumped", "", {"seconds": f"{situation.clock_jump:+.0f}"})
