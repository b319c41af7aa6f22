"""Filling a namespace's table of connections for real: packets of new connections that go nowhere.

The limit is the kernel's own and holds for each namespace; no namespace may change it, and nobody changes the host's.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.namespace import Namespace

MOST = Path("/proc/sys/net/netfilter/nf_conntrack_max")
LARGEST = 600_000
"""Entries that a test may be asked to make: half a million take four seconds and 200 MB."""
NOWHERE = "198.19"
_PORTS = 60_000
_TRACKING = """
table ip filling {
    chain output {
        type filter hook output priority filter
        ct state new counter
    }
}
"""


def table_size() -> int:
    """How many entries fill it; skips the test where that is too many."""
    size = int(MOST.read_text())
    if size > LARGEST:
        pytest.skip(f"a table of {size} entries is too large to be filled in a test")
    return size


@contextmanager
def fillable(namespace: Namespace, device: str) -> Iterator[None]:
    """What goes to NOWHERE leaves through `device` to an Ethernet address that nobody has. Empty again at the end."""
    neighbour = f"{NOWHERE}.255.254"
    setting = "net.netfilter.nf_conntrack_udp_timeout"
    before = namespace.run("sysctl", "-n", setting).strip()
    namespace.nft(_TRACKING)
    namespace.run("ip", "neigh", "replace", neighbour, "lladdr", "02:00:00:00:00:09", "dev", device, "nud", "permanent")
    namespace.run("ip", "route", "add", f"{NOWHERE}.0.0/16", "via", neighbour, "dev", device, "onlink")
    namespace.set_sysctls({setting: "600"})
    try:
        yield
    finally:
        namespace.set_sysctls({setting: before})
        namespace.run("ip", "route", "del", f"{NOWHERE}.0.0/16")
        namespace.run("ip", "neigh", "del", neighbour, "dev", device)
        namespace.run("nft", "delete", "table", "ip", "filling")
        namespace.run("conntrack", "-F", within=60.0)


def fill(namespace: Namespace, first: int, last: int) -> None:
    """New connections, one for each number."""

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in range(first, last):
                sock.sendto(b"x", (f"{NOWHERE}.{number // _PORTS}.1", 1 + number % _PORTS))

    namespace.inside(send)
