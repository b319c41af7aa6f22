"""This host as a NAT itself: what its kernel says about the bindings that it holds for others.

These are the kernel's own settings, and the flows that it tracks, and not measured; what stands between this host and
the server may be stricter. A flow may well live longer or shorter than the settings say: a rule can give it a timeout
of its own (nft `ct timeout`).
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tonekeeper.core.nat.tracked import TrackedFlow
from tonekeeper.edge.netlink.flows import FlowTable
from tonekeeper.errors import EdgeError

_SYSCTL = Path("/proc/sys/net")
_REMEDIES = {
    errno.EPERM: "run it as root: reading them takes CAP_NET_ADMIN",
    errno.EINVAL: "load nf_conntrack_netlink: `modprobe nf_conntrack_netlink`",
    errno.EPROTONOSUPPORT: "this kernel lacks netfilter's netlink: load nfnetlink and nf_conntrack_netlink",
}


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


def tracked_flows(hosts: Iterable[str]) -> tuple[TrackedFlow, ...]:
    """The flows to these addresses that the kernel tracks; `EdgeError` where it does not tell. Blocks for little."""
    try:
        with FlowTable() as table:
            parts = list(table.tracked_to([ipaddress.ip_network(host) for host in sorted(set(hosts))]))
    except OSError as error:
        raise EdgeError("list the tracked flows", error, remedy=_REMEDIES.get(error.errno or 0, "")) from None
    return tuple(one for part in parts for one in part)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
