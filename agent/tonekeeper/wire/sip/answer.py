"""Answers to requests, for the SBCs inside demo, simulation and tests (RFC 3261 section 8.2.6)."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import Request, render_message


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
