"""A SIP NOTIFY to a phone of the LAN, outside of any dialog: "your settings have changed".

Sent over UDP and repeated as a client transaction does (RFC 3261 section 17.1.2). What the phone answers is told and
not argued with: no credentials are given to one that asks for them.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from tonekeeper.edge.bound_socket import endpoint_of, step
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.dialog import Dialog, Sender, render_request
from tonekeeper.wire.sip.grammar import bracketed, for_people
from tonekeeper.wire.sip.message import Response, decode_response
from tonekeeper.wire.sip.uri import SipUri

T1, T2 = 0.5, 4.0
"""Seconds."""
PATIENCE = 64 * T1

_USER = "tonekeeper"
_LARGEST_DATAGRAM = 65535
_MEANINGS = {
    401: "it asks for credentials, and none are given",
    407: "it asks for credentials, and none are given",
    481: "it wants a subscription first",
    489: "it does not know this event",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of a NOTIFY. `status`: of the final answer; 0 where there was none, and `reason` says so."""

    status: int
    reason: str

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def may_be_heeded(self) -> bool:
        """A phone may do as it is told although its answer was lost."""
        return self.is_taken or self.status == 0

    def __str__(self) -> str:
        if not self.status:
            return self.reason
        meaning = _MEANINGS.get(self.status)
        answered = f"it answers {self.status} {self.reason}".rstrip()
        return f"{answered}: {meaning}" if meaning else answered


def notify_phone(
    address: Endpoint, event: str, token: str, user_agent: str, *, clock: Callable[[], float] = time.monotonic
) -> Notice:
    """Blocks until there is a final answer, or none was given for 32 s. `event`: of the Event header, with parameters.

    EdgeError where no socket can be had, or no way leads there.
    """
    family = socket.AF_INET6 if address.is_ipv6 else socket.AF_INET
    with step(f"send a NOTIFY to {address}"), socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((address.host, address.port))
        request = render_notify(address, endpoint_of(sock.getsockname()), event, token, user_agent)
        return exchange(sock, request, token, clock)


def render_notify(address: Endpoint, local: Endpoint, event: str, token: str, user_agent: str) -> bytes:
    """As servers send it: no subscription stands behind it, so it is said to have ended (RFC 6665 section 4.1.3)."""
    sender = Sender(local, "udp", user_agent)
    remote = SipUri(bracketed(address.host), address.port)
    local_uri = sender.contact(_USER)
    dialog = Dialog(call_id=token[8:], local=local_uri, local_tag=token[:8], remote=remote, target=remote)
    headers = (("Contact", f"<{local_uri}>"), ("Event", event), ("Subscription-State", "terminated"))
    return render_request("NOTIFY", dialog, sender, branch=_branch(token), cseq=1, headers=headers)


def exchange(sock: socket.socket, request: bytes, token: str, clock: Callable[[], float]) -> Notice:
    """`sock` is connected. An ICMP error ends it: nothing listens there."""
    due = clock()
    end, interval = due + PATIENCE, T1
    try:
        while (now := clock()) < end:
            if now >= due:
                sock.send(request)
                due, interval = now + interval, min(2 * interval, T2)
            response = _hear(sock, min(due, end) - now, token)
            if response is not None and response.status >= 200:
                return Notice(response.status, for_people(response.reason))
            if response is not None:
                interval = T2
    except ConnectionRefusedError:
        return Notice(0, "nothing listens at this port")
    return Notice(0, f"it does not answer the NOTIFY within {PATIENCE:g} s")


def _hear(sock: socket.socket, within: float, token: str) -> Response | None:
    """The next datagram, if it is an answer to the request; None as well when the time is over."""
    sock.settimeout(max(within, 0.001))
    try:
        response = decode_response(sock.recv(_LARGEST_DATAGRAM))
    except (TimeoutError, DecodeError):
        return None
    is_ours = response.vias[0].branch == _branch(token) and response.cseq.method == "NOTIFY"
    return response if is_ours else None


def _branch(token: str) -> str:
    return f"z9hG4bK{token}"
