"""The syntaxes of our objects: how SMIv2 writes each, and how a value of the report becomes one.

What cannot be said in a syntax has no instance, as what is not known has none: an object that is absent says "not
checked", a zero would say "no".
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tonekeeper.errors import DecodeError
from tonekeeper.faces.wording import printable
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint
from tonekeeper.wire.smi import Oid, Tag

_LONGEST_TEXT, _LONGEST_LONG_TEXT = 255, 1024
_GAUGE_MOST = 2**32 - 1
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
_IPV4, _IPV6 = 1, 2
"""InetAddressType (RFC 4001)."""

Encode = Callable[[object], int | bytes | Oid | None]


@dataclass(frozen=True, slots=True)
class Convention:
    """A TEXTUAL-CONVENTION of our own. `numbered`: its words, in the order of their numbers."""

    name: str
    description: str
    base: str = "INTEGER"
    hint: str = ""
    numbered: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[tuple[str, int], ...]:
        """As SMIv2 wants them: no blanks, no hyphens."""
        return tuple((label_of(word), number) for number, word in enumerate(self.numbered, start=1))


@dataclass(frozen=True, slots=True)
class Syntax:
    text: str
    """Of the SYNTAX clause."""
    tag: Tag
    encode: Encode
    """None where there is nothing to say."""
    source: tuple[str, str] | None = None
    """Name and module of what is imported for it; None for what SMIv2 has built in."""
    convention: Convention | None = None
    is_variable: bool = False
    """Of variable length, so that its length precedes it in an index."""


def label_of(word: str) -> str:
    """`endpoint-independent` as `endpointIndependent`."""
    first, *others = re.split(r"[^A-Za-z0-9]+", word)
    return first + "".join(other.capitalize() for other in others)


# --- text


def _text(longest: int) -> Encode:
    def encode(value: object) -> bytes | None:
        return None if value is None else _cut(printable(str(value)), longest)

    return encode


def _lines(value: object) -> bytes | None:
    """Line breaks stay: a remedy may be several commands."""
    return None if value is None else _cut("\n".join(map(printable, str(value).splitlines())), _LONGEST_LONG_TEXT)


def _cut(text: str, longest: int) -> bytes:
    """UTF-8 of `longest` octets at most, and of whole characters."""
    octets = text.encode("utf-8", "backslashreplace")
    return octets if len(octets) <= longest else octets[:longest].decode("utf-8", "ignore").encode()


def text(longest: int = _LONGEST_TEXT, *, shortest: int = 0) -> Syntax:
    return Syntax(
        f"SnmpAdminString (SIZE ({shortest}..{longest}))",
        Tag.OCTET_STRING,
        _text(longest),
        ("SnmpAdminString", "SNMP-FRAMEWORK-MIB"),
        is_variable=True,
    )


TEXT = text()
NAME = text(32, shortest=1)
"""What the configuration allows as the name of a WAN or an SBC."""
NAME_OR_NONE = text(32)
LONG_TEXT = Syntax(
    "TonekeeperLongText",
    Tag.OCTET_STRING,
    _lines,
    convention=Convention(
        "TonekeeperLongText",
        "Text in UTF-8 for people, of one line or more: the line breaks are line feeds.",
        f"OCTET STRING (SIZE (0..{_LONGEST_LONG_TEXT}))",
        f"{_LONGEST_LONG_TEXT}t",
    ),
)


# --- numbers


def _limited(scale: float, least: int, most: int) -> Encode:
    def encode(value: object) -> int | None:
        scaled = _scaled(value, scale)
        return None if scaled is None else min(max(scaled, least), most)

    return encode


def _wrapping(scale: float, bits: int) -> Encode:
    def encode(value: object) -> int | None:
        scaled = _scaled(value, scale)
        return None if scaled is None else scaled % 2**bits

    return encode


def _scaled(value: object, scale: float) -> int | None:
    return round(value * scale) if isinstance(value, int | float) and math.isfinite(value) else None


def gauge(scale: float = 1) -> Syntax:
    """`scale`: of the value in the report to what the UNITS of the object say."""
    return Syntax("Gauge32", Tag.GAUGE32, _limited(scale, 0, _GAUGE_MOST))


GAUGE = gauge()
UNSIGNED = Syntax("Unsigned32", Tag.GAUGE32, _limited(1, 0, _GAUGE_MOST))
HUNDREDTHS = Syntax(
    "TonekeeperHundredths",
    Tag.GAUGE32,
    _limited(100, 0, _GAUGE_MOST),
    convention=Convention("TonekeeperHundredths", "A number with two decimals: 437 is 4.37.", "Gauge32", "d-2"),
)
SIGNED = Syntax("Integer32", Tag.INTEGER, _limited(1, -(2**31), 2**31 - 1))
COUNTER = Syntax("Counter32", Tag.COUNTER32, _wrapping(1, 32))
COUNTER64 = Syntax("Counter64", Tag.COUNTER64, _wrapping(1, 64))
MILLISECONDS_COUNTER = Syntax("Counter64", Tag.COUNTER64, _wrapping(1000, 64))
TICKS = Syntax("TimeTicks", Tag.TIME_TICKS, _wrapping(100, 32))
TRUTH = Syntax("TruthValue", Tag.INTEGER, lambda value: 1 if value else 2, ("TruthValue", "SNMPv2-TC"))


def words(name: str, description: str, *numbered: str) -> Syntax:
    """A word of the report as a number. A number that was given once keeps its meaning: new words go to the end."""
    numbers = {word: number for number, word in enumerate(numbered, start=1)}
    convention = Convention(name, description, numbered=numbered)
    return Syntax(name, Tag.INTEGER, lambda value: numbers.get(str(value)), convention=convention)


# --- addresses


def _address(value: object) -> bytes | None:
    try:
        return ipaddress.ip_address(str(value).partition("%")[0]).packed
    except ValueError:
        return None


def _address_type(value: object) -> int | None:
    octets = _address(value)
    return None if octets is None else _IPV4 if len(octets) == 4 else _IPV6


def _of_endpoint(part: Encode, of: Callable[[Endpoint], object]) -> Encode:
    """`part` of `192.0.2.1:5060`."""

    def encode(value: object) -> int | bytes | Oid | None:
        try:
            return part(of(parse_endpoint(str(value))))
        except DecodeError:
            return None

    return encode


def _date_and_time(value: object) -> bytes | None:
    """RFC 2579, from seconds since 1970."""
    if not isinstance(value, int | float):
        return None
    at = datetime.fromtimestamp(value, UTC)
    parts = (at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 100_000)
    return at.year.to_bytes(2) + bytes(parts) + b"+\0\0"


def _mac(value: object) -> bytes | None:
    return bytes.fromhex(str(value).replace(":", "")) if _MAC.fullmatch(str(value)) else None


_ADDRESS_TYPE_SOURCE = ("InetAddressType", "INET-ADDRESS-MIB")
_ADDRESS_SOURCE = ("InetAddress", "INET-ADDRESS-MIB")
_ADDRESS_TEXT = "InetAddress (SIZE (4|16))"

ADDRESS_TYPE = Syntax("InetAddressType", Tag.INTEGER, _address_type, _ADDRESS_TYPE_SOURCE)
ADDRESS = Syntax(_ADDRESS_TEXT, Tag.OCTET_STRING, _address, _ADDRESS_SOURCE, is_variable=True)
ENDPOINT_ADDRESS_TYPE = Syntax(
    "InetAddressType", Tag.INTEGER, _of_endpoint(_address_type, lambda one: one.host), _ADDRESS_TYPE_SOURCE
)
ENDPOINT_ADDRESS = Syntax(
    _ADDRESS_TEXT, Tag.OCTET_STRING, _of_endpoint(_address, lambda one: one.host), _ADDRESS_SOURCE, is_variable=True
)
ENDPOINT_PORT = Syntax(
    "InetPortNumber",
    Tag.GAUGE32,
    _of_endpoint(_limited(1, 0, 65535), lambda one: one.port),
    ("InetPortNumber", "INET-ADDRESS-MIB"),
)
MAC = Syntax("MacAddress", Tag.OCTET_STRING, _mac, ("MacAddress", "SNMPv2-TC"))
DATE_AND_TIME = Syntax("DateAndTime", Tag.OCTET_STRING, _date_and_time, ("DateAndTime", "SNMPv2-TC"))
