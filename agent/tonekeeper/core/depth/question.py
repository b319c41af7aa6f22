"""What a deep probe is to find out, of whom, and as whom it asks."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.site import Depth, Transport
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.digest import Credentials
from tonekeeper.wire.sip.grammar import bracketed
from tonekeeper.wire.sip.uri import SipUri

DEFAULT_PORTS = {Transport.UDP: 5060, Transport.TCP: 5060, Transport.TLS: 5061}


@dataclass(frozen=True, slots=True)
class Question:
    depth: Depth
    server: Endpoint
    transport: Transport
    request_host: str
    """As the operator wrote it."""
    user: str
    """Of the test account, as a SIP URI has it."""
    domain: str = ""
    """Empty: `request_host`."""
    credentials: Credentials | None = None
    """None: a challenge cannot be answered."""
    target: str = ""
    """User part to call or to subscribe to; empty: `user`."""
    user_agent: str = "tonekeeper"

    @property
    def account(self) -> SipUri:
        """The address of record of the account."""
        return SipUri(bracketed(self.domain or self.request_host), user=self.user)

    @property
    def place(self) -> SipUri:
        """The server itself, as a Request-URI has it."""
        port = None if self.server.port == DEFAULT_PORTS[self.transport] else self.server.port
        params = () if self.transport is Transport.UDP else (("transport", str(self.transport)),)
        return SipUri(bracketed(self.request_host), port, params=params)

    @property
    def called(self) -> SipUri:
        """Whom to call, or whose mailbox to ask for."""
        return SipUri(bracketed(self.domain or self.request_host), user=self.target or self.user)

    @property
    def registrar(self) -> SipUri:
        """Request-URI of REGISTER: the domain, without a user (RFC 3261 section 10.2)."""
        return SipUri(bracketed(self.domain)) if self.domain else self.place
