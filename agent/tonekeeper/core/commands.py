"""What the core wants done, in the imperative. A driver carries commands out in order; outcomes come back as events."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.kernel import Flow, KernelPlan
from tonekeeper.core.site import SYSTEM_ROOTS, Account, DepthPolicy, Path, Target, TlsPolicy, Transport
from tonekeeper.wire.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class OpenPath:
    """Open the socket of `path`: bound to `interface`, from `source` if not empty. Answer: PathOpened, PathRefused.

    A path over TCP or TLS is open once it is connected and its certificate accepted.
    """

    path: Path
    interface: str
    source: str
    server_name: str = ""
    """Whom the certificate must be for (RFC 5922 section 7): the host of the SBC's URI."""
    tls: TlsPolicy = SYSTEM_ROOTS


@dataclass(frozen=True, slots=True)
class ClosePath:
    path: Path


@dataclass(frozen=True, slots=True)
class SendOptions:
    """Send one OPTIONS (RFC 3261 section 11) on the socket of `path`. The edge fills in the local address."""

    path: Path
    request_host: str
    """Host of the Request-URI, as the operator wrote it."""
    branch: str
    from_tag: str
    call_id: str
    cseq: int
    user_agent: str


@dataclass(frozen=True, slots=True)
class ResolveSbc:
    """Look up where `host` is (RFC 3263): ask every resolver of one WAN, over that WAN.

    Answer: one SbcResolved or SbcUnresolved for each resolver.
    """

    sbc: str
    host: str
    port: int
    """0 where none was named."""
    transport: Transport | None
    wan: str = ""
    interface: str = ""
    source: str = ""
    resolvers: tuple[str, ...] = ()
    """Empty: those that DHCP or the system gave."""


@dataclass(frozen=True, slots=True)
class RememberTargets:
    """Keep on disk where an SBC was proven to be. Recalled by the next start: TargetsRecalled."""

    sbc: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class SendCrlf:
    """Send CRLF CRLF on the connection of `path` (RFC 5626 section 4.4.1)."""

    path: Path


@dataclass(frozen=True, slots=True)
class SendBindingRequest:
    """Send a STUN binding request on the UDP socket of `path` (RFC 5626 section 4.4.2).

    Answer: BindingResponseReceived, or none.
    """

    path: Path
    transaction_id: str
    """24 hex digits."""


@dataclass(frozen=True, slots=True)
class LogChange:
    """Write one line: something changed its state. Never one per probe."""

    subject: str
    """`path fibre/primary/udp/192.0.2.1:5060`, `flow` of the same, `wan fibre`, `sbc primary`, `active`, `finding
    sbc-down primary`"""
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApplyPlan:
    """Make the kernel hold exactly this of ours. Answer: PlanApplied, PlanRefused."""

    number: int
    plan: KernelPlan


@dataclass(frozen=True, slots=True)
class ListFlows:
    """Read the conntrack entries to these addresses and networks. Answer: FlowsListed, FlowsUnavailable."""

    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteFlows:
    """Delete these conntrack entries, and only these. Answer: FlowsDeleted, FlowsUnavailable."""

    flows: tuple[Flow, ...]
    unless_through: str = ""
    """Keep those whose destination is reached through this interface now; empty: delete all."""


@dataclass(frozen=True, slots=True)
class WalkPath:
    """Find the routers on the way: probes with rising TTL, bound to the WAN. Answer: PathWalked."""

    path: Path
    interface: str
    source: str


@dataclass(frozen=True, slots=True)
class MeasureNat:
    """Measure the NAT behind one WAN; takes minutes. Answer: NatMeasured, unless abandoned."""

    wan: str
    interface: str
    source: str
    host: str
    port: int
    sip: tuple[Endpoint, ...] = ()
    """SBCs that may be asked whether something on the way rewrites SIP."""


@dataclass(frozen=True, slots=True)
class AbandonNat:
    """The WAN changed under a measurement: throw away what it has so far."""

    wan: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProbeDepth:
    """Prove more of `path` than that it answers OPTIONS: with an account of ours, on sockets of its own.

    Takes seconds. Answer: DepthProbed. One at a time for a path and depth: a second one is the end of the first.
    """

    path: Path
    policy: DepthPolicy
    account: Account
    interface: str
    source: str
    request_host: str
    """Host of the Request-URI, as the operator wrote it."""
    server_name: str = ""
    tls: TlsPolicy = SYSTEM_ROOTS
    user_agent: str = "tonekeeper"


@dataclass(frozen=True, slots=True)
class ExamineEgress:
    """Send real packets to where `path` leads, on sockets of their own, and find out where they stop.

    Takes seconds. Answer: EgressExamined. One at a time; a second one is the end of the first.
    """

    path: Path
    interface: str
    source: str
    request_host: str
    """Host of the Request-URI, as the operator wrote it."""
    measures: bool = True
    """Whether, of a path that answers, it is found out how long packets may be."""
    server_name: str = ""
    tls: TlsPolicy = SYSTEM_ROOTS
    user_agent: str = "tonekeeper"


@dataclass(frozen=True, slots=True)
class AskPhone:
    """Ask what answers SIP at `address` on the LAN, by OPTIONS to port 5060, then 5061. Answer: PhoneSeen, or none."""

    address: str
    interface: str
    """Bound to it: the question never leaves the LAN."""
    token: str
    """32 fresh random hex digits: branch, tag and Call-ID are cut from it."""
    user_agent: str = "tonekeeper"


Command = (
    OpenPath
    | ClosePath
    | SendOptions
    | SendCrlf
    | SendBindingRequest
    | ResolveSbc
    | RememberTargets
    | ApplyPlan
    | ListFlows
    | DeleteFlows
    | WalkPath
    | MeasureNat
    | AbandonNat
    | ProbeDepth
    | ExamineEgress
    | AskPhone
    | LogChange
)
