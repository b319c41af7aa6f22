"""The request a probe sends: OPTIONS to the server itself (RFC 3261 section 11)."""

from __future__ import annotations

from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.grammar import bracketed
from tonekeeper.wire.sip.message import render_message
from tonekeeper.wire.sip.uri import SipUri
from tonekeeper.wire.sip.via import Via

_USER = "tonekeeper"


def render_options(
    *,
    request_host: str,
    address: Endpoint,
    transport: str,
    local: Endpoint,
    branch: str,
    from_tag: str,
    call_id: str,
    cseq: int,
    user_agent: str,
) -> bytes:
    """An OPTIONS whose Request-URI has no user, sent from `local` to `address`.

    `request_host` stands in Request-URI and To as the operator wrote it; the Request-URI has the port of `address`
    where that is not the transport's own. The Via asks for `rport` (RFC 3581), so the answer tells what a NAT made
    of `local`.
    """
    host = bracketed(request_host)
    params = () if transport == "udp" else (("transport", str(transport)),)
    default_port = 5061 if transport == "tls" else 5060
    target = SipUri(host, None if address.port == default_port else address.port, params=params)
    via = Via(bracketed(local.host), local.port, transport.upper(), params=(("branch", branch), ("rport", "")))
    here = SipUri(bracketed(local.host), user=_USER)
    contact = SipUri(here.host, local.port, user=_USER, params=params)
    headers = (
        ("Via", str(via)),
        ("Max-Forwards", "70"),
        ("From", f"<{here}>;tag={from_tag}"),
        ("To", f"<{SipUri(host)}>"),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} OPTIONS"),
        ("Contact", f"<{contact}>"),
        ("Accept", "application/sdp"),
        ("User-Agent", user_agent),
    )
    return render_message(f"OPTIONS {target} SIP/2.0", headers)
