"""URIs as they stand in SIP messages (RFC 3261 section 19.1).

Nothing is unescaped: `%41` and `A` are different texts, and who compares users knows better which are the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import (
    ESCAPED,
    HOST,
    Params,
    check_host,
    check_unique,
    param,
    parse_port,
    render_params,
    shown,
)

_UNRESERVED = r"A-Za-z0-9\-_.!~*'()"
_USER = rf"(?>(?:[{_UNRESERVED}&=+$,;?/]++|{ESCAPED})+)"
_PASSWORD = rf"(?>(?:[{_UNRESERVED}&=+$,]++|{ESCAPED})*)"
_PARAM_CHARS = rf"(?>(?:[{_UNRESERVED}\[\]/:&+$]++|{ESCAPED})+)"
_HEADER_CHARS = rf"(?:[{_UNRESERVED}\[\]/?:+$]++|{ESCAPED})"
_HEADER = rf"(?>{_HEADER_CHARS}+)=(?>{_HEADER_CHARS}*)"
_SIP_URI = re.compile(
    rf"(sips?):(?:({_USER})(?::({_PASSWORD}))?@)?({HOST})(?::([0-9]++))?"
    rf"((?>(?:;{_PARAM_CHARS}(?:={_PARAM_CHARS})?)*))"
    rf"(?:\?({_HEADER}(?>(?:&{_HEADER})*)))?",
    re.IGNORECASE | re.ASCII,
)
_OTHER_URI = re.compile(rf"([A-Za-z][A-Za-z0-9+.\-]*+):((?>(?:[{_UNRESERVED};/?:@&=+$,\[\]]++|{ESCAPED})+))")


@dataclass(frozen=True, slots=True)
class SipUri:
    """`sip:user:password@host:port;param=value?header=value`; parsing and `str` are inverse."""

    host: str
    """A name or an address, IPv6 in brackets."""
    port: int | None = None
    user: str | None = None
    password: str | None = None
    scheme: str = "sip"
    """sip or sips"""
    params: Params = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def transport(self) -> str:
        """In lower case; where the URI does not say it, what its scheme means (section 19.1.2)."""
        stated = param(self.params, "transport")
        return stated.lower() if stated else ("tls" if self.scheme == "sips" else "udp")

    def __str__(self) -> str:
        password = "" if self.password is None else f":{self.password}"
        user = "" if self.user is None else f"{self.user}{password}@"
        at_port = "" if self.port is None else f":{self.port}"
        headers = "&".join(f"{name}={value}" for name, value in self.headers)
        return f"{self.scheme}:{user}{self.host}{at_port}{render_params(self.params)}{'?' if headers else ''}{headers}"


@dataclass(frozen=True, slots=True)
class OtherUri:
    """A URI of a scheme that is not ours to read: tel, urn, http."""

    scheme: str
    rest: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


Uri = SipUri | OtherUri


def parse_uri(text: str) -> Uri:
    """`text` as a URI; `DecodeError` where it is none, or a sip or sips URI that breaks section 19.1.1."""
    scheme = text.partition(":")[0].lower()
    if scheme in ("sip", "sips"):
        return parse_sip_uri(text)
    found = _OTHER_URI.fullmatch(text)
    if found is None:
        raise DecodeError("URI", f"{shown(text)} is not a URI")
    return OtherUri(scheme, found[2])


def parse_sip_uri(text: str) -> SipUri:
    """`text` as a sip or sips URI; `DecodeError` for any other, and for one with a part that cannot be."""
    found = _SIP_URI.fullmatch(text)
    if found is None:
        raise DecodeError("SIP URI", f"{shown(text)} is not sip:[USER@]HOST[:PORT][;NAME=VALUE]")
    scheme, user, password, host, at_port, params, headers = found.groups()
    return SipUri(
        host=check_host("SIP URI", host),
        port=parse_port("SIP URI", at_port) if at_port else None,
        user=user,
        password=password,
        scheme=scheme.lower(),
        params=_params(params) if params else (),
        headers=_pairs(headers.split("&")) if headers else (),
    )


def _params(text: str) -> Params:
    pairs = [(name.lower(), value) for name, value in _pairs(text[1:].split(";"))]
    check_unique("SIP URI", pairs)
    return tuple(pairs)


def _pairs(texts: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, _, value in (text.partition("=") for text in texts))
