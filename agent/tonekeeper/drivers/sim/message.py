"""What crosses the simulated network. Nothing is encoded: both ends speak in values, as the core does."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.commands import SendBindingRequest, SendOptions
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply


@dataclass(frozen=True, slots=True)
class Register:
    aor: str
    expires: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Registered:
    aor: str


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Two line ends, as phones send them over UDP; nobody answers."""


@dataclass(frozen=True, slots=True)
class Invite:
    aor: str


@dataclass(frozen=True, slots=True)
class BindingResponse:
    """STUN's."""

    transaction_id: str
    mapped: Endpoint


@dataclass(frozen=True, slots=True)
class PortUnreachable:
    """ICMP type 3 code 3 from `offender`."""

    offender: str


Message = (
    SendOptions
    | SipReply
    | SendBindingRequest
    | BindingResponse
    | Register
    | Registered
    | KeepAlive
    | Invite
    | PortUnreachable
)
