"""An SBC as a far end: it answers OPTIONS, takes registrations and calls the phones it knows, or misbehaves as told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tonekeeper.core.commands import SendBindingRequest, SendOptions
from tonekeeper.drivers.sim.message import (
    BindingResponse,
    Invite,
    KeepAlive,
    Message,
    PortUnreachable,
    Register,
    Registered,
)
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply

if TYPE_CHECKING:
    from tonekeeper.drivers.sim.network import Network, Socket

REASONS = {200: "OK", 404: "Not Found", 500: "Server Internal Error", 503: "Service Unavailable"}


class Mood(Enum):
    ANSWERING = "answering"
    SILENT = "silent"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a registered phone was last seen from: its socket, and the endpoint that its NAT showed to us."""

    socket: Socket
    seen_from: Endpoint
    until: float


class SbcPeer:
    def __init__(self, name: str, endpoint: Endpoint, network: Network) -> None:
        self.name = name
        self.endpoint = endpoint
        self.contacts: dict[str, Contact] = {}
        self.requests = 0
        """OPTIONS that arrived, answered or not."""
        self.does_stun = False
        """On its SIP port (RFC 5626 section 8)."""
        self._network = network
        self._mood = Mood.ANSWERING
        self._status = 200
        self._reason = "OK"
        self._retry_after: int | None = None
        self._late = 0.0

    # --- what a test makes it do

    def recover(self) -> None:
        """Answer 200 at once, as at the start."""
        self.answer(200)

    def answer(self, status: int, *, retry_after: int | None = None, late: float = 0.0) -> None:
        """Answer OPTIONS with `status`, `late` seconds after they came."""
        self._mood = Mood.ANSWERING
        self._status, self._reason = status, REASONS.get(status, "")
        self._retry_after, self._late = retry_after, late

    def fall_silent(self) -> None:
        self._mood = Mood.SILENT

    def stop(self) -> None:
        """The process is gone, its host is not: it says so by ICMP."""
        self._mood = Mood.STOPPED

    def call(self, aor: str, now: float) -> bool:
        """Send an INVITE to where `aor` registered from. False if it has no registration that is still valid."""
        contact = self.contacts.get(aor)
        if contact is None or contact.until <= now:
            return False
        self._network.send_back(now, contact.socket, contact.seen_from, Invite(aor))
        return True

    # --- what the network does

    def receive(self, now: float, socket: Socket, source: Endpoint, message: Message) -> None:
        """A datagram that left `socket` arrives, and seems to come from `source`."""
        if type(message) is SendOptions:
            self.requests += 1
        if self._mood is Mood.ANSWERING:
            self._react(now, socket, source, message)
        elif self._mood is Mood.STOPPED:
            self._network.send_back(now, socket, source, PortUnreachable(self.endpoint.host))

    def _react(self, now: float, socket: Socket, source: Endpoint, message: Message) -> None:
        match message:
            case SendOptions():
                reply = self._reply(source, message)
                if self._late:
                    self._network.timeline.plan(now + self._late, self._answer_at_last, (socket, source, reply))
                else:
                    self._network.send_back(now, socket, source, reply)
            case Register(aor, expires):
                self.contacts[aor] = Contact(socket, source, now + expires)
                self._network.send_back(now, socket, source, Registered(aor))
            case SendBindingRequest(_, transaction_id):
                if self.does_stun:
                    self._network.send_back(now, socket, source, BindingResponse(transaction_id, source))
            case KeepAlive():
                pass
            case _:
                raise TypeError(f"an SBC is sent no {type(message).__name__}")

    def _answer_at_last(self, now: float, what: tuple[Socket, Endpoint, SipReply]) -> None:
        self._network.send_back(now, *what)

    def _reply(self, source: Endpoint, request: SendOptions) -> SipReply:
        return SipReply(
            self._status,
            self._reason,
            request.branch,
            "",
            1,
            request.call_id,
            request.cseq,
            "OPTIONS",
            source.host,
            source.port,
            self._retry_after,
            "simulated",
        )
