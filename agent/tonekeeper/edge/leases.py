"""The lease files of the DHCP server on this host, whichever it is. What is not there, or is no lease, is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tonekeeper.errors import DecodeError
from tonekeeper.wire.leases import Lease, parse_dnsmasq_lease, parse_odhcpd_leases

DNSMASQ_FILES = (
    Path("/tmp/dhcp.leases"),  # OpenWrt
    Path("/var/lib/misc/dnsmasq.leases"),
    Path("/var/lib/dhcp/dnsmasq.leases"),
)
ODHCPD_FILES = (Path("/tmp/hosts/odhcpd"), Path("/tmp/odhcpd.leases"))
LONGEST_FILE = 1024 * 1024
"""Bytes read of each; some 15,000 leases."""
MOST_LEASES = 4096


def read_leases(dnsmasq: Iterable[Path] = DNSMASQ_FILES, odhcpd: Iterable[Path] = ODHCPD_FILES) -> tuple[Lease, ...]:
    """Those of all files together, in their order."""
    return tuple(lease for lease, _ in zip(_all(dnsmasq, odhcpd), range(MOST_LEASES), strict=False))


def _all(dnsmasq: Iterable[Path], odhcpd: Iterable[Path]) -> Iterator[Lease]:
    for line in _lines(dnsmasq):
        try:
            lease = parse_dnsmasq_lease(line)
        except DecodeError:
            continue
        if lease is not None:
            yield lease
    for line in _lines(odhcpd):
        try:
            yield from parse_odhcpd_leases(line)
        except DecodeError:
            continue


def _lines(files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        try:
            with path.open("rb") as file:
                content = file.read(LONGEST_FILE)
        except OSError:
            continue
        yield from content.decode("utf-8", "replace").splitlines()
