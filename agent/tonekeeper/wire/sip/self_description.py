"""What a server says of itself in a response: methods, extensions, bodies, event packages, product, authentication.

Not part of `SipReply`: it is the same in every reply, so it is decoded of a few of them only, and nobody pays for it on
the way of a probe. A header field that is absent says nothing (RFC 3261 section 20.5): None. One that is empty says
"none": ().
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import for_people, is_token
from tonekeeper.wire.sip.message import Response, decode_response
from tonekeeper.wire.sip.reply import server_of

Named = tuple[str, ...] | None
"""Sorted, each once."""

_MOST_NAMED = 64
"""Names taken from one header field at most, those that come first in the alphabet."""
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class SelfDescription:
    methods: Named = None
    """Allow"""
    extensions: Named = None
    """Supported, in lower case"""
    bodies: Named = None
    """Accept, media types in lower case without parameters"""
    events: Named = None
    """Allow-Events, in lower case"""
    server: str = ""
    """Server, else User-Agent"""
    realm: str = ""
    algorithm: str = ""
    """Of the first Digest challenge, as written; empty where there is none, or none that can be read."""


def decode_self_description(data: bytes) -> SelfDescription:
    """Of the response in one datagram; `DecodeError` for anything else, a request included."""
    return self_description_of(decode_response(data))


def self_description_of(response: Response) -> SelfDescription:
    realm, algorithm = _first_challenge(response)
    return SelfDescription(
        methods=_named(response, "allow", str.upper),
        extensions=_named(response, "supported", str.lower),
        bodies=_bodies(response),
        events=_named(response, "allow-events", str.lower),
        server=server_of(response),
        realm=realm,
        algorithm=algorithm,
    )


def _named(response: Response, header: str, fold: Callable[[str], str]) -> Named:
    values = response.header_values(header)
    if not values:
        return None
    names = {name.strip(" \t") for value in values for name in value.split(",")}
    return _bounded(fold(name) for name in names if is_token(name))


def _bodies(response: Response) -> Named:
    values = response.header_values("accept")
    if not values:
        return None
    ranges = {"".join(element.partition(";")[0].split()) for value in values for element in value.split(",")}
    return _bounded(written.lower() for written in ranges if all(map(is_token, written.split("/"))))


def _bounded(names: Iterable[str]) -> Named:
    return tuple(sorted({name for name in names if len(name) <= _LONGEST_NAME})[:_MOST_NAMED])


def _first_challenge(response: Response) -> tuple[str, str]:
    try:
        challenges = response.challenges()
    except DecodeError:
        return "", ""
    return (for_people(challenges[0].realm), for_people(challenges[0].algorithm)) if challenges else ("", "")
