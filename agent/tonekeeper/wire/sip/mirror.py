"""The copy of a request that a SIP mirror sends back, so that the client sees what became of it on the way.

A SIP ALG rewrites answers, too: what looks like a header field in the copy would be rewritten back, and nothing seen.
So every line of the copy is quoted, and a first line says what the mirror saw:

    from 198.51.100.2:40000, 431 of 431 octets
    |OPTIONS sip:203.0.113.18 SIP/2.0
    |Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1;rport
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint
from tonekeeper.wire.sip.grammar import shown

MIRROR_TYPE = "text/plain"
"""Content-Type of the copy."""

_QUOTE = b"|"
_FIRST_LINE = re.compile(r"from ([^\s,]++), ([0-9]{1,5}+) of ([0-9]{1,5}+) octets")


@dataclass(frozen=True, slots=True)
class MirrorCopy:
    source: Endpoint
    """Where the request came from."""
    text: str
    """The request, or its first lines."""
    is_complete: bool


def render_copy(request: bytes, source: Endpoint, room: int) -> bytes:
    """The body with as many lines of `request` as `room` octets hold; empty where not even one fits."""
    size = len(f"from {source}, 65535 of 65535 octets")
    kept: list[bytes] = []
    for line in request.split(b"\r\n"):
        size += len(line) + len(b"\r\n|")
        if size > room:
            break
        kept.append(line)
    if not kept:
        return b""
    octets = sum(map(len, kept)) + 2 * (len(kept) - 1)
    first = f"from {source}, {octets} of {len(request)} octets".encode()
    return b"\r\n".join((first, *(_QUOTE + line for line in kept)))


def decode_copy(body: bytes) -> MirrorCopy:
    """What `render_copy` made; `DecodeError` for anything else."""
    first, *lines = body.split(b"\r\n")
    found = _FIRST_LINE.fullmatch(first.decode("ascii", "replace"))
    if found is None:
        raise DecodeError("mirrored request", f"{shown(first.decode('ascii', 'replace'))} is not its first line")
    if not lines or not all(line.startswith(_QUOTE) for line in lines):
        raise DecodeError("mirrored request", "a line of it is not quoted")
    text = "\r\n".join(line[1:].decode(errors="backslashreplace") for line in lines)
    return MirrorCopy(parse_endpoint(found[1]), text, is_complete=found[2] == found[3])
