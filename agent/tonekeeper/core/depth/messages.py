"""What passes between a deep probe and its driver: events in the past tense, commands in the imperative.

There is one connection for signalling, to the SBC and from nowhere else, and for a call one socket for media. Both are
closed by whoever drives the probe, after `Finished`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tonekeeper.core.depth.result import DepthResult
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.rtp import RtpPacket
from tonekeeper.wire.sip.message import Request, Response


@dataclass(frozen=True, slots=True)
class SignallingOpened:
    """Answer to `OpenSignalling`. `local` is the address that requests leave with, and the port."""

    local: Endpoint


@dataclass(frozen=True, slots=True)
class SignallingRefused:
    """Answer to `OpenSignalling`: no route, no such device, no connection, no acceptable certificate."""

    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class SignallingBroken:
    """The connection ended, an ICMP error came back, or the kernel did not take a request."""

    reason: str


@dataclass(frozen=True, slots=True)
class SipReceived:
    """A message of the SBC. Whether it answers us is for the probe to say."""

    message: Request | Response


@dataclass(frozen=True, slots=True)
class GarbageReceived:
    """What came from the SBC and is no SIP message. `reason` is the decoder's sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class MediaOpened:
    """Answer to `OpenMedia`."""

    local: Endpoint


@dataclass(frozen=True, slots=True)
class MediaRefused:
    """Answer to `OpenMedia`."""

    errno: int
    reason: str


@dataclass(frozen=True, slots=True)
class RtpReceived:
    """`arrival`: monotonic seconds, as the kernel saw it come where it says so."""

    source: Endpoint
    packet: RtpPacket
    arrival: float


@dataclass(frozen=True, slots=True)
class MediaBroken:
    """An ICMP error about our media came back. `reason` says which, and from whom."""

    reason: str


@dataclass(frozen=True, slots=True)
class ProbeAbandoned:
    """The agent ends, or the path is gone. What was begun is ended with one last message, nothing is waited for."""

    reason: str


Event = (
    DeadlineReached
    | SignallingOpened
    | SignallingRefused
    | SignallingBroken
    | SipReceived
    | GarbageReceived
    | MediaOpened
    | MediaRefused
    | RtpReceived
    | MediaBroken
    | ProbeAbandoned
)


@dataclass(frozen=True, slots=True)
class OpenSignalling:
    """Open the way to the SBC, from the WAN of the path. Answer: SignallingOpened, SignallingRefused."""


@dataclass(frozen=True, slots=True)
class SendSip:
    """`data` answers challenges, so it is not shown."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """Open a UDP socket on the same WAN. Answer: MediaOpened, MediaRefused."""


@dataclass(frozen=True, slots=True)
class SendRtp:
    destination: Endpoint
    packet: RtpPacket


Action = OpenSignalling | SendSip | OpenMedia | SendRtp

Command = Action | Finished[DepthResult]
