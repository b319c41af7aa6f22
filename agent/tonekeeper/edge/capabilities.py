"""What steering needs of this process and this kernel, and a sentence for each thing that is missing."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

from tonekeeper.edge.netlink.flows import FlowTable
from tonekeeper.edge.netlink.policy_routing import PolicyRouting

_STATUS = Path("/proc/thread-self/status")
_CAP_NET_ADMIN = 12


def missing_for_steering() -> tuple[str, ...]:
    """Why the agent could not steer here; empty when it can. Connection tracking is not part of it: see below."""
    if not has_net_admin():
        return ("CAP_NET_ADMIN is missing: steering changes routes; run as root or grant it, or set mode to observe",)
    return _sentence(
        _read_rules,
        "policy routing is missing: steering needs a kernel with CONFIG_IP_MULTIPLE_TABLES, or set mode to observe",
    )


def missing_for_flows() -> tuple[str, ...]:
    """Why tracked flows could not be moved along. Steering goes on without: new calls take the new WAN."""
    if not has_net_admin():
        return ("CAP_NET_ADMIN is missing: it takes that to see tracked flows",)
    return _sentence(
        _read_flows,
        "conntrack netlink is missing: load nf_conntrack_netlink, or phones keep the old WAN until their entry expires",
    )


def has_net_admin(status: Path = _STATUS) -> bool:
    """Whether CAP_NET_ADMIN is effective; there is no such thing on other systems than Linux."""
    if not status.exists():
        return False
    effective = next(line for line in status.read_text().splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> _CAP_NET_ADMIN & 1)


def _sentence(attempt: Callable[[], None], sentence: str) -> tuple[str, ...]:
    try:
        attempt()
    except OSError as error:
        return (f"{sentence} ({errno.errorcode.get(error.errno or 0, error.errno)})",)
    return ()


def _read_rules() -> None:
    with PolicyRouting() as kernel:
        kernel.read()


def _read_flows() -> None:
    with FlowTable() as table:
        table.check()
