"""Who a message is from, to and at: the name-addr and addr-spec of From, To and Contact (RFC 3261 section 20.10)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import (
    QUOTED,
    SWS,
    TOKEN,
    Params,
    param,
    parse_params,
    render_params,
    shown,
    split_list,
)
from tonekeeper.wire.sip.uri import Uri, parse_uri

_NAME_ADDR = re.compile(rf"({QUOTED}|(?>(?:{TOKEN}[ \t]*+)*)){SWS}<([^<>]*+)>")
# Without brackets, what follows a ";" belongs to the header, and "," and "?" must not occur.
_ADDR_SPEC = re.compile(r'[^ \t;,?<>"]++')


@dataclass(frozen=True, slots=True)
class NameAddr:
    uri: Uri
    display: str = ""
    """As written, quotes included."""
    params: Params = ()

    @property
    def tag(self) -> str:
        """Empty where there is none."""
        return param(self.params, "tag") or ""

    def __str__(self) -> str:
        return f"{self.display}{' ' if self.display else ''}<{self.uri}>{render_params(self.params)}"


def parse_name_addr(subject: str, text: str) -> NameAddr:
    """`text` as `"Display" <URI>;params` or `URI;params`; `subject` names the header in the error."""
    found = _NAME_ADDR.match(text)
    if found is not None:
        return NameAddr(parse_uri(found[2]), found[1].rstrip(" \t"), parse_params(subject, text, found.end()))
    found = _ADDR_SPEC.match(text)
    if found is None:
        raise DecodeError(subject, f"{shown(text)} is not [DISPLAY] <URI>")
    return NameAddr(parse_uri(found[0]), "", parse_params(subject, text, found.end()))


def parse_contacts(value: str) -> tuple[NameAddr, ...]:
    """The contacts of one Contact header; none for `*`, which means all bindings (section 10.2.2)."""
    if value == "*":
        return ()
    return tuple(parse_name_addr("Contact", element) for element in split_list("Contact", value))
