"""Changes of routes and policy rules by others, told together and not one by one.

The kernel names the sender of each change, and what this process changed itself is no news. Ours is what has our mark,
and what stands where ours do: a route that another puts into our tables replaces ours without a word about it. Routes
that the kernel makes by itself follow from links and addresses, which are told already.

A router may have a million routes from its neighbours: one of no interest costs a look at two bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tonekeeper.core.events import RoutingChanged, RoutingPart
from tonekeeper.edge.netlink.exchange import Message
from tonekeeper.edge.netlink.policy_routing import RTM_DELRULE, RTM_NEWRULE, is_about_our_rule, is_own_change
from tonekeeper.edge.netlink.route_messages import RTM_DELROUTE, RTM_NEWROUTE, RTPROT_KERNEL, maker_of, table_of
from tonekeeper.edge.steering import PROTOCOL, TABLES

AFTER = 0.05
"""Seconds from the first of several changes until they are told: by then so is the link that went down, if one did."""
APART = 1.0
"""Seconds from one telling to the next while none of ours is concerned."""


class RoutingNews:
    """To be made inside the running loop."""

    def __init__(self, report: Callable[[RoutingChanged], None]) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._pending: dict[RoutingPart, bool] = {}
        """Whether any of ours was among what changed."""
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = self._loop.time() - APART

    def take(self, message: Message) -> None:
        """A message that may be about a route or a rule."""
        if message.kind in (RTM_NEWROUTE, RTM_DELROUTE):
            maker = maker_of(message)
            if maker != RTPROT_KERNEL:
                self._note(message, RoutingPart.ROUTES, ours=maker == PROTOCOL or table_of(message) in TABLES)
        elif message.kind in (RTM_NEWRULE, RTM_DELRULE):
            self._note(message, RoutingPart.RULES, ours=is_about_our_rule(message))

    def suspect_all(self) -> None:
        """Messages were lost: anything may have changed."""
        for part in RoutingPart:
            self._add(part, ours=True)

    def close(self) -> None:
        """What was not told yet never will be."""
        self._pending = {}
        self._stop()

    def _note(self, message: Message, part: RoutingPart, *, ours: bool) -> None:
        if not (ours and is_own_change(message)):
            self._add(part, ours=ours)

    def _add(self, part: RoutingPart, *, ours: bool) -> None:
        urgent = ours and not any(self._pending.values())
        self._pending[part] = self._pending.get(part, False) or ours
        if urgent:
            self._stop()
        if self._timer is None:
            soon = self._loop.time() + AFTER
            self._timer = self._loop.call_at(soon if ours else max(soon, self._told_at + APART), self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._told_at = self._loop.time()
        told, self._pending = self._pending, {}
        for part, ours in told.items():
            self._report(RoutingChanged(part, ours))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
