"""What the requests of one Call-ID have in common, seen by who began (RFC 3261 sections 8.1.1 and 12)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.grammar import bracketed, param, split_list
from tonekeeper.wire.sip.message import Headers, Response, render_message
from tonekeeper.wire.sip.name_addr import parse_name_addr
from tonekeeper.wire.sip.uri import SipUri, Uri
from tonekeeper.wire.sip.via import Via


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and from where."""

    local: Endpoint
    transport: str
    """udp, tcp or tls"""
    user_agent: str

    def via(self, branch: str) -> Via:
        """With `rport` (RFC 3581), so that the answer finds its way back through a NAT."""
        params = (("branch", branch), ("rport", ""))
        return Via(bracketed(self.local.host), self.local.port, self.transport.upper(), params=params)

    def contact(self, user: str) -> SipUri:
        params = () if self.transport == "udp" else (("transport", self.transport),)
        return SipUri(bracketed(self.local.host), self.local.port, user=user, params=params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """A request outside of a dialog is the dialog that it would begin: no remote tag, no routes."""

    call_id: str
    local: SipUri
    """In From."""
    local_tag: str
    remote: SipUri
    """In To."""
    target: Uri
    """In the Request-URI: first the place that is asked, then what the other side gave as its Contact."""
    remote_tag: str = ""
    routes: tuple[str, ...] = ()
    """Values of Route, next hop first."""

    def answered_by(self, response: Response) -> Dialog:
        """This dialog as `response` to its first request established it (section 12.1.2).

        `DecodeError` where its Contact or a Record-Route cannot be read.
        """
        return replace(
            self,
            remote_tag=response.to.tag,
            target=next((contact.uri for contact in response.contacts()), self.target),
            routes=tuple(reversed(_record_routes(response))),
        )

    @property
    def request_uri(self) -> str:
        """The first route where that is a strict router (section 12.2.1.1)."""
        return str(self.target) if self._routes_loosely else str(_uri_of(self.routes[0]))

    @property
    def route_values(self) -> tuple[str, ...]:
        return self.routes if self._routes_loosely else (*self.routes[1:], f"<{self.target}>")

    @property
    def _routes_loosely(self) -> bool:
        if not self.routes:
            return True
        uri = _uri_of(self.routes[0])
        return not isinstance(uri, SipUri) or param(uri.params, "lr") is not None


def render_request(
    method: str,
    dialog: Dialog,
    sender: Sender,
    *,
    branch: str,
    cseq: int,
    headers: Headers = (),
    body: bytes = b"",
) -> bytes:
    """A request of `dialog`. `headers` are those that the method needs; `branch` begins with z9hG4bK."""
    remote_tag = f";tag={dialog.remote_tag}" if dialog.remote_tag else ""
    shared = (
        ("Via", str(sender.via(branch))),
        ("Max-Forwards", "70"),
        *(("Route", route) for route in dialog.route_values),
        ("From", f"<{dialog.local}>;tag={dialog.local_tag}"),
        ("To", f"<{dialog.remote}>{remote_tag}"),
        ("Call-ID", dialog.call_id),
        ("CSeq", f"{cseq} {method}"),
        ("User-Agent", sender.user_agent),
    )
    return render_message(f"{method} {dialog.request_uri} SIP/2.0", (*shared, *headers), body)


def _record_routes(response: Response) -> list[str]:
    fields = response.header_values("record-route")
    values = [element for value in fields for element in split_list("Record-Route", value)]
    for value in values:
        _uri_of(value)
    return values


def _uri_of(route: str) -> Uri:
    uri = parse_name_addr("Record-Route", route).uri
    if not isinstance(uri, SipUri):
        raise DecodeError("Record-Route", f"{str(uri)[:64]!r} is not a SIP URI")
    return uri
