"""The report as Prometheus samples: text exposition 0.0.4, or OpenMetrics 1.0.0 for who asks for it.

Names follow Prometheus' conventions: base units, counters end in `_total`. What is not known has no sample: an
absent series says "not checked", a zero would say "no".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from tonekeeper.core.report import NatReport, PathState, Report, SbcReport, SteeringReport, WanReport, WanState

_ALG = {"yes": 1, "no": 0}
_KEPT_ALIVE = ("replied", "stream")
"""Kinds of bindings that phones hold open: what keepalives go by."""
_UNITS = ("seconds", "bytes")
_LABEL_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Dialect(StrEnum):
    """The two formats, by their media type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"


@dataclass(slots=True)
class Family:
    """A metric with its samples. `name` is without the suffix that the kind adds to its samples."""

    name: str
    kind: Kind
    help: str
    samples: list[tuple[str, float]] = field(default_factory=list)
    """Labels as `_labels` writes them, and the value."""

    @property
    def sample_name(self) -> str:
        match self.kind:
            case Kind.COUNTER:
                return f"{self.name}_total"
            case Kind.INFO:
                return f"{self.name}_info"
            case _:
                return self.name

    def add(self, value: float | None, labels: str = "") -> None:
        if value is not None:
            self.samples.append((labels, value))

    def add_state(self, state: StrEnum, labels: str) -> None:
        """One sample for each word that `state` might be: 1 for the one it is."""
        for one in type(state):
            self.samples.append((f'{labels},state="{one.value}"', int(one is state)))


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
        if family.samples:
            _write_family(lines, family, dialect)
    if dialect is Dialect.OPENMETRICS:
        lines.append("# EOF")
    lines.append("")
    return "\n".join(lines).encode("utf-8", "backslashreplace")


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _write_family(lines: list[str], family: Family, dialect: Dialect) -> None:
    name, kind = family.name, family.kind.value
    if dialect is Dialect.TEXT:
        name = family.sample_name
        kind = "gauge" if family.kind is Kind.INFO else kind
    lines.append(f"# HELP {name} {family.help}")
    lines.append(f"# TYPE {name} {kind}")
    unit = name.rpartition("_")[2]
    if dialect is Dialect.OPENMETRICS and unit in _UNITS:
        lines.append(f"# UNIT {name} {unit}")
    name = family.sample_name
    for labels, value in family.samples:
        lines.append(f"{name}{{{labels}}} {value!r}" if labels else f"{name} {value!r}")


def _labels(**labels: str) -> str:
    return ",".join(f'{name}="{text.translate(_LABEL_ESCAPES)}"' for name, text in labels.items())


def _families(report: Report) -> Iterator[Family]:
    yield from _agent_families(report)
    yield from _wan_families(report.wans)
    yield from _metering_families(report.wans)
    yield from _sbc_families(report.sbcs)
    yield from _path_families(report.sbcs)
    yield from _steering_families(report.steering)
    yield from _nat_families(report.nat)
    yield _finding_family(report)


def _agent_families(report: Report) -> Iterator[Family]:
    agent, active = report.agent, report.active
    build = Family("tonekeeper_build", Kind.INFO, "Version of the running agent.")
    build.add(1, _labels(version=agent.version))
    yield build
    who = Family("tonekeeper_agent", Kind.INFO, "Name of the site, role and failover mode of the agent.")
    who.add(1, _labels(name=agent.name, role=agent.role, mode=agent.mode))
    yield who
    uptime = Family("tonekeeper_uptime_seconds", Kind.GAUGE, "Time since the agent started.")
    uptime.add(agent.uptime_s)
    yield uptime
    chosen = Family("tonekeeper_active", Kind.GAUGE, "1 for the WAN and the SBC that calls use.")
    if active.sbc:
        chosen.add(1, _labels(wan=active.wan, sbc=active.sbc))
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
        labels = _labels(wan=wan.name)
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
        spent.add(wan.probing_bytes, _labels(wan=wan.name))
        budget.add(wan.probing_budget_bytes, _labels(wan=wan.name))
    yield from (spent, budget)


def _sbc_families(sbcs: tuple[SbcReport, ...]) -> Iterator[Family]:
    state = Family("tonekeeper_sbc_state", Kind.GAUGE, "1 for the state the SBC is in.")
    age = Family("tonekeeper_sbc_state_age_seconds", Kind.GAUGE, "Time the SBC has been in its state.")
    penalty = Family("tonekeeper_sbc_penalty", Kind.GAUGE, "Damping penalty of the SBC (RFC 2439).")
    suppressed = Family("tonekeeper_sbc_suppressed", Kind.GAUGE, "1 if the SBC flapped too much to be trusted.")
    reuse = Family("tonekeeper_sbc_reuse_wait_seconds", Kind.GAUGE, "Time until a flapping SBC is trusted again.")
    for sbc in sbcs:
        labels = _labels(sbc=sbc.name)
        state.add_state(sbc.state, labels)
        age.add(sbc.since_s, labels)
        penalty.add(sbc.penalty, labels)
        suppressed.add(int(sbc.suppressed_s is not None), labels)
        reuse.add(sbc.suppressed_s, labels)
    yield from (state, age, penalty, suppressed, reuse)


def _path_families(sbcs: tuple[SbcReport, ...]) -> Iterator[Family]:
    up = Family("tonekeeper_path_up", Kind.GAUGE, "1 while the path counts as alive, 0 after the verdict down.")
    state = Family("tonekeeper_path_state", Kind.GAUGE, "1 for the state the path is in.")
    age = Family("tonekeeper_path_state_age_seconds", Kind.GAUGE, "Time the path has been in its state.")
    rtt = Family("tonekeeper_path_rtt_seconds", Kind.GAUGE, "Round-trip time of OPTIONS on the path.")
    loss = Family("tonekeeper_path_loss_ratio", Kind.GAUGE, "Share of steady probes without a reply, 0 to 1.")
    reply = Family("tonekeeper_path_reply_age_seconds", Kind.GAUGE, "Time since the latest reply.")
    timeout = Family("tonekeeper_path_timeout_seconds", Kind.GAUGE, "How long a probe waits for its reply.")
    confirmations = Family("tonekeeper_path_confirmations", Kind.GAUGE, "Confirming probes a verdict down takes.")
    sent = Family("tonekeeper_probes_sent", Kind.COUNTER, "Probes sent on the path.")
    received = Family("tonekeeper_probe_replies", Kind.COUNTER, "Replies to our own probes.")
    ignored = Family("tonekeeper_datagrams_ignored", Kind.COUNTER, "Datagrams that were no reply to our probes.")
    for sbc in sbcs:
        for path in sbc.paths:
            labels = _labels(wan=path.wan, sbc=sbc.name, transport=path.transport, address=path.address)
            up.add(None if path.state is PathState.UNKNOWN else int(path.state is not PathState.DOWN), labels)
            state.add_state(path.state, labels)
            age.add(path.since_s, labels)
            rtt.add(None if path.rtt_ms is None else round(path.rtt_ms / 1000, 6), labels)
            loss.add(path.loss, labels)
            reply.add(path.last_reply_s, labels)
            timeout.add(round(path.timeout_ms / 1000, 6), labels)
            confirmations.add(path.confirmations, labels)
            sent.add(path.sent, labels)
            received.add(path.received, labels)
            ignored.add(path.ignored, labels)
    yield from (up, state, age, rtt, loss, reply, timeout, confirmations, sent, received, ignored)


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
        kind.add(1, _labels(wan=nat.wan, mapping=nat.mapping, filtering=nat.filtering))
        for name in _KEPT_ALIVE:
            for bound, seconds in zip(("low", "high"), nat.lifetime_s.get(name) or (), strict=False):
                binding.add(seconds, _labels(wan=nat.wan, kind=name, bound=bound))
        keepalive.add(nat.keepalive_s, _labels(wan=nat.wan))
        alg.add(_ALG.get(nat.sip_alg), _labels(wan=nat.wan))
    yield from (kind, binding, keepalive, alg)


def _finding_family(report: Report) -> Family:
    findings = Family("tonekeeper_findings", Kind.GAUGE, "Active findings of this code and severity.")
    for (code, severity), count in Counter((one.code, one.severity) for one in report.findings).items():
        findings.add(count, _labels(code=code, severity=severity.value))
    return findings
