"""SDP (RFC 8866), as much as a call of G.711 needs: an offer, and what an answer says about audio (RFC 3264)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from itertools import pairwise

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint

SDP_TYPE = "application/sdp"
_MOST_LINES = 500
_LINE = re.compile(r"([a-z])=([^\r\n]*+)")
_MEDIA = re.compile(r"([A-Za-z0-9]++) ([0-9]{1,5}+)(?:/[0-9]{1,5}+)? ([A-Za-z0-9/]++)((?>(?: [0-9A-Za-z\-]++)*)) *+")


class Direction(StrEnum):
    """As the one who says it sees it (RFC 3264 section 5.1)."""

    BOTH = "sendrecv"
    SENDS = "sendonly"
    RECEIVES = "recvonly"
    NEITHER = "inactive"


@dataclass(frozen=True, slots=True)
class AudioDescription:
    """The first audio stream of a description."""

    address: Endpoint
    """Where it wants its RTP; port 0 where it refuses the stream."""
    formats: tuple[int, ...]
    """Payload types, in order of preference."""
    direction: Direction = Direction.BOTH


def render_offer(local: Endpoint, session: int, *, packet_ms: int = 20) -> bytes:
    """An offer of G.711, both laws, both ways, at `local`. `session` is a number that no other session has."""
    family = "IP6" if local.is_ipv6 else "IP4"
    lines = (
        "v=0",
        f"o=- {session} {session} IN {family} {local.host}",
        "s=-",
        f"c=IN {family} {local.host}",
        "t=0 0",
        f"m=audio {local.port} RTP/AVP 0 8",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        f"a=ptime:{packet_ms}",
        "a=sendrecv",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def decode_audio(data: bytes) -> AudioDescription:
    """What the description in `data` says about audio; `DecodeError` where it is none or has no audio in RTP."""
    lines = _lines(data)
    session, media = _first_audio(lines)
    found = _MEDIA.fullmatch(media[0][1])
    if found is None or int(found[2]) > 65535:
        raise DecodeError("SDP", f"m={media[0][1][:64]!r} is not MEDIA PORT PROTOCOL FORMAT...")
    if found[3] not in ("RTP/AVP", "RTP/AVPF"):
        raise DecodeError("SDP", f"its audio is {found[3]}, not RTP/AVP")
    return AudioDescription(
        address=Endpoint(_connection(session, media), int(found[2])),
        formats=tuple(int(word) for word in found[4].split() if word.isdigit() and len(word) <= 3 and int(word) < 128),
        direction=_direction(session, media),
    )


def _lines(data: bytes) -> list[tuple[str, str]]:
    """Type and value of each line; a lone LF ends one as well (section 5)."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
    written = text.split("\n")
    if len(written) > _MOST_LINES:
        raise DecodeError("SDP", f"it has {len(written)} lines")
    lines: list[tuple[str, str]] = []
    for line in written:
        found = _LINE.fullmatch(line)
        if found is None:
            raise DecodeError("SDP", f"{line[:64]!r} is not TYPE=VALUE")
        lines.append((found[1], found[2]))
    if lines[0] != ("v", "0"):
        raise DecodeError("SDP", "it does not begin with v=0")
    return lines


def _first_audio(lines: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The lines of the session, and those of its first audio stream."""
    begins = [number for number, (kind, _) in enumerate(lines) if kind == "m"]
    for begin, end in pairwise([*begins, len(lines)]):
        if lines[begin][1].startswith("audio "):
            return lines[: begins[0]], lines[begin:end]
    raise DecodeError("SDP", "it has no audio")


def _connection(session: list[tuple[str, str]], media: list[tuple[str, str]]) -> str:
    """The address of the stream's own c= line, else of the session's (section 5.7)."""
    value = next((value for kind, value in (*media, *session) if kind == "c"), None)
    if value is None:
        raise DecodeError("SDP", "no c= line says where its audio is")
    words = value.split()
    host = words[2].partition("/")[0] if len(words) == 3 and words[0] == "IN" and "%" not in words[2] else ""
    try:
        return str(ip_address(host))
    except ValueError:
        raise DecodeError("SDP", f"c={value[:64]!r} has no numeric address") from None


def _direction(session: list[tuple[str, str]], media: list[tuple[str, str]]) -> Direction:
    for kind, value in (*media, *session):
        if kind == "a" and value in tuple(Direction):
            return Direction(value)
    return Direction.BOTH
