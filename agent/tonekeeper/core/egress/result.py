"""What one examination of one path found, before anybody judges it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.site import Path


class Outcome(StrEnum):
    ANSWERED = "answered"
    """In SIP over UDP, by a connection over TCP and TLS."""
    RESET = "reset"
    """A TCP RST: somebody there, or in its name, does not want the connection."""
    PORT_UNREACHABLE = "port unreachable"
    """ICMP; from the SBC itself nobody listens, from a router on the way it is a rule that rejects."""
    PROHIBITED = "prohibited"
    """ICMP administratively prohibited."""
    UNREACHABLE = "unreachable"
    """ICMP host or network unreachable, or a routing loop."""
    SILENT = "silent"
    FORBIDDEN_HERE = "forbidden here"
    """A rule on this host did not let it out."""
    NO_ROUTE = "no route"
    """This host knows no way there over this WAN."""
    NOT_CHECKED = "not checked"


class Fact(StrEnum):
    YES = "yes"
    NO = "no"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Icmp:
    """An ICMP error about a packet of ours (RFC 792, RFC 4443)."""

    type: int
    code: int
    offender: str
    """Address of the host that sent it; empty or our own where this host made it up."""
    mtu: int = 0
    """Of the next hop, where a packet was too big (RFC 1191 section 4, RFC 4443 section 3.2)."""


@dataclass(frozen=True, slots=True)
class PathMtu:
    """How long packets to the SBC may be. Lengths are those of whole IP packets, in octets."""

    tried: int
    """The longest that was sent in one piece: what the interface takes, 1500 at most."""
    largest: int | None = None
    """The longest that was answered when nobody might fragment it; None: none of the padded ones."""
    told: int = 0
    """What a router said that its next link takes; 0: none said so."""
    told_by: str = ""
    cut: Fact = Fact.NOT_CHECKED
    """Whether one of `tried` arrives where routers may fragment it. Only asked where it does not in one piece."""
    pieces: Fact = Fact.NOT_CHECKED
    """Whether one that this host itself fragments arrives."""
    lost_after: str = ""
    """Last router that answered to long packets with a rising TTL, while a later one did to short ones."""

    @property
    def is_limited(self) -> bool:
        return self.largest is None or self.largest < self.tried

    @property
    def is_black_hole(self) -> bool:
        """Long packets vanish, and nobody says how long they may be."""
        return self.is_limited and self.largest != self.told


@dataclass(frozen=True, slots=True)
class EgressTrial:
    path: Path
    interface: str
    outcome: Outcome
    detail: str = ""
    """What was seen, for people: "200 after 0.021 s", "ICMP 3/13 from 198.51.100.1"."""
    hop: str = ""
    """Who sent the ICMP error."""
    hops: tuple[str, ...] | None = None
    """Who answered to a rising TTL, "" for a hop that stayed silent; None: nobody was asked."""
    unusual_answered: bool = False
    """The SBC answered a request that is written unusually, and none of the usual ones."""
    mtu: PathMtu | None = None
    stream: Fact = Fact.NOT_CHECKED
    """Whether a long request over the connection is answered, where a short one is."""
    packets: int = 0
    """Sent."""
    elapsed_s: float = 0.0

    @property
    def is_answered(self) -> bool:
        return self.outcome is Outcome.ANSWERED

    @property
    def last_hop(self) -> str:
        """The last router that was heard of; empty: none."""
        return next((hop for hop in reversed(self.hops or ()) if hop), "")


@dataclass(frozen=True, slots=True)
class EgressProgress:
    """Of several, for a live display."""

    done: int
    total: int
    """Paths."""
    doing: tuple[str, ...]
    """What is waited for, one line for each path that is being examined."""
    at_most_s: float
    """Seconds until it is over at most, from now."""
