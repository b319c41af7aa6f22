"""What a server asks for in WWW-Authenticate and Proxy-Authenticate (RFC 3261 section 22, RFC 2617, RFC 8760).

RFC 3261 gives every challenge a header field of its own; servers that put several into one are read as well.
Schemes other than Digest are skipped, as a client that cannot answer them has to (section 22.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import QUOTED, SWS, TOKEN, check_unique, shown, split_list

_PARAM = re.compile(rf"({TOKEN}){SWS}={SWS}({QUOTED}|[^ \t\",;]++)")
_SCHEME = re.compile(rf"({TOKEN})(?:[ \t]++|\Z)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A Digest challenge. Realm, nonce and opaque are what stood between the quotes: so they are hashed and echoed."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    """In the server's order; empty where it does not say (RFC 2069)."""
    stale: bool = False
    """The nonce was too old, the credentials were not wrong."""
    opaque: str | None = None

    def __str__(self) -> str:
        qop = f', qop="{",".join(self.qop)}"' if self.qop else ""
        opaque = "" if self.opaque is None else f', opaque="{self.opaque}"'
        stale = ", stale=true" if self.stale else ""
        return f'Digest realm="{self.realm}", nonce="{self.nonce}", algorithm={self.algorithm}{qop}{opaque}{stale}'


def parse_challenges(value: str) -> tuple[Challenge, ...]:
    """The Digest challenges of one header field; `DecodeError` for text that is no challenge at all."""
    challenges: list[Challenge] = []
    scheme = ""
    params: list[tuple[str, str]] = []
    for element in split_list("challenge", value):
        opened = _opened_scheme(element)
        if opened:
            challenges += _digest(scheme, params)
            scheme, params = opened, []
            element = element[len(opened) :].lstrip(" \t")
        if not scheme:
            raise DecodeError("challenge", f"{shown(element)} names no scheme")
        if scheme == "digest" and element:
            params.append(_parse_param(element))
    challenges += _digest(scheme, params)
    return tuple(challenges)


def _opened_scheme(element: str) -> str:
    """The scheme that `element` begins, in lower case; empty where it is one more parameter of the one before."""
    found = _SCHEME.match(element)
    return "" if found is None or element.startswith("=", found.end()) else found[1].lower()


def _parse_param(element: str) -> tuple[str, str]:
    found = _PARAM.fullmatch(element)
    if found is None:
        raise DecodeError("challenge", f"{shown(element)} is not NAME=VALUE")
    value = found[2]
    return found[1].lower(), value[1:-1] if value.startswith('"') else value


def _digest(scheme: str, params: list[tuple[str, str]]) -> tuple[Challenge, ...]:
    if scheme != "digest":
        return ()
    check_unique("challenge", params)
    found = dict(params)
    if "realm" not in found or "nonce" not in found:
        raise DecodeError("challenge", "a Digest challenge needs a realm and a nonce")
    return (
        Challenge(
            realm=found["realm"],
            nonce=found["nonce"],
            algorithm=found.get("algorithm", "MD5"),
            qop=tuple(option for option in (text.strip(" \t") for text in found.get("qop", "").split(",")) if option),
            stale=found.get("stale", "").lower() == "true",
            opaque=found.get("opaque"),
        ),
    )
