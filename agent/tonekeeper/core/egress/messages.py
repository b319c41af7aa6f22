"""What passes between the examination of a path and its driver: events in the past tense, commands in the imperative.

The driver carries commands out in order, bound to the WAN of the path. It closes everything after `Finished`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.egress.result import EgressTrial, Icmp
from tonekeeper.core.machine import DeadlineReached, Finished


@dataclass(frozen=True, slots=True)
class SocketOpened:
    """Answer to `OpenSocket`."""

    local: str
    """Numeric address that packets leave with."""
    mtu: int
    """Of the interface, octets."""


@dataclass(frozen=True, slots=True)
class SocketRefused:
    """Answer to `OpenSocket` and `Connect`: there is no such socket (no device, no permission, no descriptor)."""

    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class SendRefused:
    """The kernel did not take a packet, or knows no way there."""

    errno: int
    mtu: int = 0
    """What it would have taken, where the packet was too long (EMSGSIZE)."""


@dataclass(frozen=True, slots=True)
class ReplyReceived:
    """A SIP response to the request with this branch came from the SBC."""

    branch: str
    status: int


@dataclass(frozen=True, slots=True)
class IcmpReceived:
    icmp: Icmp


@dataclass(frozen=True, slots=True)
class Connected:
    """Answer to `Connect`."""

    local: str


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """Answer to `Connect`: an errno, and the ICMP error behind it where there was one."""

    errno: int
    icmp: Icmp | None = None
    local: str = ""
    """Numeric address that it left with."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """Answer to `OpenStream`: connected, and over TLS its certificate accepted."""


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The stream did not open, or is not open any more. Its errno is 0 where the other side closed it."""

    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class Walked:
    """Answer to `WalkWay`."""

    hops: tuple[str, ...]
    """Who said "time exceeded" at TTL 1, 2, ...; "" for a hop that stayed silent."""
    answered: bool = False
    """The SBC itself answered to the last one."""
    icmp: Icmp | None = None
    """Another error than "time exceeded" that ended it."""
    packets: int = 0


Event = (
    DeadlineReached
    | SocketOpened
    | SocketRefused
    | SendRefused
    | ReplyReceived
    | IcmpReceived
    | Connected
    | ConnectionFailed
    | StreamOpened
    | StreamEnded
    | Walked
)


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """A UDP socket to the SBC. Answer: SocketOpened, SocketRefused, SendRefused where there is no way."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a TCP connection, in the place of one before. Answer: Connected, ConnectionFailed, SocketRefused."""


@dataclass(frozen=True, slots=True)
class OpenStream:
    """A connection that SIP can be spoken over, with TLS where the path says so. Answer: StreamOpened, StreamEnded."""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """One OPTIONS, on the stream where one is open. Answer: ReplyReceived, IcmpReceived, SendRefused, or nothing."""

    branch: str
    from_tag: str
    call_id: str
    cseq: int
    octets: int = 0
    """Length to pad it to: of the IP packet over UDP, of the message over a stream. 0: as long as it is."""
    whole: bool = False
    """Nobody on the way may fragment it, nor does this host (DF)."""
    unusual: bool = False
    """Written with a tab before the Via's sent-by, which is legal and which gateways seldom look for."""


@dataclass(frozen=True, slots=True)
class WalkWay:
    """Packets with rising TTL to the SBC: OPTIONS over UDP, SYN else. Answer: Walked."""

    octets: int = 0
    """Length of each over UDP, in one piece; 0: as long as it is."""


Action = OpenSocket | Connect | OpenStream | SendOptions | WalkWay
"""What an adapter carries out."""

Command = Action | Finished[EgressTrial]
