"""The body of a NOTIFY that tells how many messages wait in a mailbox (RFC 3842 section 5.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import parse_number, shown

SUMMARY_TYPE = "application/simple-message-summary"
SUMMARY_EVENT = "message-summary"

_FIELD = re.compile(r"([A-Za-z\-]++)[ \t]*+:[ \t]*+([^\r\n]*+)")
_COUNTS = re.compile(r"([0-9]++)[ \t]*+/[ \t]*+([0-9]++)(?:[ \t]*+\([^)]*+\))?[ \t]*+")
_MOST = 2**32 - 1


@dataclass(frozen=True, slots=True)
class MessageSummary:
    waiting: bool
    account: str = ""
    new_voice: int | None = None
    """Voice messages that were not heard yet; None where nothing is said about them. Likewise `old_voice`."""
    old_voice: int | None = None


def decode_message_summary(body: bytes) -> MessageSummary:
    """What `body` says; `DecodeError` where it does not begin with Messages-Waiting: yes or no."""
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n\n")[0].split("\n")
    fields: dict[str, str] = {}
    for line in lines:
        found = _FIELD.fullmatch(line.rstrip(" \t"))
        if found is not None:
            fields.setdefault(found[1].lower(), found[2])
    waiting = fields.get("messages-waiting", "").strip(" \t").lower()
    if waiting not in ("yes", "no"):
        raise DecodeError("message summary", f"Messages-Waiting is {shown(waiting)}, not yes or no")
    new, old = _counts(fields.get("voice-message"))
    return MessageSummary(waiting == "yes", fields.get("message-account", ""), new, old)


def _counts(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    found = _COUNTS.fullmatch(text)
    if found is None:
        raise DecodeError("message summary", f"Voice-Message: {shown(text)} is not NEW/OLD")
    return parse_number("message summary", found[1], _MOST), parse_number("message summary", found[2], _MOST)
