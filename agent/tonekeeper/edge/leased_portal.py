"""The captive portal that a DHCP lease of this host names (option 114, RFC 8910), where its client wrote that down."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

from tonekeeper.wire.sip.grammar import for_people

_MOST_BYTES = 64 * 1024
_OF_SYSTEMD = re.compile(r'^CAPTIVE_PORTAL="?([^"\n]+)', re.MULTILINE)
_LEASE = re.compile(r"lease\s*\{(.*?)\n\}", re.DOTALL)
_INTERFACE = re.compile(r'^\s*interface\s+"([^"]+)";', re.MULTILINE)
_OF_DHCLIENT = re.compile(r'^\s*option\s+(?:default-url|unknown-114)\s+"([^"]+)";', re.MULTILINE)


def leased_portal(interface: str, root: Path = Path("/")) -> str:
    """A URI; empty where no lease names one, or none can be read."""
    return for_people(next(iter((*_of_systemd(interface, root), *_of_dhclient(interface, root))), ""))


def _of_systemd(interface: str, root: Path) -> Iterator[str]:
    try:
        index = socket.if_nametoindex(interface)
    except OSError:
        return
    for place in ("links", "leases"):
        yield from _OF_SYSTEMD.findall(_read(root / f"run/systemd/netif/{place}/{index}"))


def _of_dhclient(interface: str, root: Path) -> Iterator[str]:
    """Of the last lease: dhclient appends."""
    for file in sorted(root.glob("var/lib/dhcp/dhclient*.leases")):
        bodies = [body for body in _LEASE.findall(_read(file)) if interface in _INTERFACE.findall(body)]
        yield from _OF_DHCLIENT.findall(bodies[-1]) if bodies else ()


def _read(path: Path) -> str:
    """Its end; empty for what is not there or not for us."""
    try:
        with path.open("rb") as file:
            return file.read()[-_MOST_BYTES:].decode("utf-8", "replace")
    except OSError:
        return ""
