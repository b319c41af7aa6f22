"""What can happen to the agent, in the past tense. Every event carries all that is unpredictable about it.

A timer that has run out is an event, so is the outcome of a command, and so is the network misbehaving:
nothing reaches the core as an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.checks import CheckResult
from tonekeeper.core.depth.result import DepthResult
from tonekeeper.core.egress.result import EgressTrial
from tonekeeper.core.findings import Observation
from tonekeeper.core.kernel import Flow
from tonekeeper.core.nat.result import NatResult
from tonekeeper.core.report import FirewallReport
from tonekeeper.core.site import Depth, Path, Site, Target, Transport
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply
from tonekeeper.wire.sip.self_description import SelfDescription


@dataclass(frozen=True, slots=True)
class Started:
    """The driver is ready. Always the first event."""


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """`next_deadline()` has come. One event serves one due timer; the driver asks again until none is due."""

    token: str
    """32 fresh random hex digits: branch, tag and Call-ID of the probe that this timer may send are cut from it."""


@dataclass(frozen=True, slots=True)
class ReplyReceived:
    """A datagram from `source` on the socket of `path` decoded as a SIP response."""

    path: Path
    source: Endpoint
    reply: SipReply


@dataclass(frozen=True, slots=True)
class ServerDescribed:
    """What the server at `path` says of itself, when it says so first and when that has changed."""

    path: Path
    description: SelfDescription


@dataclass(frozen=True, slots=True)
class DatagramIgnored:
    """A datagram on the socket of `path` was no SIP response. `reason` is the decoder's sentence."""

    path: Path
    source: Endpoint
    reason: str
    size: int


@dataclass(frozen=True, slots=True)
class IcmpReceived:
    """The kernel's error queue for the socket of `path` held an ICMP error (RFC 792, RFC 4443)."""

    path: Path
    type: int
    code: int
    offender: str
    """Address of the host that sent it; one of our own addresses when this host made it up."""


@dataclass(frozen=True, slots=True)
class SendRefused:
    """The kernel did not take a probe (no route, no device, not permitted by a local rule)."""

    path: Path
    branch: str
    errno: int


@dataclass(frozen=True, slots=True)
class PathOpened:
    """The socket of `path` is bound to its device; `local` is the source address in use."""

    path: Path
    local: Endpoint


@dataclass(frozen=True, slots=True)
class PathRefused:
    """The socket of `path` could not be opened. Answer to `OpenPath`."""

    path: Path
    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """State of an interface as the kernel tells it, at start and whenever it changes.

    `present` is false when no interface has this name; then carrier is false and addresses are empty.
    """

    interface: str
    present: bool
    carrier: bool
    addresses: tuple[str, ...]
    """Global-scope unicast addresses, numeric, in the kernel's order (loopback's own on `lo`)."""


class NameFailure(StrEnum):
    """How a resolver can fail to say where an SBC is."""

    TIMEOUT = "timeout"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    NXDOMAIN = "nxdomain"
    EMPTY = "empty"
    """The name exists and has no record that leads anywhere."""
    MALFORMED = "malformed"
    UNREACHABLE = "unreachable"
    """The question could not be sent: no resolver is known, no route, refused by the kernel, ICMP."""


@dataclass(frozen=True, slots=True)
class SbcResolved:
    """One resolver, asked over one WAN, named these places. Answer to `ResolveSbc`; never empty, in order of use."""

    sbc: str
    targets: tuple[Target, ...]
    wan: str = ""
    resolver: str = ""
    ttl: float = 60.0
    """Seconds; the smallest on the way to the addresses."""


@dataclass(frozen=True, slots=True)
class SbcUnresolved:
    """One resolver, asked over one WAN, led nowhere. Answer to `ResolveSbc`; what is known so far stays."""

    sbc: str
    reason: str
    wan: str = ""
    resolver: str = ""
    failure: NameFailure = NameFailure.TIMEOUT


@dataclass(frozen=True, slots=True)
class TargetsRecalled:
    """What an earlier run of the agent had proven of an SBC. At start, before anybody is asked."""

    sbc: str
    targets: tuple[Target, ...]
    age_s: float


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The connection of `path` was closed (`errno` 0) or reset by the other side, or broke."""

    path: Path
    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class PongReceived:
    """The answer to `SendCrlf` (RFC 5626 section 4.4.1)."""

    path: Path


@dataclass(frozen=True, slots=True)
class BindingResponseReceived:
    """A STUN binding success response on the socket of `path`, with FINGERPRINT in order where it has one.

    An answer to `SendBindingRequest` if the transaction id is of one.
    """

    path: Path
    source: Endpoint
    transaction_id: str
    """24 hex digits."""
    mapped: Endpoint
    """Where the server saw the request come from."""


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """Of a handshake, whether or not its certificate was accepted."""

    problem: str = ""
    """Why the certificate is not acceptable, a sentence; empty: chain, name and time are in order."""
    version: str = ""
    """TLSv1.3"""
    cipher: str = ""
    subject: str = ""
    issuer: str = ""
    expires_in_s: float | None = None
    """Until the server's certificate expires, negative once it has; null where it could not be read."""
    begins_in_s: float | None = None
    """Until it becomes valid, negative once it is."""


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """A TLS handshake on `path` came to an end. Before its PathOpened or PathRefused."""

    path: Path
    facts: TlsFacts


@dataclass(frozen=True, slots=True)
class SiteChanged:
    """The operator's configuration was read again (SIGHUP)."""

    site: Site


@dataclass(frozen=True, slots=True)
class ClockJumped:
    """Wall-clock time moved by `by` seconds against the monotonic clock. Only a finding follows from it."""

    by: float


@dataclass(frozen=True, slots=True)
class GatewayChanged:
    """How packets leave through an interface, from the default routes of all tables but ours; at start and on change.

    A gateway is an address, "" where the link needs none, None where no way is known.
    """

    interface: str
    v4: str | None
    v6: str | None


class RoutingPart(StrEnum):
    ROUTES = "routes"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class RoutingChanged:
    """Routes or policy rules were changed, IPv4 or IPv6, not by this agent. One event for all in a moment.

    Not told are the routes that the kernel makes by itself, for an address or a link.
    """

    part: RoutingPart
    ours: bool
    """Among them some with our mark, or in our tables and priorities: what steers may be there no more."""


@dataclass(frozen=True, slots=True)
class ReversePathFilterRead:
    """rp_filter in force for an interface (the larger of its own and `all`'s): 0 off, 1 strict, 2 loose."""

    interface: str
    mode: int


@dataclass(frozen=True, slots=True)
class PlanApplied:
    """The kernel holds the plan of this number, read back. Answer to `ApplyPlan`."""

    number: int
    changes: int
    """Routes and rules that were added or removed for it."""


@dataclass(frozen=True, slots=True)
class PlanRefused:
    """The kernel did not take the plan of this number; what it holds was put back to the plan before."""

    number: int
    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class FlowsListed:
    """Answer to `ListFlows`."""

    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True)
class FlowsUnavailable:
    """conntrack cannot be asked or changed here. Answer to `ListFlows` and `DeleteFlows`."""

    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class FlowsDeleted:
    """Answer to `DeleteFlows`; entries that had gone by themselves count as well."""

    count: int


@dataclass(frozen=True, slots=True)
class PathWalked:
    """Answer to `WalkPath`: who answered with "time exceeded" at TTL 1, 2, ...; "" for a hop that stayed silent."""

    path: Path
    hops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NatMeasured:
    """Answer to `MeasureNat`, also where nothing could be measured; none where the measurement was abandoned."""

    wan: str
    result: NatResult


@dataclass(frozen=True, slots=True)
class DepthProbed:
    """Answer to `ProbeDepth`."""

    path: Path
    depth: Depth
    result: DepthResult


@dataclass(frozen=True, slots=True)
class EgressExamined:
    """Answer to `ExamineEgress`."""

    trial: EgressTrial


class PhoneSign(StrEnum):
    """What gives a phone away."""

    LEASE = "lease"
    """A DHCP lease for a MAC with a phone vendor's prefix."""
    NEIGHBOUR = "neighbour"
    """Such a MAC in the neighbour table."""
    REGISTER = "register"
    """A REGISTER that passed by."""
    CONNECTION = "connection"
    """A TCP connection to a SIP port: all that is seen of SIP over TLS."""
    OPTIONS = "options"
    """It answered `AskPhone`."""


@dataclass(frozen=True, slots=True)
class PhoneRegistration:
    """How a phone registers, from the REGISTERs that pass by. Never whom."""

    transport: Transport
    expiry_s: int | None = None
    """Seconds that it asks for; None where it leaves that to the server."""
    granted_s: int | None = None
    """Seconds that the server gave it last."""
    status: int | None = None
    """Of the last final answer, challenges left out."""
    retry_s: float | None = None
    """Seconds between its last two tries of one registration; a refresh counts as a try."""
    keepalive_s: float | None = None
    """Seconds between its packets to a SIP port over UDP, as a rule."""


@dataclass(frozen=True, slots=True)
class PhoneSeen:
    """A phone on the LAN gave a sign. Told when that says something new, and every ten minutes while it goes on.

    What is empty or None was not learnt from this sign.
    """

    address: str
    by: PhoneSign
    interface: str = ""
    mac: str = ""
    vendor: str = ""
    user_agent: str = ""
    profile: str = ""
    """Id of the firmware profile that the User-Agent belongs to."""
    model: str = ""
    firmware: str = ""
    registration: PhoneRegistration | None = None


class Facility(StrEnum):
    """What the agent itself stands on, besides the network it measures."""

    JOURNAL = "journal"
    HTTP = "http"
    PROFILES = "profiles"
    """The firmware profiles."""
    LISTENING = "listening"
    """The sockets that see REGISTERs pass by."""
    SNMP = "snmp"
    STARTS = "starts"
    """The agent itself, which may crash again and again."""


@dataclass(frozen=True, slots=True)
class FirewallExamined:
    """A copy of this host was asked what its ruleset does to SIP and RTP, and this is what is not as it was before."""

    flows: tuple[FirewallReport, ...]
    problems: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """Something beside the paths was looked at; this replaces what the same check said before."""

    result: CheckResult


@dataclass(frozen=True, slots=True)
class DiagnosisBegun:
    """A person waits for what is otherwise looked at when there is time. `thorough`: for the lifetimes of NATs, too."""

    thorough: bool


@dataclass(frozen=True, slots=True)
class FacilityFailed:
    """The journal cannot be written, the HTTP port is taken ...: a finding follows, the probing goes on."""

    facility: Facility
    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class FacilityRecovered:
    facility: Facility


Event = (
    Started
    | DeadlineReached
    | ReplyReceived
    | ServerDescribed
    | DatagramIgnored
    | IcmpReceived
    | SendRefused
    | PathOpened
    | PathRefused
    | LinkChanged
    | SbcResolved
    | SbcUnresolved
    | TargetsRecalled
    | StreamEnded
    | PongReceived
    | BindingResponseReceived
    | TlsSeen
    | SiteChanged
    | ClockJumped
    | GatewayChanged
    | ReversePathFilterRead
    | RoutingChanged
    | PlanApplied
    | PlanRefused
    | FlowsListed
    | FlowsUnavailable
    | FlowsDeleted
    | PathWalked
    | NatMeasured
    | DepthProbed
    | EgressExamined
    | PhoneSeen
    | FirewallExamined
    | Checked
    | DiagnosisBegun
    | FacilityFailed
    | FacilityRecovered
)
