"""What the core wants to stand in the kernel, and what it is told stands there, as values.

Steering is declarative: a `KernelPlan` is everything of ours that shall exist. Whoever applies it compares with what
is there, so undoing is the empty plan, and reconciling after a crash is applying any plan at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Protocol(IntEnum):
    """IANA protocol numbers of the flows we steer."""

    TCP = 6
    UDP = 17


@dataclass(frozen=True, slots=True)
class WanTable:
    """A routing table of one WAN: how to leave through `interface`, whatever the main table prefers.

    A gateway is an address, "" where the link needs none (point-to-point), None where no way is known.
    """

    interface: str
    gateway_v4: str | None
    gateway_v6: str | None


@dataclass(frozen=True, slots=True)
class HostRoute:
    """This destination leaves through the table of `interface`."""

    destination: str
    """An address or a network (`192.0.2.1`, `2001:db8::/64`)."""
    interface: str


@dataclass(frozen=True, slots=True)
class FlowPin:
    """A connected call stays where it is: packets of this original tuple keep using the table of `interface`."""

    protocol: Protocol
    source: str
    source_port: int
    destination: str
    destination_port: int
    interface: str


@dataclass(frozen=True, slots=True)
class KernelPlan:
    """All that is ours: policy rules to the WANs' tables, host routes, pinned flows."""

    tables: tuple[WanTable, ...] = ()
    routes: tuple[HostRoute, ...] = ()
    pins: tuple[FlowPin, ...] = ()


EMPTY_PLAN = KernelPlan()


@dataclass(frozen=True, slots=True)
class Flow:
    """One conntrack entry to a steered destination, in its original direction (before NAT)."""

    protocol: Protocol
    source: str
    source_port: int
    destination: str
    destination_port: int
    nat_source: str
    """Where the answers are sent: the WAN address that the entry is pinned to (the reply tuple's destination)."""
    nat_source_port: int
    zone: int = 0
    mark: int = 0
    packets_out: int | None = None
    """Counters of the two directions; None where the kernel does not count (nf_conntrack_acct = 0)."""
    packets_in: int | None = None
