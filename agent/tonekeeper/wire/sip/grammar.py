"""The productions of RFC 3261 section 25 that several headers share: tokens, quoted strings, hosts, parameters, lists.

A hostile datagram must not cost more than its length. So the patterns of this package never go back over what they
have read: a repeated character is possessive (`[a-z]++`), a repeated group stands in an atomic one (`(?>(?:...)*)`;
possessive groups are broken in Python 3.11.0 to 3.11.4, gh-106052), and every pattern is applied at one position
(`match`, `fullmatch`), never searched for. A test holds all of it.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from tonekeeper.errors import DecodeError

Params = tuple[tuple[str, str], ...]
"""Name in lower case and value as written, quotes included; the value is empty where there is none (`;lr`)."""

TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"
QUOTED = r'"[^"\\\r\n]*+(?>(?:\\[^\r\n][^"\\\r\n]*+)*)"'
SWS = r"[ \t]*+"
HOST = r"\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9._\-]++"
ESCAPED = r"%[0-9A-Fa-f]{2}"

# A value is a token, a host or a quoted string (generic-param). Tags with "=" or "/" in them are common in the
# field, and `received` carries IPv6 with and without brackets, so an unquoted value ends at the next separator only.
_VALUE = r'[^\x00-\x20\x7f",;<>\\]++'
_PARAM = re.compile(rf"{SWS};{SWS}({TOKEN})(?:{SWS}={SWS}({_VALUE}|{QUOTED}))?")
_LABEL = r"[A-Za-z0-9_]++(?>(?:-++[A-Za-z0-9_]++)*)"
_HOSTNAME = re.compile(rf"{_LABEL}(?>(?:\.{_LABEL})*)\.?")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_TOKEN = re.compile(TOKEN)
_PIECE = re.compile(rf"{QUOTED}|<[^>]*+>|[^\"<,]++")


def shown(text: str) -> str:
    """`text` quoted for a message, cut to what a log line can hold."""
    return repr(text if len(text) <= 64 else f"{text[:61]}...")


def for_people(text: str) -> str:
    """What a stranger wrote, fit for a terminal and a log: bounded, and nothing in it that is not printed."""
    text = text[:128]
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def parse_number(subject: str, text: str, most: int) -> int:
    """Decimal digits as a number from 0 to `most`; leading zeros are allowed (Max-Forwards: 0068)."""
    digits = text.lstrip("0") or "0"
    # The length comes first: int() refuses thousands of digits with an exception of its own.
    if not (text.isascii() and text.isdigit()) or len(digits) > len(str(most)) or int(digits) > most:
        raise DecodeError(subject, f"{shown(text)} is not a number between 0 and {most}")
    return int(digits)


def parse_port(subject: str, text: str) -> int:
    value = parse_number(subject, text, 65535)
    if not value:
        raise DecodeError(subject, "0 is not a port")
    return value


def is_address(text: str) -> bool:
    """Whether `text` is a numeric address, IPv6 without brackets."""
    return _is_ipv6(text) if ":" in text else _IPV4.fullmatch(text) is not None


def check_host(subject: str, host: str) -> str:
    """`host` if it is a host name, an IPv4 address or an IPv6 address in brackets.

    A single label is a name (pbx1), and so is one with an underscore, which DNS in the field has; a last label
    that begins with a digit makes it an address.
    """
    if host.startswith("["):
        valid = _is_ipv6(host[1:-1])
    else:
        top = host.rstrip(".").rpartition(".")[2]
        pattern = _IPV4 if top[:1].isdigit() else _HOSTNAME
        valid = pattern.fullmatch(host) is not None
    if not valid:
        raise DecodeError(subject, f"{shown(host)} is not a host")
    return host


def bracketed(host: str) -> str:
    """A name or a numeric address as it stands in a URI or a Via: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def parse_params(subject: str, text: str, position: int = 0) -> Params:
    """Everything from `position` on as `;name[=value]`. A name that appears twice is an error (section 7.3.1)."""
    params: list[tuple[str, str]] = []
    while position < len(text):
        found = _PARAM.match(text, position)
        if found is None:
            raise DecodeError(subject, f"{shown(text[position:])} is not a parameter")
        params.append((found[1].lower(), found[2] or ""))
        position = found.end()
    check_unique(subject, params)
    return tuple(params)


def check_unique(subject: str, params: list[tuple[str, str]]) -> None:
    if len(params) > 1 and len({name for name, _ in params}) != len(params):
        raise DecodeError(subject, "a parameter appears twice")


def render_params(params: Params) -> str:
    return "".join(f";{name}={value}" if value else f";{name}" for name, value in params)


def param(params: Params, name: str) -> str | None:
    """Value of the parameter `name`: None where absent, empty where it stands without a value."""
    for known, value in params:
        if known == name:
            return value
    return None


def split_list(subject: str, text: str) -> list[str]:
    """The elements of a comma-separated list, blanks removed; commas in quotes and in <> belong to the element."""
    if '"' not in text and "<" not in text:
        return [element.strip(" \t") for element in text.split(",")]
    elements: list[str] = []
    begin = position = 0
    while position < len(text):
        if text[position] == ",":
            elements.append(text[begin:position].strip(" \t"))
            begin = position = position + 1
            continue
        piece = _PIECE.match(text, position)
        if piece is None:
            raise DecodeError(subject, f"{shown(text[position:])} has a quote or a bracket that never closes")
        position = piece.end()
    elements.append(text[begin:].strip(" \t"))
    return elements


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return "%" not in text
