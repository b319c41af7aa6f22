"""The report: one value that says everything the agent knows. Text, JSON, page, metrics and MIB are renderings of it.

Field names are the keys of the JSON contract. Facts nobody has looked at are "unknown" or "not checked", never "no".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA = 1


class PathState(StrEnum):
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    UNKNOWN = "unknown"


class WanState(StrEnum):
    UP = "up"
    DOWN = "down"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


class SbcState(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DRAINING = "draining"
    DOWN = "down"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class AgentReport:
    name: str
    version: str
    role: str
    uptime_s: float
    mode: str


@dataclass(frozen=True, slots=True)
class WanReport:
    name: str
    interface: str
    state: WanState
    penalty: float
    """Figure of merit (RFC 2439) at this moment."""
    transitions: int
    """Changes of the WAN's state since the agent started."""
    losses_1h: int
    """Losses of carrier, address or health in the last hour."""
    suppressed_s: float | None
    """Seconds until a flapping WAN is trusted again; null for one that is not suppressed."""
    blamed: bool
    carrier: str
    """yes, no, not checked"""
    addresses: tuple[str, ...]
    metered: bool
    probing_bytes: int | None
    """What probing has cost in these 30 days; null on a WAN that is not metered."""
    probing_budget_bytes: int | None
    since_s: float
    """Seconds in this state."""


@dataclass(frozen=True, slots=True)
class TlsReport:
    problem: str
    """Why the certificate is not acceptable; empty: it is."""
    version: str
    cipher: str
    subject: str
    issuer: str
    expires_s: float | None
    """Seconds until the certificate expires, negative once it has."""


@dataclass(frozen=True, slots=True)
class PathReport:
    wan: str
    transport: str
    address: str
    state: PathState
    rtt_ms: float | None
    loss: float | None
    """Share of steady probes that stayed unanswered, 0..1; null before there is a measurement."""
    last_reply: str
    """Status code of the latest reply ("200"), an ICMP or local error ("icmp 3/3", "no route"), empty: none yet."""
    last_reply_s: float | None
    """Seconds since the latest reply."""
    since_s: float
    sent: int
    received: int
    ignored: int
    """Datagrams and replies that were not ours: forged, stray, garbage."""
    confirmations: int
    """How many confirming probes a `down` verdict takes on this path now."""
    timeout_ms: float
    reason: str
    """Why the path is in its state, for people."""
    tls: TlsReport | None = None
    """Null where there was no handshake."""
    keepalive: str = "options"
    """By what the NAT binding is held: options (the probes), stun, crlf."""


@dataclass(frozen=True, slots=True)
class FunctionReport:
    """What deep probes say of one function of an SBC; one that is not probed is not there."""

    function: str
    """signalling, registration, calls, media, voicemail"""
    state: str
    """ok, failed, unknown"""
    failing_wans: tuple[str, ...]
    reason: str
    passed_s: float | None
    """Seconds since it last passed over any WAN; null: never."""
    recoveries: int
    recovery_s: float | None
    """How long the latest outage of it lasted."""
    worst_recovery_s: float | None
    recoveries_sum_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LatencyReport:
    count: int
    sum_s: float
    buckets: tuple[tuple[float | None, int], ...]
    """Upper bound in seconds, null for infinity, and how many took no longer."""


@dataclass(frozen=True, slots=True)
class AttemptsReport:
    attempts: int
    successes: int
    latency: LatencyReport
    """Of the successful ones."""


@dataclass(frozen=True, slots=True)
class CallQualityReport:
    """Of the latest echo call, and sums over all of them."""

    loss: float | None
    jitter_ms: float | None
    round_trip_ms: float | None
    mos: float | None
    packets_sent: int
    packets_lost: float
    one_way_calls: int


@dataclass(frozen=True, slots=True)
class SbcReport:
    name: str
    uri: str
    state: SbcState
    control: str
    media: str
    active: bool
    penalty: float
    suppressed_s: float | None
    reason: str
    since_s: float
    paths: tuple[PathReport, ...]
    functions: tuple[FunctionReport, ...] = ()
    responses: dict[str, int] = field(default_factory=dict)
    """SIP responses to all probes by status code; "5xx" is what has no line of its own."""
    registrations: AttemptsReport | None = None
    """Null where they are not probed; likewise below."""
    calls: AttemptsReport | None = None
    voicemail: AttemptsReport | None = None
    call_quality: CallQualityReport | None = None
    confirmed_s: float | None = None
    """Seconds since a name server last confirmed the addresses; null for an SBC that is configured by its address."""


@dataclass(frozen=True, slots=True)
class ActiveReport:
    wan: str
    sbc: str
    since_s: float
    reason: str
    switches: int
    voicemail: str
    """Where voicemail works when it fails where the site is: "alternate over fibre"; empty: with the site."""
    failback_s: float | None
    """Seconds until the way back is possible; null when there is no better place to return to."""


@dataclass(frozen=True, slots=True)
class SteeringReport:
    phase: str
    """off, resting, asking, applying, flushing"""
    interface: str
    """Of the WAN that SIP and RTP are steered to; empty where nothing is steered."""
    destinations: tuple[str, ...]
    kept_calls: int
    """Connected calls that stay on the WAN they began on."""
    stale_flows: tuple[str, ...]
    """Flows that NAT still holds to another WAN."""
    moves: int
    flushed_flows: int


@dataclass(frozen=True, slots=True)
class ProbingReport:
    """The storm guard: what all probing of the site costs, and may cost at most."""

    packets_per_second: float
    burst: int
    bytes_per_day: int
    sent_packets: int
    sent_bytes: int
    """With the answers to them, as the guard charges them."""
    postponed: int
    """Probes that had to wait for it."""


@dataclass(frozen=True, slots=True)
class NatReport:
    wan: str
    mapping: str
    """none, endpoint-independent, address-dependent, address-and-port-dependent (RFC 4787), not checked"""
    filtering: str
    mapped_address: str
    """ip:port as a server saw it; empty where none answered."""
    lifetime_s: dict[str, tuple[float, float | None] | None]
    """unreplied, replied, stream, tcp: [low, high] seconds, high null where the binding outlived the measurement; null
    where it was not checked."""
    sip_alg: str
    """yes, no, not checked"""
    keepalive_s: float | None
    """Longest interval at which a keepalive holds a binding here; null where no lifetime is known."""
    reasons: dict[str, str]
    """Why something was not checked."""
    age_s: float
    """Seconds since it was measured."""


@dataclass(frozen=True, slots=True)
class RuleReport:
    family: str
    table: str
    chain: str
    handle: int
    """0 for the policy of the chain."""
    text: str
    comment: str


@dataclass(frozen=True, slots=True)
class FirewallReport:
    """What the ruleset does to one flow in one direction."""

    origin: str
    """lan, self"""
    sbc: str
    """Empty for DNS."""
    wan: str
    transport: str
    """udp, tcp, tls (SIP); rtp; dns"""
    address: str
    """ip:port"""
    direction: str
    """out, return"""
    verdict: str
    """accept, drop, reject, not checked"""
    rule: RuleReport | None
    """That decided; null where none did."""
    reason: str
    """Why it was not checked, or what else than the rule stops it, or may stop it."""
    arrives_at: str
    """Where a rule redirects it to; empty: it gets where it should."""
    interface: str = ""
    """That the packet of a phone arrives at; empty where this host sends it."""


@dataclass(frozen=True, slots=True)
class EgressReport:
    """What became of real packets from this host to one address of an SBC over one WAN."""

    wan: str
    sbc: str
    transport: str
    address: str
    """ip:port"""
    outcome: str
    """answered, reset, port unreachable, prohibited, unreachable, silent, forbidden here, no route, not checked"""
    hop: str
    """Who sent the ICMP error; empty where none came."""
    last_hop: str
    """The last router that was heard of on a way that is silent; empty: none, or nobody asked."""
    cause: str
    """fine, local rule, upstream filter, sip alg, sbc down, wan down, no route, path mtu, not checked"""
    largest: int | None
    """Bytes of the longest IP packet that arrives in one piece; null where it was not measured."""
    detail: str
    """What was seen, and what the cause is taken from."""


@dataclass(frozen=True, slots=True)
class PhoneReport:
    """A phone at the site. Whose it is, is not known here."""

    address: str
    user_agent: str
    profile: str
    """Id of its firmware profile; empty where the User-Agent is not known, or no profile's."""
    firmware: str
    vendor: str
    """By its profile, else by its MAC address; empty where neither tells."""
    model: str
    mac: str
    seen_by: tuple[str, ...]
    """lease, neighbour, register, connection, options"""
    transport: str
    """That it registers over, as far as that was seen: udp, tcp, or empty."""
    expiry_s: int | None
    """Seconds that its REGISTER asks for; null where none was seen, or it leaves that to the server."""
    granted_s: int | None
    """Seconds that the server gave it last."""
    status: int | None
    """Last final answer to its REGISTER."""
    retry_s: float | None
    """Seconds between its last two REGISTERs."""
    keepalive_s: float | None
    """Seconds between its packets to a SIP port over UDP, as a rule; null where not enough were seen."""
    last_seen_s: float
    """Seconds since a sign of it was noted: up to ten minutes while nothing new is learnt."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Something that was looked at beside the paths, or could not be."""

    check: str
    outcome: str
    """ok, problem, not checked"""
    detail: str
    """What was seen, or why it was not checked."""
    age_s: float
    """Seconds since then."""


@dataclass(frozen=True, slots=True)
class FindingReport:
    code: str
    severity: Severity
    subject: str
    summary: str
    evidence: dict[str, str]
    remedy: str
    since_s: float


@dataclass(frozen=True, slots=True)
class CauseReport:
    """Of the finding with this code and subject."""

    code: str
    subject: str


@dataclass(frozen=True, slots=True)
class ExplainedReport:
    """What holds, and is not among the findings because they explain it."""

    finding: FindingReport
    causes: tuple[CauseReport, ...]
    """Those among the findings; none while the one that explains it is too young to be shown."""


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """One of the latest changes, newest last: what people ask first ("what happened at 14:03?")."""

    ago_s: float
    subject: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    agent: AgentReport
    wans: tuple[WanReport, ...]
    sbcs: tuple[SbcReport, ...]
    active: ActiveReport
    steering: SteeringReport
    findings: tuple[FindingReport, ...]
    """Worst first, and causes before their likely consequences."""
    probing: ProbingReport
    explained: tuple[ExplainedReport, ...] = ()
    changes: tuple[ChangeReport, ...] = ()
    nat: tuple[NatReport, ...] = ()
    firewall: tuple[FirewallReport, ...] = ()
    egress: tuple[EgressReport, ...] = ()
    phones: tuple[PhoneReport, ...] = ()
    checks: tuple[CheckReport, ...] = ()
    schema: int = field(default=SCHEMA, kw_only=True)
