"""The report as Prometheus samples.

Names follow Prometheus' conventions: base units, counters end in `_total`. What is not known has no sample: an
absent series says "not checked", a zero would say "no".

What a series costs is paid for a million sites: whatever strangers or faults can make more of is bounded here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tonekeeper.core.report import (
    FindingReport,
    NatReport,
    ProbingReport,
    Report,
    Severity,
    SteeringReport,
    WanReport,
    WanState,
)
from tonekeeper.faces.http import phone_metrics, sbc_metrics
from tonekeeper.faces.http.exposition import Dialect, Family, Kind, labels_of

MOST_FINDINGS = 5
"""Shown by name, the worst first; all are counted."""

_ALG = {"yes": 1, "no": 0}
_KEPT_ALIVE = ("replied", "stream")
"""Kinds of bindings that phones hold open: what keepalives go by."""


def dialect_for(accept: str) -> Dialect:
    """What a request with this Accept field is answered with (RFC 9110 section 12.5.1)."""
    wanted = {Dialect.TEXT: 0.0, Dialect.OPENMETRICS: 0.0}
    for element in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in element.split(";"))
        settings = dict(part.partition("=")[::2] for part in parameters)
        quality = _quality(settings.get("q", "1"))
        if media_type == "application/openmetrics-text" and settings.get("version", "1.0.0") == "1.0.0":
            wanted[Dialect.OPENMETRICS] = max(wanted[Dialect.OPENMETRICS], quality)
        elif media_type == "text/plain":
            wanted[Dialect.TEXT] = max(wanted[Dialect.TEXT], quality)
    openmetrics = wanted[Dialect.OPENMETRICS]
    return Dialect.OPENMETRICS if 0 < openmetrics >= wanted[Dialect.TEXT] else Dialect.TEXT


def render_metrics(report: Report, dialect: Dialect) -> bytes:
    """`report` as a whole exposition in `dialect`."""
    lines: list[str] = []
    for family in _families(report):
        lines += family.write(dialect)
    if dialect is Dialect.OPENMETRICS:
        lines.append("# EOF")
    lines.append("")
    return "\n".join(lines).encode("utf-8", "backslashreplace")


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _families(report: Report) -> Iterator[Family]:
    yield from _agent_families(report)
    yield from _wan_families(report.wans)
    yield from _metering_families(report.wans)
    yield from sbc_metrics.families(report.sbcs)
    yield from _guard_families(report.probing)
    yield from _steering_families(report.steering)
    yield from _nat_families(report.nat)
    yield from phone_metrics.families(report.phones)
    yield from _finding_families(report.findings)


def _agent_families(report: Report) -> Iterator[Family]:
    agent, active = report.agent, report.active
    build = Family("tonekeeper_build", Kind.INFO, "Version of the running agent.")
    build.add(1, labels_of(version=agent.version))
    yield build
    who = Family("tonekeeper_agent", Kind.INFO, "Name of the site, role and failover mode of the agent.")
    who.add(1, labels_of(name=agent.name, role=agent.role, mode=agent.mode))
    yield who
    uptime = Family("tonekeeper_uptime_seconds", Kind.GAUGE, "Time since the agent started.")
    uptime.add(agent.uptime_s)
    yield uptime
    chosen = Family("tonekeeper_active", Kind.GAUGE, "1 for the WAN and the SBC that calls use.")
    if active.sbc:
        chosen.add(1, labels_of(wan=active.wan, sbc=active.sbc))
    yield chosen
    since = Family("tonekeeper_active_age_seconds", Kind.GAUGE, "Time since the active WAN and SBC were chosen.")
    if active.sbc:
        since.add(active.since_s)
    yield since
    switches = Family("tonekeeper_switches", Kind.COUNTER, "Changes of the active WAN or SBC since the agent started.")
    switches.add(active.switches)
    yield switches
    failback = Family("tonekeeper_failback_wait_seconds", Kind.GAUGE, "Time until the way back is possible.")
    failback.add(active.failback_s)
    yield failback


def _wan_families(wans: tuple[WanReport, ...]) -> Iterator[Family]:
    up = Family("tonekeeper_wan_up", Kind.GAUGE, "1 if the WAN is usable, 0 if down or suppressed.")
    state = Family("tonekeeper_wan_state", Kind.GAUGE, "1 for the state the WAN is in.")
    blamed = Family("tonekeeper_wan_blamed", Kind.GAUGE, "1 if the WAN is what is at fault.")
    penalty = Family("tonekeeper_wan_penalty", Kind.GAUGE, "Damping penalty of the WAN (RFC 2439).")
    losses = Family("tonekeeper_wan_losses_last_hour", Kind.GAUGE, "Losses of carrier, address or health in an hour.")
    suppressed = Family("tonekeeper_wan_suppressed", Kind.GAUGE, "1 if the WAN flapped too much to be trusted.")
    reuse = Family("tonekeeper_wan_reuse_wait_seconds", Kind.GAUGE, "Time until a flapping WAN is trusted again.")
    transitions = Family("tonekeeper_wan_transitions", Kind.COUNTER, "Changes of the WAN's state.")
    for wan in wans:
        labels = labels_of(wan=wan.name)
        up.add(None if wan.state is WanState.UNKNOWN else int(wan.state is WanState.UP), labels)
        state.add_state(wan.state, labels)
        blamed.add(int(wan.blamed), labels)
        penalty.add(wan.penalty, labels)
        losses.add(wan.losses_1h, labels)
        suppressed.add(int(wan.suppressed_s is not None), labels)
        reuse.add(wan.suppressed_s, labels)
        transitions.add(wan.transitions, labels)
    yield from (up, state, blamed, penalty, losses, suppressed, reuse, transitions)


def _metering_families(wans: tuple[WanReport, ...]) -> Iterator[Family]:
    spent = Family("tonekeeper_probing_bytes", Kind.COUNTER, "What probing has cost on a metered WAN in its 30 days.")
    budget = Family("tonekeeper_probing_budget_bytes", Kind.GAUGE, "What probing may cost there in 30 days.")
    for wan in wans:
        spent.add(wan.probing_bytes, labels_of(wan=wan.name))
        budget.add(wan.probing_budget_bytes, labels_of(wan=wan.name))
    yield from (spent, budget)


def _steering_families(steering: SteeringReport) -> Iterator[Family]:
    """None where nothing is steered."""
    if steering.phase == "off":
        return
    settled = Family("tonekeeper_steering_settled", Kind.GAUGE, "1 at rest, 0 while a move is under way.")
    settled.add(int(steering.phase == "resting"))
    yield settled
    steered = Family("tonekeeper_steering_destinations", Kind.GAUGE, "Addresses and networks that are steered.")
    steered.add(len(steering.destinations))
    yield steered
    kept = Family("tonekeeper_steering_kept_calls", Kind.GAUGE, "Connected calls that stay on the WAN they began on.")
    kept.add(steering.kept_calls)
    yield kept
    stale = Family("tonekeeper_steering_stale_flows", Kind.GAUGE, "Flows that NAT still holds to another WAN.")
    stale.add(len(steering.stale_flows))
    yield stale
    moves = Family("tonekeeper_steering_moves", Kind.COUNTER, "Moves to another WAN since the agent started.")
    moves.add(steering.moves)
    yield moves
    flushed = Family("tonekeeper_steering_flushed_flows", Kind.COUNTER, "Flows deleted so that they follow a move.")
    flushed.add(steering.flushed_flows)
    yield flushed


def _nat_families(nats: tuple[NatReport, ...]) -> Iterator[Family]:
    """None where no NAT was measured."""
    if not nats:
        return
    kind = Family("tonekeeper_nat", Kind.INFO, "Mapping and filtering of the NAT (RFC 4787).")
    binding = Family("tonekeeper_nat_binding_seconds", Kind.GAUGE, "An idle UDP binding lived for low, not for high.")
    keepalive = Family("tonekeeper_nat_keepalive_seconds", Kind.GAUGE, "Longest interval that holds a UDP binding.")
    alg = Family("tonekeeper_nat_sip_alg", Kind.GAUGE, "1 if something on the way rewrites SIP.")
    for nat in nats:
        kind.add(1, labels_of(wan=nat.wan, mapping=nat.mapping, filtering=nat.filtering))
        for name in _KEPT_ALIVE:
            for bound, seconds in zip(("low", "high"), nat.lifetime_s.get(name) or (), strict=False):
                binding.add(seconds, labels_of(wan=nat.wan, kind=name, bound=bound))
        keepalive.add(nat.keepalive_s, labels_of(wan=nat.wan))
        alg.add(_ALG.get(nat.sip_alg), labels_of(wan=nat.wan))
    yield from (kind, binding, keepalive, alg)


def _guard_families(probing: ProbingReport) -> Iterator[Family]:
    packets = Family("tonekeeper_storm_guard_packets", Kind.COUNTER, "Packets that probing has sent.")
    packets.add(probing.sent_packets)
    yield packets
    octets = Family("tonekeeper_storm_guard_bytes", Kind.COUNTER, "What probing has cost, with the answers.")
    octets.add(probing.sent_bytes)
    yield octets
    postponed = Family("tonekeeper_storm_guard_postponed", Kind.COUNTER, "Probes that the storm guard made wait.")
    postponed.add(probing.postponed)
    yield postponed


def _finding_families(findings: tuple[FindingReport, ...]) -> Iterator[Family]:
    count = Family("tonekeeper_findings", Kind.GAUGE, "Active findings of this severity.")
    by_severity = Counter(finding.severity for finding in findings)
    for severity in Severity:
        count.add(by_severity[severity], labels_of(severity=severity.value))
    yield count
    worst = Family("tonekeeper_finding", Kind.INFO, "The worst of the active findings.")
    named = dict.fromkeys((one.code, one.severity.value, one.subject) for one in findings)
    for code, level, subject in list(named)[:MOST_FINDINGS]:
        worst.add(1, labels_of(code=code, severity=level, subject=subject))
    yield worst
