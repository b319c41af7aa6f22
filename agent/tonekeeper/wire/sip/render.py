"""What goes out: the OPTIONS of a probe, and the answers of the SBCs inside demo, simulation and tests.

A probe asks the server itself (RFC 3261 section 11). An answer copies what section 8.2.6 says it copies.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterable

from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.grammar import bracketed
from tonekeeper.wire.sip.message import Request, render_message
from tonekeeper.wire.sip.uri import SipUri
from tonekeeper.wire.sip.via import Via

_USER = "tonekeeper"
_PADDING = "X-Padding"
_LONGEST_LINE = 250
"""Octets of a header field line that pads."""


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
    octets: int = 0,
) -> bytes:
    """An OPTIONS whose Request-URI has no user, sent from `local` to `address`.

    `request_host` stands in Request-URI and To as the operator wrote it; the Request-URI has the port of `address`
    where that is not the transport's own. The Via asks for `rport` (RFC 3581), so the answer tells what a NAT made
    of `local`. Of fewer than `octets` octets, it is made that long with header fields that mean nothing (7.3.1).
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
    start_line = f"OPTIONS {target} SIP/2.0"
    plain = render_message(start_line, headers)
    padding = _padding(octets - len(plain))
    return render_message(start_line, (*headers, *padding)) if padding else plain


def _padding(octets: int) -> tuple[tuple[str, str], ...]:
    """Together so many octets, none of them a line that a server would find too long; where they are too few, some."""
    shortest = len(f"{_PADDING}: \r\n")
    lines = -(-max(0, octets) // _LONGEST_LINE)
    lengths = [octets // lines + (number < octets % lines) for number in range(lines)]
    return tuple((_PADDING, "-" * max(1, length - shortest)) for length in lengths)


def render_response(
    request: Request,
    status: int,
    reason: str,
    *,
    received: Endpoint | None,
    headers: Iterable[tuple[str, str]] = (),
    to_tag: str = "",
    body: bytes = b"",
) -> bytes:
    """The answer to `request`. `received` is where the request came from; None leaves its Via alone.

    Without `to_tag` the tag follows from the request, so that a repeated request gets the same (8.2.7); a 100 has none.
    """
    top, *others = request.vias
    answered = top if received is None else top.answered_from(received)
    to = request.header("to") or ""
    if status > 100 and not request.to.tag:
        to += f";tag={to_tag or _stateless_tag(request)}"
    copied = (
        *(("Via", str(via)) for via in (answered, *others)),
        ("From", request.header("from") or ""),
        ("To", to),
        ("Call-ID", request.call_id),
        ("CSeq", str(request.cseq)),
    )
    return render_message(f"SIP/2.0 {status} {reason}", (*copied, *headers), body)


def _stateless_tag(request: Request) -> str:
    return f"{crc32(f'{request.call_id} {request.vias[0].branch}'.encode()):08x}"
