"""Leases in the files of the DHCP servers that CPEs run: dnsmasq and odhcpd.

    1700000000 00:15:65:aa:bb:cc 192.168.1.20 phone 01:00:15:65:aa:bb:cc        dnsmasq; 0: for ever
    1700000000 1707981 2001:db8::20 phone 00:01:00:01:2b:...                    dnsmasq, IPv6: the client's DUID
    # br-lan 001565aabbcc ipv4 phone 1700000000 c0a80114 32 192.168.1.20/32     odhcpd; -1: for ever, 0: over
    # br-lan 00030001001565aabbcc 1a0fcd phone 1700000000 20 128 2001:db8::20/128

What a client calls itself is often a person's name and tells no phone: it is not read, nor quoted. Neither is when a
lease ends: a router without a clock of its own writes nonsense there, and one that has ended is taken out of the file.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from tonekeeper.errors import DecodeError

_MAC = re.compile(r"(?:[0-9a-f]{2}-)?((?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2})", re.ASCII)
"""dnsmasq writes the hardware type in front where it is not Ethernet; newer odhcpd leaves out leading zeros."""
_HEX = re.compile(r"(?:[0-9a-f]{2})++", re.ASCII)
_DUID_TO_MAC = {"00010001": 16, "00030001": 8}
"""Where the MAC begins in a DUID made of a link-layer address with or without a time (RFC 8415 section 11)."""
_MAC_DIGITS = 12
_LONGEST_LINE = 1024


@dataclass(frozen=True, slots=True)
class Lease:
    address: str
    """Numeric."""
    mac: str
    """00:15:65:aa:bb:cc; empty where a client does not show it."""


def parse_dnsmasq_lease(line: str) -> Lease | None:
    """None for a line that is no lease: the server's own DUID, an empty one. DecodeError for any other."""
    words = _words(line)
    if not words or words[0] == "duid":
        return None
    if len(words) != 5 or not (words[0].isascii() and words[0].isdigit()):
        raise DecodeError("lease", f"a line of {len(words)} words is not EXPIRY MAC ADDRESS NAME CLIENT")
    address = _address(words[2])
    if ":" in address:
        return Lease(address, _mac_in_duid(words[4].replace(":", "").lower()))
    return Lease(address, mac_of(words[1]))


def parse_odhcpd_leases(line: str) -> tuple[Lease, ...]:
    """The addresses of one line; none where it is an entry for a hosts file, or its leases are over."""
    words = _words(line)
    if not words or words[0] != "#":
        return ()
    if len(words) < 8:
        reason = f"a line of {len(words)} words is not # INTERFACE CLIENT IAID NAME EXPIRY ID LENGTH ADDRESS ..."
        raise DecodeError("lease", reason)
    if words[5] == "0":
        return ()
    client = words[2].lower()
    mac = mac_of(client) if words[3] == "ipv4" else _mac_in_duid(client)
    if words[7] not in ("32", "128"):  # a prefix for a router behind this one
        return ()
    return tuple(Lease(_address(word.partition("/")[0]), mac) for word in words[8:])


def mac_of(text: str) -> str:
    """`text`, with or without colons and leading zeros, as 00:15:65:aa:bb:cc."""
    lowered = text.lower()
    if len(lowered) == _MAC_DIGITS and _HEX.fullmatch(lowered):
        return _coloned(lowered)
    found = _MAC.fullmatch(lowered)
    if found is None:
        raise DecodeError("MAC address", f"{_shown(text)} is not six bytes in hexadecimal")
    return ":".join(part.zfill(2) for part in found[1].split(":"))


def _mac_in_duid(duid: str) -> str:
    if duid != "*" and _HEX.fullmatch(duid) is None:
        raise DecodeError("DUID", f"{_shown(duid)} is not hexadecimal")
    begin = _DUID_TO_MAC.get(duid[:8])
    digits = duid[begin:] if begin is not None else ""
    return _coloned(digits) if len(digits) == _MAC_DIGITS else ""


def _coloned(digits: str) -> str:
    return ":".join(digits[at : at + 2] for at in range(0, _MAC_DIGITS, 2))


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise DecodeError("lease", f"{_shown(text)} is not a numeric address") from None
    if "%" in text:
        raise DecodeError("lease", f"{_shown(text)} has a zone, and a lease has none")
    return str(address)


def _words(line: str) -> list[str]:
    if len(line) > _LONGEST_LINE:
        raise DecodeError("lease", f"its line has {len(line)} characters, more than {_LONGEST_LINE}")
    return line.split()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 64 else f"{text[:61]}...")
