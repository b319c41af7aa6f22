"""The kernel's side of steering: it holds the plan it was given, and flows that a scenario puts there."""

from __future__ import annotations

from typing import assert_never

from tonekeeper.core.commands import ApplyPlan, DeleteFlows, ListFlows, WalkPath
from tonekeeper.core.events import Event, FlowsDeleted, FlowsListed, PathWalked, PlanApplied, PlanRefused
from tonekeeper.core.kernel import EMPTY_PLAN, Flow, KernelPlan


class Kernel:
    """`hops`: what a walk over a WAN finds. `refuses`: why plans are not taken; empty: they are.

    `main_interface`: where packets leave that nothing steers.
    """

    def __init__(self) -> None:
        self.plan: KernelPlan = EMPTY_PLAN
        self.plans: list[KernelPlan] = []
        """Every one that changed something, oldest first."""
        self.flows: list[Flow] = []
        self.hops: dict[str, tuple[str, ...]] = {}
        self.refuses = ""
        self.main_interface = "eth0"

    def answer(self, command: ApplyPlan | ListFlows | DeleteFlows | WalkPath) -> Event:
        match command:
            case ApplyPlan(number, plan):
                return self._apply(number, plan)
            case ListFlows():
                return FlowsListed(tuple(self.flows))
            case DeleteFlows(flows, unless_through):
                gone = () if unless_through and unless_through == self.main_interface else flows
                self.flows = [flow for flow in self.flows if flow not in gone]
                return FlowsDeleted(len(gone))
            case WalkPath(path):
                return PathWalked(path, self.hops.get(path.wan, ()))
            case _:
                assert_never(command)

    def _apply(self, number: int, plan: KernelPlan) -> Event:
        if self.refuses:
            return PlanRefused(number, 1, self.refuses)
        changed = plan != self.plan
        if changed:
            self.plan = plan
            self.plans.append(plan)
        return PlanApplied(number, int(changed))
