"""What the core wants done, in the imperative. A driver carries commands out in order; outcomes come back as events."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.kernel import Flow, KernelPlan
from tonekeeper.core.site import Path, Transport
from tonekeeper.wire.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class OpenPath:
    """Open the socket of `path`: bound to `interface`, from `source` if not empty. Answer: PathOpened, PathRefused."""

    path: Path
    interface: str
    source: str


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
    """Look up where `host` is. Answer: SbcResolved, SbcUnresolved."""

    sbc: str
    host: str
    port: int
    transport: Transport


@dataclass(frozen=True, slots=True)
class LogChange:
    """Write one line: something changed its state. Never one per probe."""

    subject: str
    """`path fibre/primary/udp/192.0.2.1:5060`, `wan fibre`, `sbc primary`, `active`, `finding sbc-down primary`"""
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


Command = (
    OpenPath
    | ClosePath
    | SendOptions
    | ResolveSbc
    | ApplyPlan
    | ListFlows
    | DeleteFlows
    | WalkPath
    | MeasureNat
    | AbandonNat
    | LogChange
)
