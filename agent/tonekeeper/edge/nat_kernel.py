"""This host as a NAT itself: what its kernel says about the bindings that it holds for others.

These are the kernel's own settings and not measured; what stands between this host and the server may be stricter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_SYSCTL = Path("/proc/sys/net")


@dataclass(frozen=True, slots=True)
class KernelTimeouts:
    """Seconds a binding of this host's own NAT may be idle; None where the kernel has no such setting.

    An answered UDP flow keeps the `unreplied` value until it is 2 s old, then it has that of a stream.
    """

    unreplied: int | None
    stream: int | None
    tcp: int | None


def kernel_timeouts(sysctl: Path = _SYSCTL) -> KernelTimeouts | None:
    """None where this host is no router, or does not track connections: then it is no NAT either."""
    forwards = _number(sysctl / "ipv4/ip_forward")
    if not forwards:
        return None
    netfilter = sysctl / "netfilter"
    found = KernelTimeouts(
        unreplied=_number(netfilter / "nf_conntrack_udp_timeout"),
        stream=_number(netfilter / "nf_conntrack_udp_timeout_stream"),
        tcp=_number(netfilter / "nf_conntrack_tcp_timeout_established"),
    )
    return None if found == KernelTimeouts(None, None, None) else found


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
