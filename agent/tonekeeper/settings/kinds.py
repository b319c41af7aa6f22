"""What one value may be. A kind takes what TOML gave and answers with the value the program uses, or a `Refusal`."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from tonekeeper.core.site import RtpRange
from tonekeeper.errors import DecodeError
from tonekeeper.settings.written import a_toml_type, as_written
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint
from tonekeeper.wire.sip.grammar import check_host

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_DURATION = re.compile(r"(-?)([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY}
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_SIZE = re.compile(r"([0-9]{1,12})(KiB|MiB|GiB)")
_SIZE_UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_WIDEST = {4: 8, 6: 16}
"""Shortest prefix by IP version: what is wider is somebody's default route in pieces."""
_PORT_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a value cannot be, and what to write instead."""

    reason: str
    remedy: str


Kind = Callable[[object], T | Refusal]


def text(value: object) -> str | Refusal:
    if not isinstance(value, str):
        return Refusal(f"is {a_toml_type(value)}, not a string", 'write it in quotes: "..."')
    if not value:
        return Refusal("is empty", "write a value or leave the key out")
    if _CONTROL.search(value):
        return Refusal("contains a control character", "write it without")
    return value


def boolean(value: object) -> bool | Refusal:
    if isinstance(value, bool):
        return value
    return Refusal(f"is {a_toml_type(value)}, not a boolean", "write true or false, without quotes")


def whole_number(least: int, most: int) -> Kind[int]:
    def read(value: object) -> int | Refusal:
        remedy = f"write a whole number between {least} and {most}, without quotes"
        if isinstance(value, bool) or not isinstance(value, int):
            return Refusal(f"is {a_toml_type(value)}, not an integer", remedy)
        if not least <= value <= most:
            return Refusal("is out of range", remedy)
        return value

    return read


def number(least: float, most: float) -> Kind[float]:
    def read(value: object) -> float | Refusal:
        remedy = f"write a number between {least:g} and {most:g}, without quotes"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Refusal(f"is {a_toml_type(value)}, not a number", remedy)
        if isinstance(value, float) and not math.isfinite(value):
            return Refusal("is not a finite number", remedy)
        if not least <= value <= most:
            return Refusal("is out of range", remedy)
        return float(value)

    return read


def duration(least: str, most: str) -> Kind[float]:
    """Seconds, from a string with a unit; the limits are written the same way."""
    lower, upper = _seconds(least), _seconds(most)

    def read(value: object) -> float | Refusal:
        remedy = f'write a duration between "{least}" and "{most}"'
        bare = _bare_number(value)
        if bare:
            return Refusal("is a duration without a unit", f'write "{bare}s" if seconds are meant (ms, s, m, h, d)')
        if not isinstance(value, str):
            return Refusal(f"is {a_toml_type(value)}, not a duration", f"{remedy}, in quotes and with its unit")
        match = _DURATION.fullmatch(value)
        if match is None:
            return Refusal("is not a duration", f"{remedy}: one number and one unit (ms, s, m, h, d), no blanks")
        if match[1]:
            return Refusal("is a negative duration", remedy)
        if not lower <= _seconds(value) <= upper:
            return Refusal("is out of range", remedy)
        return _seconds(value)

    return read


def _bare_number(value: object) -> str:
    """`value` as digits, in or without quotes; empty where it is anything else."""
    written = value if isinstance(value, str) else as_written(value)
    return written if _NUMBER.fullmatch(written) else ""


def _seconds(written: str) -> float:
    match = _DURATION.fullmatch(written)
    assert match is not None
    # Rounded, or 9 x 0.001 becomes 0.009000000000000001 in the journal.
    return round(float(match[2]) * _DURATION_UNITS[match[3]], 6)


def size(least: str, most: str) -> Kind[int]:
    """Bytes, from a string with a unit; the limits are written the same way."""
    lower, upper = _bytes(least), _bytes(most)

    def read(value: object) -> int | Refusal:
        remedy = f'write a size between "{least}" and "{most}" (units: KiB, MiB, GiB)'
        if _bare_number(value):
            return Refusal("is a size without a unit", remedy)
        if not isinstance(value, str):
            return Refusal(f"is {a_toml_type(value)}, not a size", remedy)
        if _SIZE.fullmatch(value) is None:
            return Refusal("is not a size", remedy)
        if not lower <= _bytes(value) <= upper:
            return Refusal("is out of range", remedy)
        return _bytes(value)

    return read


def _bytes(written: str) -> int:
    match = _SIZE.fullmatch(written)
    assert match is not None
    return int(match[1]) * _SIZE_UNITS[match[2]]


def one_of(choices: type[E]) -> Kind[E]:
    def read(value: object) -> E | Refusal:
        *others, last = (f'"{choice}"' for choice in choices)
        remedy = f"write {', '.join(others)} or {last}"
        written = text(value)
        if isinstance(written, Refusal):
            return Refusal(written.reason, remedy)
        if written not in list(choices):
            return Refusal("is not one of the choices", remedy)
        return choices(written)

    return read


def name(longest: int = 32) -> Kind[str]:
    """A name that becomes a label in metrics, logs and the MIB."""
    shape = re.compile(rf"[A-Za-z0-9._-]{{1,{longest}}}")

    def read(value: object) -> str | Refusal:
        remedy = f"write 1 to {longest} letters, digits, dots, hyphens or underscores"
        written = text(value)
        if isinstance(written, Refusal):
            return Refusal(written.reason, remedy)
        return written if shape.fullmatch(written) else Refusal("cannot be used as a name", remedy)

    return read


def interface(value: object) -> str | Refusal:
    """A name that the Linux kernel takes for a network device: 1 to 15 bytes, no blank, no slash, no colon."""
    written = text(value)
    if isinstance(written, Refusal):
        return written
    if len(written.encode()) > 15 or written in {".", ".."} or re.search(r"[\s/:]", written):
        return Refusal("cannot be the name of an interface", "write it as `ip link` shows it, such as eth0")
    return written


def interfaces(value: object) -> tuple[str, ...] | Refusal:
    remedy = 'write a list of interface names, each once, such as ["br-lan"]'
    if not isinstance(value, list):
        return Refusal(f"is {a_toml_type(value)}, not a list", remedy)
    if len(value) > 32:
        return Refusal("names more than 32 interfaces", remedy)
    for each in value:
        read = interface(each)
        if isinstance(read, Refusal):
            return Refusal(f"{as_written(each)} {read.reason}", remedy)
        if value.count(each) > 1:
            return Refusal(f"names {as_written(each)} twice", remedy)
    return tuple(value)


def absolute_path(value: object) -> Path | Refusal:
    written = text(value)
    if isinstance(written, Refusal):
        return written
    if not written.startswith("/"):
        return Refusal("is not an absolute path", "begin it with /: the daemon may start in any directory")
    return Path(written)


def address(value: object) -> str | Refusal:
    """A numeric unicast address, in its one canonical form."""
    remedy = "write a numeric address that the interface has, such as 192.0.2.10"
    written = text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, remedy)
    try:
        canonical = str(ipaddress.ip_address(written))
    except ValueError:
        return Refusal("is not a numeric address", remedy)
    if not is_address_of_one_host(canonical) or "%" in canonical:
        return Refusal("is not an address to send from", remedy)
    return canonical


def addresses(at_most: int) -> Kind[tuple[str, ...]]:
    """Addresses of servers, each in its one canonical form."""

    def read(value: object) -> tuple[str, ...] | Refusal:
        remedy = 'write a list of numeric addresses, each once, such as ["192.0.2.53"]'
        if not isinstance(value, list):
            return Refusal(f"is {a_toml_type(value)}, not a list", remedy)
        if len(value) > at_most:
            return Refusal(f"names more than {at_most} addresses", remedy)
        found: list[str] = []
        for each in value:
            canonical = address(each)
            if isinstance(canonical, Refusal):
                return Refusal(f"{as_written(each)} {canonical.reason}", remedy)
            if canonical in found:
                return Refusal(f"names {as_written(each)} twice", remedy)
            found.append(canonical)
        return tuple(found)

    return read


def networks(at_most: int) -> Kind[tuple[str, ...]]:
    """Networks and addresses of others, each in its one canonical form: `203.0.113.0/24`, `2001:db8::1`."""

    def read(value: object) -> tuple[str, ...] | Refusal:
        remedy = 'write a list of networks or addresses, each once, such as ["203.0.113.0/24"]'
        if not isinstance(value, list):
            return Refusal(f"is {a_toml_type(value)}, not a list", remedy)
        if len(value) > at_most:
            return Refusal(f"names more than {at_most} networks", remedy)
        found: list[str] = []
        for each in value:
            canonical = _network(each, remedy)
            if isinstance(canonical, Refusal):
                return Refusal(f"{as_written(each)} {canonical.reason}", canonical.remedy)
            if canonical in found:
                return Refusal(f"names {as_written(each)} twice", remedy)
            found.append(canonical)
        return tuple(found)

    return read


def _network(value: object, remedy: str) -> str | Refusal:
    written = text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, remedy)
    try:
        network = ipaddress.ip_network(written, strict=False)
    except ValueError:
        return Refusal("is not a network", remedy)
    prefix = f"{network.network_address}/{network.prefixlen}"
    if "%" in written or network.is_multicast or network.is_unspecified or network.is_loopback or network.is_link_local:
        return Refusal("is no network of another host", remedy)
    if network.prefixlen < _WIDEST[network.version]:
        narrow = f"/{_WIDEST[network.version]} or longer"
        return Refusal(
            "is too wide to be steered", f"name the networks that media comes from, with a prefix of {narrow}"
        )
    if ipaddress.ip_interface(written).ip != network.network_address:
        return Refusal("is an address within a network", f'write "{prefix}" for the network, or the address alone')
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else prefix


def rtp_range(value: object) -> RtpRange | Refusal:
    """Both ends included; 0 is no port."""
    remedy = 'write the first and the last port, such as "10000-20000"'
    written = text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, remedy)
    match = _PORT_RANGE.fullmatch(written)
    if match is None:
        return Refusal("is not a range of ports", remedy)
    first, last = int(match[1]), int(match[2])
    if not (first > 0 and last <= 65535):
        return Refusal("is out of range", "ports are 1 to 65535")
    return RtpRange(first, last) if first <= last else Refusal("ends before it begins", remedy)


def endpoint(example: str) -> Kind[Endpoint]:
    def read(value: object) -> Endpoint | Refusal:
        remedy = f'write ADDRESS:PORT with a numeric address, such as "{example}"'
        written = text(value)
        if isinstance(written, Refusal):
            return Refusal(written.reason, remedy)
        try:
            where = parse_endpoint(written)
        except DecodeError as error:
            return Refusal(error.reason, remedy)
        return where if where.port else Refusal("has no usable port", remedy)

    return read


def is_address_of_one_host(host: str) -> bool:
    """False for a numeric address that is nobody's own; a name has not been looked up and may be anybody's."""
    try:
        read = ipaddress.ip_address(host)
    except ValueError:
        return True
    return not (read.is_multicast or read.is_unspecified)


def host(value: object) -> str | Refusal:
    """A name or a numeric address, IPv6 without brackets."""
    remedy = 'write a host, such as "example.net"'
    written = text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, remedy)
    try:
        return check_host("host", f"[{written}]" if ":" in written else written).strip("[]")
    except DecodeError:
        return Refusal("is not a host", remedy)


def server(default_port: int) -> Kind[tuple[str, int]]:
    """HOST[:PORT]; IPv6 in brackets on the way in, without on the way out."""

    def read(value: object) -> tuple[str, int] | Refusal:
        remedy = f'write HOST or HOST:PORT, such as "stun.example.net:{default_port}"'
        written = text(value)
        if isinstance(written, Refusal):
            return Refusal(written.reason, remedy)
        host, colon, port = written.rpartition(":")
        if not colon or written.endswith("]"):
            host, port = written, str(default_port)
        try:
            checked = check_host("host", host).strip("[]")
        except DecodeError:
            return Refusal("is not a host and a port", remedy)
        if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535):
            return Refusal("has no usable port", remedy)
        return (checked, int(port)) if is_address_of_one_host(checked) else Refusal("is not one host", remedy)

    return read
