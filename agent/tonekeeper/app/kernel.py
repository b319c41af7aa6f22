"""The edges of steering together: routes and rules, tracked flows, TTL walks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import assert_never

from tonekeeper.core.commands import ApplyPlan, DeleteFlows, ListFlows, WalkPath
from tonekeeper.core.events import Event
from tonekeeper.core.kernel import EMPTY_PLAN, Flow
from tonekeeper.core.steering import Goal
from tonekeeper.edge.conntrack import Conntrack, delete_flows, list_flows
from tonekeeper.edge.routes import SteeringRoutes, apply_plan, interface_towards
from tonekeeper.edge.ttl_walk import TtlWalk


class Kernel:
    """To be made, used and closed inside the running loop. Outcomes are reported, nothing is raised."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self._routes = SteeringRoutes(report)
        self._conntrack = Conntrack(report)
        self._walk = TtlWalk(report)

    def execute(self, command: ApplyPlan | ListFlows | DeleteFlows | WalkPath) -> None:
        match command:
            case ApplyPlan():
                self._routes.execute(command)
            case DeleteFlows(flows, through) if through:
                self._conntrack.execute(DeleteFlows(_leaving_elsewhere(flows, through)))
            case ListFlows() | DeleteFlows():
                self._conntrack.execute(command)
            case WalkPath():
                self._walk.execute(command)
            case _:
                assert_never(command)

    def close(self) -> None:
        self._conntrack.close()
        self._walk.close()

    async def leave(self, goal: Goal) -> int:
        """Take back everything of ours; how much that was. `EdgeError` where the kernel does not let go.

        What then takes another way, but is held by NAT to the WAN it was steered to, would be lost there: such flows
        are deleted.
        """
        changes = apply_plan(EMPTY_PLAN)
        if goal.interface:
            flows = await list_flows(tuple(destination.address for destination in goal.destinations))
            held = [flow for flow in flows if flow.nat_source != flow.source and flow.nat_source in goal.addresses]
            await delete_flows(_leaving_elsewhere(held, goal.interface))
        return changes


def _leaving_elsewhere(flows: Collection[Flow], interface: str) -> tuple[Flow, ...]:
    """Those whose destination is not reached through `interface` now."""
    ways = {host: interface_towards(host) for host in dict.fromkeys(flow.destination for flow in flows)}
    return tuple(flow for flow in flows if ways[flow.destination] != interface)
