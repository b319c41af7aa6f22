"""What timers are computed from: the site as it was measured, the provider's limits, and what the operator wants.

Nothing in here is guessed. What was not measured is None, and the tuner then falls back to what a standard advises and
says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

Interval = tuple[float, float | None]
"""[low, high] seconds: alive after `low`, dead after `high`; None where it outlived the measurement."""

_ADDRESS = re.compile(r"[0-9.]+|\[?[0-9A-Fa-f:.%]*:[0-9A-Fa-f:.%]*\]?")


class Aim(StrEnum):
    """What the operator wants most."""

    FAST_FAILOVER = "fast-failover"
    """Calls again within a minute or two, for more registrations."""
    GENTLE = "gentle"
    """Minutes, for few registrations and timers close to the standard."""
    BATTERY = "battery"
    """As few packets as NAT allows: handsets on batteries, metered circuits."""


@dataclass(frozen=True, slots=True)
class Server:
    """An SBC. `port` 0 and `transport` "" where its URI names none; None where nothing was measured."""

    host: str
    """A name or an address, IPv6 without brackets."""
    port: int = 0
    transport: str = ""
    """udp, tcp, tls"""
    rtt_s: float | None = None
    loss: float | None = None
    """Share of requests that stay without an answer."""

    @property
    def is_name(self) -> bool:
        return _ADDRESS.fullmatch(self.host) is None

    @property
    def is_looked_up(self) -> bool:
        """Found by SRV (RFC 3263 section 4.2): a name, and no port."""
        return self.is_name and not self.port

    @property
    def shown_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"{self.shown_host}:{self.port}" if self.port else self.shown_host


@dataclass(frozen=True, slots=True)
class Conditions:
    """A site, and the registrar behind it.

    `safe_fraction`: of a binding's lifetime, at which it is refreshed; the agent's own. `servers`: in the order in
    which they are to be used. `registrar_rate`: registrations per second that it can take from these `phones`.
    """

    safe_fraction: float
    servers: tuple[Server, ...] = ()
    replied: Interval | None = None
    """How long an idle UDP binding lives after one answer ..."""
    stream: Interval | None = None
    """... after several, and ..."""
    tcp: Interval | None = None
    """... how long an idle connection."""
    flapping: bool = False
    """A WAN keeps coming and going."""
    phones: int = 1
    min_expiry_s: float | None = None
    """The shortest that the registrar accepts."""
    registrar_rate: float | None = None
    firmware: str = ""
    """Of the phones; "" where they differ or nobody knows."""
    number: int = 1
    """Which of the phones this is, from 1: models without jitter get values that differ from phone to phone."""
    account: int = 1

    @property
    def transport(self) -> str:
        stated = self.servers[0].transport if self.servers else ""
        return stated or "udp"

    @property
    def rtt_s(self) -> float | None:
        """The longest to any SBC."""
        return max((each.rtt_s for each in self.servers if each.rtt_s is not None), default=None)

    @property
    def loss(self) -> float | None:
        """The worst on the way to any SBC."""
        return max((each.loss for each in self.servers if each.loss is not None), default=None)

    @property
    def lifetime_s(self) -> float | None:
        """What an idle flow of this transport outlives for sure."""
        if self.transport == "udp":
            return min((known[0] for known in (self.replied, self.stream) if known is not None), default=None)
        return self.tcp[0] if self.tcp is not None else None
