"""What the operator told us about a site: its WANs, its SBCs, and how careful to be.

These are the values the core is built with. `settings` reads them from TOML; the journal header carries
them, so that a replay needs nothing but the journal. Durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from tonekeeper.wire.endpoint import Endpoint


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Role(StrEnum):
    ROUTER = "router"
    ENDPOINT = "endpoint"


class Mode(StrEnum):
    OBSERVE = "observe"
    STEER = "steer"


class Prefer(StrEnum):
    CONNECTED_CALLS = "connected-calls"
    NEW_CALLS = "new-calls"


class Path(NamedTuple):
    """WAN x SBC address x transport: what health belongs to. A NamedTuple because it is a key many times a probe."""

    wan: str
    sbc: str
    transport: Transport
    address: Endpoint

    def __str__(self) -> str:
        return f"{self.wan}/{self.sbc}/{self.transport}/{self.address}"


class Target(NamedTuple):
    """One place where an SBC can be reached, as RFC 3263 found it; smaller priority first, then by weight."""

    transport: Transport
    address: Endpoint
    priority: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Wan:
    name: str
    interface: str
    source: str = ""
    """The address to probe from; empty: whatever the interface has."""
    metered: bool = False
    """Probed no oftener than `budget` allows while idle, and chosen last."""
    budget: int = 50 * 1024 * 1024
    """Bytes that probing may cost in 30 days on a metered WAN."""
    resolvers: tuple[str, ...] = ()
    """Addresses of the DNS servers to ask over this WAN; empty: those that DHCP or the system gave."""


class Depth(StrEnum):
    """What is proven of an SBC beyond that it answers OPTIONS."""

    REGISTER = "register"
    CALL = "call"
    VOICEMAIL = "voicemail"


@dataclass(frozen=True, slots=True)
class Account:
    """The test account of the deep probes, never a customer's. Where the password is, not what it is."""

    user: str
    domain: str = ""
    """Empty: the SBC's host."""
    auth_user: str = ""
    """Empty: `user`."""
    password_file: str = ""
    password_env: str = ""


@dataclass(frozen=True, slots=True)
class DepthPolicy:
    depth: Depth
    interval: float
    """Seconds between two of these probes on a path."""
    target: str = ""
    """User part to call (an echo number) or to subscribe to; empty: the account's own."""


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """File names; empty: the system's roots, and no certificate of our own."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


SYSTEM_ROOTS = TlsPolicy()


@dataclass(frozen=True, slots=True)
class RtpRange:
    """UDP ports that an SBC takes media at, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Sbc:
    name: str
    uri: str
    """As the operator wrote it; `host`, `port` and `transport` are read from it."""
    host: str
    port: int = 0
    """0 where the URI names none: RFC 3263 finds it."""
    transport: Transport | None = None
    """None where the URI names none."""
    media: tuple[str, ...] = ()
    """Networks beside the SBC's own addresses that its media comes from; steered with it."""
    account: Account | None = None
    depths: tuple[DepthPolicy, ...] = ()
    tls: TlsPolicy = SYSTEM_ROOTS
    stun: bool | None = None
    """Whether it answers STUN on its SIP port (RFC 5626 section 8); None: its replies say."""
    rtp: RtpRange | None = None
    """None: that of the site."""


@dataclass(frozen=True, slots=True)
class ProbePolicy:
    interval: float = 5.0
    """Longest time between two steady probes of a path; jitter shortens it by 0-10 % (as RFC 5880 6.8.7: only down)."""
    false_alarms_per_month: float = 1.0
    """How many wrong `down` verdicts the operator accepts in 30 days, over all paths of the site."""
    user_agent: str = "tonekeeper"
    packets_per_second: int | None = None
    bytes_per_day: int | None = None
    """What probing may cost the site whatever happens; None: several times what it needs when all is well."""


@dataclass(frozen=True, slots=True)
class FailoverPolicy:
    mode: Mode = Mode.OBSERVE
    prefer: Prefer = Prefer.CONNECTED_CALLS
    min_dwell: float = 30.0
    """After a switch, no second one for this long while the active path still works at all."""
    switches: int = 3
    """Size of the token bucket: this many switches at once at most ..."""
    switch_refill: float = 600.0
    """... and one more each time this many seconds have passed."""
    failback_after: float = 300.0
    """A preferred path must have been proven without a gap for this long before the way back."""
    failback_spread: float = 60.0
    """Then a random 0..spread seconds more, so that a fleet does not return in one second."""
    probation: float = 30.0
    """A place that falls within this time after a switch to it did not help: the switch is taken back."""


@dataclass(frozen=True, slots=True)
class NatPolicy:
    """Where the NAT of each WAN is measured from."""

    host: str
    """Of a STUN server, best one that knows RFC 5780."""
    port: int = 3478


@dataclass(frozen=True, slots=True)
class LanPolicy:
    """Where the phones are."""

    interfaces: tuple[str, ...] = ()
    """Empty: nobody looks for phones."""
    probe: bool = True
    """Whether what looks like a phone may be asked what it is, by OPTIONS."""
    registrar_rate: float | None = None
    """Registrations per second that the provider takes from this site's phones; None: nobody said."""
    min_expiry: float | None = None
    """The shortest expiry that it accepts; likewise."""


@dataclass(frozen=True, slots=True)
class HttpPage:
    """A page without TLS."""

    host: str
    """A name or a numeric address, IPv6 without brackets."""
    port: int = 80
    path: str = "/"
    """With its query, if it has one."""

    @property
    def authority(self) -> str:
        """As the Host header field has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 80 else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"http://{self.authority}{self.path}"


@dataclass(frozen=True, slots=True)
class ChecksPolicy:
    """What is looked at beside the paths."""

    background: bool = True
    """Whether the daemon looks now and then; a diagnosis always does."""
    time_servers: tuple[tuple[str, int], ...] = ()
    """Host and port of each; empty: what the kernel says of its clock is all there is."""
    portal_page: HttpPage | None = None
    """One that answers 204 where nobody stands in between."""


@dataclass(frozen=True, slots=True)
class DampingPolicy:
    """RFC 2439 figures; the reasons for the defaults are in flap.py."""

    half_life: float = 300.0
    suppress: float = 2500.0
    reuse: float = 1000.0
    max_suppress: float = 1800.0


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    wans: tuple[Wan, ...]
    sbcs: tuple[Sbc, ...]
    role: Role = Role.ROUTER
    probe: ProbePolicy = field(default_factory=ProbePolicy)
    failover: FailoverPolicy = field(default_factory=FailoverPolicy)
    damping: DampingPolicy = field(default_factory=DampingPolicy)
    nat: NatPolicy | None = None
    """None: the NAT is not measured."""
    lan: LanPolicy = field(default_factory=LanPolicy)
    rtp: RtpRange | None = None
    """Of the SBCs that have none of their own; None: what is usual is assumed."""
    checks: ChecksPolicy = field(default_factory=ChecksPolicy)
