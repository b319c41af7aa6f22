"""What a probe has to know of a SIP response, and nothing more: the value that reaches the core and the journal."""

from __future__ import annotations

from dataclasses import dataclass


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
