"""The edges of steering together: routes and rules, tracked flows, TTL walks."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from tonekeeper.core.commands import ApplyPlan, DeleteFlows, ListFlows, WalkPath
from tonekeeper.core.events import Event
from tonekeeper.core.kernel import EMPTY_PLAN
from tonekeeper.edge.conntrack import Conntrack
from tonekeeper.edge.routes import SteeringRoutes, apply_plan
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
            case ListFlows() | DeleteFlows():
                self._conntrack.execute(command)
            case WalkPath():
                self._walk.execute(command)
            case _:
                assert_never(command)

    def close(self) -> None:
        self._conntrack.close()
        self._walk.close()

    def leave(self) -> int:
        """Take back everything of ours; how much that was. `EdgeError` where the kernel does not let go."""
        return apply_plan(EMPTY_PLAN)
