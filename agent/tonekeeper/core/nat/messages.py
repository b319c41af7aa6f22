"""What passes between a NAT measurement and its driver: events in the past tense, commands in the imperative.

The driver carries commands out in order. It hands every datagram to the measurement as one of `StunReceived`,
`SipReceived` and `GarbageReceived`; whether an answer is ours is for the measurement to say.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.nat.result import NatResult
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply
from tonekeeper.wire.stun.message import StunMessage


@dataclass(frozen=True, slots=True)
class SocketOpened:
    """Answer to `OpenSocket`. `local` is the address that packets leave with, and the port. A connection stands."""

    socket: int
    local: Endpoint


@dataclass(frozen=True, slots=True)
class SocketRefused:
    """Answer to `OpenSocket`: no address, no such device, no file descriptor left, port in use, no connection."""

    socket: int
    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class SendRefused:
    """The kernel did not take a packet for `destination`."""

    socket: int
    destination: Endpoint
    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class StunReceived:
    """A datagram, or a message on a connection, decoded as STUN, its FINGERPRINT (if it has one) being right."""

    socket: int
    source: Endpoint
    message: StunMessage


@dataclass(frozen=True, slots=True)
class SipReceived:
    """A datagram decoded as a SIP response."""

    socket: int
    source: Endpoint
    reply: SipReply
    mirrored: str | None = None
    """The body, where a SIP mirror put the request as it arrived there (`message/sip`); None from anyone else."""


@dataclass(frozen=True, slots=True)
class GarbageReceived:
    """A datagram that is neither. `reason` is the decoder's sentence."""

    socket: int
    source: Endpoint
    reason: str
    size: int


@dataclass(frozen=True, slots=True)
class IcmpReceived:
    """The socket's error queue held an ICMP error about a packet of ours to `destination`."""

    socket: int
    destination: Endpoint
    type: int
    code: int
    offender: str
    """Address of the host that sent it; one of our own when this host made it up."""


@dataclass(frozen=True, slots=True)
class SipSent:
    """Answer to `SendSip`: the request exactly as it was handed to the socket."""

    socket: int
    branch: str
    text: str


@dataclass(frozen=True, slots=True)
class ConnectionEnded:
    """By the other side, or by whoever speaks in its name. The socket is still to be closed."""

    socket: int
    reason: str


@dataclass(frozen=True, slots=True)
class WanChanged:
    """Address, route or carrier of the WAN changed: what was measured so far says nothing about the new one."""

    reason: str


Event = (
    DeadlineReached
    | SocketOpened
    | SocketRefused
    | SendRefused
    | StunReceived
    | SipReceived
    | GarbageReceived
    | IcmpReceived
    | SipSent
    | ConnectionEnded
    | WanChanged
)


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Open a socket bound to the WAN under measurement. Answer: SocketOpened, SocketRefused."""

    socket: int
    port: int = 0
    """Local port, 0 for one that the kernel chooses (RFC 5780 section 4.1)."""
    connect_to: Endpoint | None = None
    """A TCP connection to there; None: a UDP socket, to anywhere."""


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """A connection is reset: nobody on the way shall wait for the rest of it."""

    socket: int


@dataclass(frozen=True, slots=True)
class SendStun:
    """Encode and send, with FINGERPRINT. `destination` is that of the connection, where the socket is one."""

    socket: int
    destination: Endpoint
    message: StunMessage


@dataclass(frozen=True, slots=True)
class SendSip:
    """Send one OPTIONS (RFC 3261 section 11) with the socket's local endpoint in Via and Contact. Answer: SipSent."""

    socket: int
    destination: Endpoint
    branch: str
    from_tag: str
    call_id: str
    cseq: int
    unusual_via: bool = False
    """With a tab before sent-by, which is legal, and which gateways seldom look for (alg.py)."""


Action = OpenSocket | CloseSocket | SendStun | SendSip
"""What an adapter carries out. All sockets were closed before `Finished`."""

Command = Action | Finished[NatResult]
