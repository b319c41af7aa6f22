"""What a NAT measurement found. Field names are the keys of the JSON contract.

Every part is a value or "not checked"; `reasons` says why, per part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

NOT_CHECKED = "not checked"


class Dependence(StrEnum):
    """RFC 4787 sections 4.1 and 5."""

    NONE = "none"
    """Nothing on the way translates addresses."""
    ENDPOINT_INDEPENDENT = "endpoint-independent"
    ADDRESS_DEPENDENT = "address-dependent"
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"


class BindingKind(StrEnum):
    """What a binding has seen before it falls idle (UDP-1, UDP-2, UDP-3 of Haetoenen et al., IMC 2010)."""

    UNREPLIED = "unreplied"
    REPLIED = "replied"
    STREAM = "stream"
    TCP = "tcp"
    """A connection, with one question and its answer on it."""


class SipAlg(StrEnum):
    YES = "yes"
    NO = "no"
    NOT_CHECKED = NOT_CHECKED


Interval = tuple[float, float | None]
"""[low, high] seconds: alive after `low`, dead after `high`; None where it outlived the measurement."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds; None where it was not checked."""

    unreplied: Interval | None = None
    replied: Interval | None = None
    stream: Interval | None = None
    tcp: Interval | None = None


class Trial(StrEnum):
    ALIVE = "alive"
    DEAD = "dead"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class BindingTrial:
    """One binding that was left idle: what the picture in the terminal is drawn from."""

    kind: BindingKind
    idle_s: float
    trial: Trial


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence for or against a SIP ALG."""

    name: str
    """via, mirror, port-5060, helper"""
    verdict: SipAlg
    text: str
    """What was seen, or why nothing was."""


@dataclass(frozen=True, slots=True)
class NatResult:
    wan: str
    mapping: str
    """none (no NAT), endpoint-independent, address-dependent, address-and-port-dependent, not checked"""
    filtering: str
    """endpoint-independent, address-dependent, address-and-port-dependent, not checked"""
    mapped_address: str
    """ip:port, empty where no server answered"""
    local_address: str
    lifetime_s: Lifetimes
    sip_alg: SipAlg
    elapsed_s: float
    server: str = ""
    reasons: dict[str, str] = field(default_factory=dict)
    """Part (mapping, filtering, unreplied, replied, stream, tcp, sip_alg) -> why it was not checked."""
    evidence: tuple[Evidence, ...] = ()
    trials: tuple[BindingTrial, ...] = ()
    packets_sent: int = 0
    bytes_sent: int = 0
    sockets: int = 0
    """Most sockets that were open at a time."""
    abandoned: bool = False
    """The WAN changed: there is nothing in here to rely on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """For a live display."""

    waiting_for: str
    elapsed_s: float
    at_most_s: float
    """Seconds after the start by which it is over in any case."""
    lifetime_s: Lifetimes
    trials: tuple[BindingTrial, ...] = ()
