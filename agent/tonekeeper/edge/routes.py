"""Steering as the kernel does it: a plan is compared with what stands there, and only the difference is changed.

Whatever is new is put first and read back, what is obsolete goes last, so that no packet meets a moment without a way.
If the kernel refuses a step, all of ours goes back to what it was. Only entries with our protocol number are touched,
and none in the main or default table. Since nothing is remembered here, what a dead predecessor left is no different
from what we put there ourselves.

The kernel takes routes away on its own when a link goes down or loses its address. The next plan, or the same one
again, brings them back.
"""

from __future__ import annotations

import errno
import ipaddress
import os
from collections.abc import Callable
from contextlib import suppress

from tonekeeper.core.commands import ApplyPlan
from tonekeeper.core.events import PlanApplied, PlanRefused
from tonekeeper.core.kernel import KernelPlan
from tonekeeper.edge.netlink.policy_routing import PolicyRouting
from tonekeeper.edge.steering import STEERING_TABLE, Changes, Entry, Route, changes_between, entries_of
from tonekeeper.errors import EdgeError

_REMEDIES = {
    errno.EPERM: "give the agent CAP_NET_ADMIN",
    errno.ENODEV: "the interface has gone: wait until `ip link` shows it again",
    errno.ENETDOWN: "the interface is set down: `ip link set dev IF up`",
    errno.ENETUNREACH: "the gateway must be on a network of that interface: see `ip route show dev IF`",
    errno.EHOSTUNREACH: "the gateway must be on a network of that interface: see `ip route show dev IF`",
    errno.EACCES: "IPv6 is switched off on the interface: see net.ipv6.conf.IF.disable_ipv6",
    errno.EOPNOTSUPP: "this kernel lacks policy routing: it needs CONFIG_IP_MULTIPLE_TABLES",
    errno.EAFNOSUPPORT: "this kernel runs without the address family",
}

Report = Callable[[PlanApplied | PlanRefused], None]


class SteeringRoutes:
    """Carries plans out. An outcome is reported before `execute` returns; nothing is raised."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def execute(self, command: ApplyPlan) -> None:
        try:
            changes = apply_plan(command.plan)
        except EdgeError as error:
            self._report(PlanRefused(command.number, error.errno, str(error)))
        else:
            self._report(PlanApplied(command.number, changes))


def apply_plan(plan: KernelPlan) -> int:
    """Make the kernel hold `plan`; how many routes and rules were put or removed. `EdgeError`: all is as it was."""
    try:
        with PolicyRouting() as kernel:
            before = kernel.read()
            wanted = entries_of(plan, before)
            changes = changes_between(before, wanted)
            if changes:
                _change_or_restore(kernel, changes, wanted, before)
    except OSError as error:
        raise _refused("read the policy rules", error) from None
    return len(changes)


def interface_towards(host: str) -> str:
    """Where a packet to this address leaves now; empty where nothing leads there."""
    try:
        with PolicyRouting() as kernel:
            return kernel.interface_towards(ipaddress.ip_network(host))
    except OSError:
        return ""


def _change_or_restore(
    kernel: PolicyRouting, changes: Changes, wanted: tuple[Entry, ...], before: tuple[Entry, ...]
) -> None:
    try:
        _put(kernel, changes)
        _remove(kernel, changes)
        _verify(kernel, wanted)
    except EdgeError:
        _restore(kernel, before)
        raise


def _put(kernel: PolicyRouting, changes: Changes) -> None:
    for entry in changes.put:
        try:
            kernel.put(entry)
        except OSError as error:
            raise _refused(f"put {entry}", error) from None
    for entry in changes.put:
        if isinstance(entry, Route) and entry.table == STEERING_TABLE:
            _follow(kernel, entry)


def _follow(kernel: PolicyRouting, route: Route) -> None:
    """Whether packets really take `route` now."""
    try:
        taken = kernel.interface_towards(route.destination)
    except OSError as error:
        raise _refused(f"follow {route}", error) from None
    if taken != route.interface:
        remedy = "a rule of a lower priority number is in the way: see `ip rule show`"
        raise EdgeError(
            f"steer {route.destination}: it leaves through '{taken}', not '{route.interface}'", remedy=remedy
        )


def _remove(kernel: PolicyRouting, changes: Changes) -> None:
    for entry in changes.remove:
        try:
            kernel.remove(entry)
        except OSError as error:
            raise _refused(f"remove {entry}", error) from None


def _verify(kernel: PolicyRouting, wanted: tuple[Entry, ...]) -> None:
    left = changes_between(kernel.read(), wanted)
    if left:
        entry = (*left.put, *left.remove)[0]
        raise EdgeError(f"make the kernel hold the plan: {entry} differs", remedy="somebody else changes our entries")


def _restore(kernel: PolicyRouting, before: tuple[Entry, ...]) -> None:
    """As far as the kernel lets us: who refused the change may refuse this too, and the core knows."""
    changes = changes_between(kernel.read(), before)
    for entry in changes.put:
        with suppress(OSError):
            kernel.put(entry)
    for entry in changes.remove:
        with suppress(OSError):
            kernel.remove(entry)


def _refused(doing: str, error: OSError) -> EdgeError:
    words = error.strerror or ""
    number = error.errno or 0
    said = f" ({words})" if words and words != os.strerror(number) else ""
    return EdgeError(doing + said, error, remedy=_REMEDIES.get(number, ""))
