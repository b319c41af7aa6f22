"""What a probe has to know of a SIP response, and nothing more: the value that reaches the core and the journal."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tonekeeper.wire.sip.grammar import for_people
from tonekeeper.wire.sip.message import Response, decode_response

_RETRY_AFTER = re.compile(r"([0-9]++)[ \t]*+(?:[(;]|\Z)")
_MOST_DELTA_SECONDS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class SipReply:
    """A response that decoded. Whether it is *our* response is for the core to say (RFC 3261 17.1.3, 18.1.2)."""

    status: int
    """100-699"""
    reason: str
    branch: str
    """Of the topmost Via, empty where it has none."""
    sent_by: str
    """Of the topmost Via, as written: host[:port]."""
    via_count: int
    call_id: str
    cseq: int
    method: str
    """Of CSeq."""
    received: str = ""
    """`received=` of our Via: our address as the server saw it (RFC 3581)."""
    rport: int = 0
    """`rport=` of our Via, 0 where absent."""
    retry_after: int | None = None
    """Seconds (RFC 3261 20.33)."""
    server: str = ""
    """Server, else User-Agent."""


def decode_reply(data: bytes) -> SipReply:
    """The response in one datagram; `DecodeError` for anything else, a request included."""
    response = decode_response(data)
    via = response.vias[0]
    return SipReply(
        status=response.status,
        reason=for_people(response.reason),
        branch=via.branch,
        sent_by=via.sent_by,
        via_count=len(response.vias),
        call_id=response.call_id,
        cseq=response.cseq.number,
        method=response.cseq.method,
        received=via.received,
        rport=via.rport or 0,
        retry_after=retry_after_of(response),
        server=server_of(response),
    )


def server_of(response: Response) -> str:
    """Server, else User-Agent, fit to be shown."""
    return for_people(response.header("server") or response.header("user-agent") or "")


def retry_after_of(response: Response) -> int | None:
    """Seconds, comment and parameters left out. A value that cannot be is no reason to call a server dead: None."""
    found = _RETRY_AFTER.match(response.header("retry-after") or "")
    if found is None:
        return None
    digits = found[1].lstrip("0") or "0"
    return int(digits) if len(digits) <= 10 and int(digits) <= _MOST_DELTA_SECONDS else None
