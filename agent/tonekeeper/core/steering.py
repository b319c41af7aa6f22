"""Bringing the site's SIP and RTP to the active WAN, in the order that leaves no phone behind.

    RESTING --the active WAN or the way over it changes-->
    ASKING    which calls are connected on the old WAN (skipped when that has no carrier: no call is)
    APPLYING  the plan: host routes to the new WAN, pins for those calls; the kernel confirms it, read back
    FLUSHING  list the flows, delete those that still sit on another WAN, list again ... until none has re-appeared
              for the settling time
    RESTING   with a look at the flows now and then: a stale one is a finding, a pinned one that carries nothing
              in one direction any more is let go

    RESTING --nothing is to be steered any more-->
    APPLYING  the plan without routes; the kernel confirms it
    FREEING   list the flows, delete those that NAT holds to the WAN they were steered to, but that leave elsewhere now
    RESTING

Routes first, then flows: a phone that sends in between makes its new entry on the new way, so nothing can re-pin the
old one. Only flows to the SBCs are ever touched, and of those only the ones that NAT holds to another WAN's address;
the agent's own probes are bound to their devices and stay.

While the plan stands it is put again whenever others touched what is ours (repairs.py), and before each look at the
flows. Where something was missing, flows went astray meanwhile: they are flushed once more, but for those who fight.

Only `Steering` changes the plan in force. It settles because a plan is sent only when it differs from the last, a
refused one is tried again no sooner than RETRY, and flushing ends SETTLING after the last stale flow or at GIVE_UP.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from tonekeeper.core.commands import ApplyPlan, Command, DeleteFlows, ListFlows
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.kernel import EMPTY_PLAN, Flow, FlowPin, HostRoute, KernelPlan, Protocol, WanTable
from tonekeeper.core.repairs import Repairs

SETTLING = 2.0
"""Seconds without a stale flow after which a move is complete."""
GIVE_UP = 10.0
"""Seconds after which flows that keep re-appearing are left alone and told of."""
AGAIN = 0.25
"""Seconds between two looks while flushing."""
WATCH = 5.0
"""Seconds between two looks at pinned calls ..."""
REST = 60.0
"""... and at the flows of a site at rest."""
RETRY = 30.0
"""Seconds until a refused plan is tried again."""
PATIENCE = 1.0
"""Seconds to wait for an answer about the flows before going on without."""
MOST_PINS = 64


class Phase(StrEnum):
    RESTING = "resting"
    ASKING = "asking"
    APPLYING = "applying"
    FLUSHING = "flushing"
    FREEING = "freeing"


@dataclass(frozen=True, slots=True)
class Destination:
    """What is steered: an SBC's address, or a network its media comes from."""

    address: str
    sip_ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """Where everything shall go now."""

    tables: tuple[WanTable, ...] = ()
    interface: str = ""
    """Of the active WAN; empty: nothing is steered."""
    addresses: tuple[str, ...] = ()
    """Of that interface."""
    foreign: tuple[str, ...] = ()
    """Addresses of the other WANs, and those that any WAN had before: what NAT must not hold flows to."""
    destinations: tuple[Destination, ...] = ()
    keep_calls: bool = True
    """prefer = "connected-calls"."""


@dataclass(slots=True)
class Steering:
    phase: Phase = Phase.RESTING
    goal: Goal = field(default_factory=Goal)
    plan: KernelPlan = EMPTY_PLAN
    """The latest one sent."""
    number: int = 0
    pins: dict[str, Flow] = field(default_factory=dict)
    """Calls that stay, as last seen; by their own key."""
    pinned_to: str = ""
    """The interface they stay on."""
    calls_live: bool = False
    """That interface may carry calls, for all that is known."""
    deadline: float = NEVER
    clean_since: float = NEVER
    began: float = LONG_AGO
    """When the move began whose flows are still to be flushed; LONG_AGO for none."""
    refused: str = ""
    unavailable: str = ""
    """Why the flows cannot be seen."""
    stale: tuple[str, ...] = ()
    """Flows that sit on another WAN although the move is over."""
    moves: int = 0
    flushed: int = 0
    repairs: Repairs = field(default_factory=Repairs)
    left: Goal = Goal()
    """What was steered until nothing was to be any more, while its flows are still to be freed."""

    @property
    def troubles(self) -> tuple[object, ...]:
        """What findings are made of."""
        return self.refused, self.unavailable, self.stale, len(self.pins), self.repairs.are_frequent

    # --- what happens

    def aim(self, goal: Goal, *, alive: Collection[str], renewed: bool, now: float) -> list[Command]:
        """The situation wants this now.

        `alive`: interfaces of WANs that may carry calls, for all that is known. `renewed`: a way out has (re)appeared,
        whose routes the kernel had dropped.
        """
        self.calls_live = self.pinned_to in alive
        if goal == self.goal and (goal == Goal() or not renewed):
            return []
        if goal != Goal() and not renewed and self._only_lost_ways(goal):
            return []
        before, self.goal = self.goal, goal
        if goal.interface and goal.addresses != before.addresses:
            self.began = now
        if not goal.interface:
            self.left = before if before.interface else self.left
            return self._apply(now)
        self.left = Goal()
        if goal.interface == before.interface:
            return self._apply(now)
        self.moves += 1
        self.pins = {}
        self.calls_live = before.interface in alive
        self.pinned_to = before.interface if self.calls_live else ""
        if self.pinned_to and goal.keep_calls and not self.unavailable:
            self.phase = Phase.ASKING
            self.deadline = now + PATIENCE
            return [self._list()]
        return self._apply(now)

    def tick(self, now: float) -> list[Command]:
        """The deadline has come."""
        self.deadline = NEVER
        match self.phase:
            case Phase.ASKING:
                return self._apply(now)
            case Phase.APPLYING:
                self.phase = Phase.RESTING
                return self._rest(now)
            case Phase.FREEING:
                return self._end_freeing()
            case Phase.FLUSHING | Phase.RESTING:
                if self.refused:
                    return self._apply(now)
                self.deadline = now + PATIENCE
                return [self._list()] if self.goal.interface and not self.unavailable else self._rest(now)

    def applied(self, number: int, changes: int, now: float) -> list[Command]:
        if number != self.number:
            return []
        self.refused = ""
        if self.phase is not Phase.APPLYING:
            return self._confirmed_again(changes, now)
        if not self.goal.interface:
            return self._begin_freeing(now)
        if self.began == LONG_AGO or self.unavailable:
            self.phase = Phase.RESTING
            return self._rest(now)
        return self._begin_flushing(now)

    def refuse(self, number: int, reason: str, now: float) -> list[Command]:
        if number != self.number:
            return []
        self.phase = Phase.RESTING
        self.refused = reason
        self.deadline = now + RETRY
        return []

    def listed(self, flows: Collection[Flow], now: float) -> list[Command]:
        self.unavailable = ""
        match self.phase:
            case Phase.ASKING:
                calls = [flow for flow in flows if self._is_media(flow) and self._is_translated(flow)]
                self.pins = {_key(flow): flow for flow in calls[:MOST_PINS]}
                return self._apply(now)
            case Phase.FLUSHING:
                return self._flush(flows, now)
            case Phase.FREEING:
                return self._free(flows)
            case Phase.RESTING:
                return self._look(flows, now)
            case Phase.APPLYING:
                return []

    def cannot_see(self, reason: str, now: float) -> list[Command]:
        """conntrack is out of reach: the routes are moved all the same, entries die by themselves."""
        self.unavailable = reason
        if self.phase is Phase.ASKING:
            return self._apply(now)
        if self.phase is Phase.FREEING:
            return self._end_freeing()
        self.phase = Phase.RESTING
        return self._rest(now)

    def touch(self, what: str, now: float) -> None:
        """Somebody else changed routes or rules of ours."""
        if self.goal.interface:
            self.repairs.touch(what, now)

    def reaffirm(self, goal: Goal, now: float, *, is_dead: bool) -> list[Command]:
        """The same again: others may have removed what is ours, and with nothing to do it costs a millisecond.

        `is_dead`: the WAN steered to has no carrier or no address, so there is nothing that could be put.
        """
        was_touched = self.repairs.take_due(now)
        holds = self.phase is Phase.RESTING or (self.phase is Phase.FLUSHING and was_touched)
        if not holds or goal.interface != self.goal.interface or self.refused or is_dead:
            return []
        before, self.goal = self.plan, goal
        self.plan = self._wanted()
        self.repairs.put(now, unchanged=self.plan == before)
        return [ApplyPlan(self.number, self.plan)]

    def forget_unavailable(self) -> None:
        """The operator reloaded: conntrack may be asked again."""
        self.unavailable = ""

    def _only_lost_ways(self, goal: Goal) -> bool:
        """A WAN lost its way out and nothing moves for it: the kernel dropped its routes, there is nothing to do."""
        here = (goal.interface, goal.destinations, goal.keep_calls)
        before = (self.goal.interface, self.goal.destinations, self.goal.keep_calls)
        return here == before and set(goal.tables) < set(self.goal.tables)

    # --- plans

    def _apply(self, now: float) -> list[Command]:
        self.plan = self._wanted()
        self.number += 1
        self.repairs.unchanged = False
        self.phase = Phase.APPLYING
        self.deadline = now + RETRY
        return [ApplyPlan(self.number, self.plan)]

    def _wanted(self) -> KernelPlan:
        goal = self.goal
        families = next((_families(table) for table in goal.tables if table.interface == goal.interface), ())
        routes = tuple(
            HostRoute(destination.address, goal.interface)
            for destination in goal.destinations
            if (":" in destination.address) in families
        )
        known = {table.interface for table in goal.tables}
        has_pins = goal.interface and self.pinned_to in known and self.pinned_to != goal.interface
        pins = self.pins.values() if has_pins else ()
        return KernelPlan(goal.tables, routes, tuple(_pin(flow, self.pinned_to) for flow in pins))

    def _confirmed_again(self, changes: int, now: float) -> list[Command]:
        """A plan that was put again stands. While somebody fights, flows stay: calls would break each time."""
        fought = self.repairs.are_frequent
        missing = self.repairs.confirmed(changes, now)
        ended = fought and not self.repairs.are_frequent
        if self.unavailable or self.repairs.are_frequent or not (missing or ended):
            return []
        self.began = now
        return self._begin_flushing(now)

    # --- flows

    def _list(self) -> ListFlows:
        return ListFlows(tuple(destination.address for destination in self.goal.destinations))

    def _begin_flushing(self, now: float) -> list[Command]:
        self.phase = Phase.FLUSHING
        self.clean_since = now
        self.deadline = now + PATIENCE
        return [self._list()]

    def _flush(self, flows: Collection[Flow], now: float) -> list[Command]:
        stale = self._stale(flows)
        if stale and now < self.began + GIVE_UP:
            self.clean_since = now
            self.deadline = now + AGAIN
            self.flushed += len(stale)
            return [DeleteFlows(tuple(stale))]
        if stale or now >= self.clean_since + SETTLING:
            self.stale = tuple(map(_key, stale))
            self.phase = Phase.RESTING
            self.began = LONG_AGO
            return self._look(flows, now)
        self.deadline = now + AGAIN
        return []

    def _begin_freeing(self, now: float) -> list[Command]:
        if not self.left.interface or self.unavailable:
            return self._end_freeing()
        self.phase = Phase.FREEING
        self.deadline = now + PATIENCE
        return [ListFlows(tuple(destination.address for destination in self.left.destinations))]

    def _free(self, flows: Collection[Flow]) -> list[Command]:
        """Of what was steered, and of the calls that were pinned elsewhere."""
        left, pinned = self.left, self.pinned_to
        steered = [flow for flow in flows if self._is_translated(flow) and flow.nat_source in left.addresses]
        calls = [flow for flow in flows if _key(flow) in self.pins and flow not in steered]
        held = ((steered, left.interface), (calls, pinned))
        return self._end_freeing() + [DeleteFlows(tuple(some), unless_through=wan) for some, wan in held if some]

    def _end_freeing(self) -> list[Command]:
        self.phase = Phase.RESTING
        self.left = Goal()
        self.pins = {}
        self.stale = ()
        self.deadline = NEVER
        return []

    def _look(self, flows: Collection[Flow], now: float) -> list[Command]:
        """At rest: let go of pinned calls that ended or carry nothing, and see whether anything is stale."""
        self.stale = tuple(map(_key, self._stale(flows)))
        seen = {_key(flow): flow for flow in flows if _key(flow) in self.pins}
        living = {key: flow for key, flow in seen.items() if self._carries(self.pins[key], flow)}
        changed = living.keys() != self.pins.keys()
        self.pins = living
        if not changed:
            return self._rest(now)
        self.began = now
        return self._apply(now)

    def _rest(self, now: float) -> list[Command]:
        watching = bool(self.goal.interface) and not self.unavailable
        self.deadline = now + (WATCH if self.pins else REST) if watching else NEVER
        return []

    def _stale(self, flows: Collection[Flow]) -> list[Flow]:
        """Flows that NAT holds to an address of another WAN, or of an earlier lease, but for calls that may stay."""
        return [
            flow
            for flow in flows
            if self._is_translated(flow) and flow.nat_source in self.goal.foreign and _key(flow) not in self.pins
        ]

    def _carries(self, before: Flow, after: Flow) -> bool:
        """Whether packets went both ways since; where the kernel does not count, whether its WAN may carry calls."""
        if before.packets_out is None or before.packets_in is None:
            return self.calls_live
        if after.packets_out is None or after.packets_in is None:
            return self.calls_live
        return after.packets_out > before.packets_out and after.packets_in > before.packets_in

    @staticmethod
    def _is_translated(flow: Flow) -> bool:
        return flow.nat_source != flow.source

    def _is_media(self, flow: Flow) -> bool:
        sip_ports = {port for destination in self.goal.destinations for port in destination.sip_ports}
        return flow.protocol is Protocol.UDP and flow.destination_port not in sip_ports


def _key(flow: Flow) -> str:
    source, destination = f"{flow.source} {flow.source_port}", f"{flow.destination} {flow.destination_port}"
    return f"{flow.protocol.name.lower()} {source} > {destination} as {flow.nat_source}"


def _pin(flow: Flow, interface: str) -> FlowPin:
    return FlowPin(flow.protocol, flow.source, flow.source_port, flow.destination, flow.destination_port, interface)


def _families(table: WanTable) -> tuple[bool, ...]:
    """Which families leave through it: False for IPv4, True for IPv6."""
    gateways = ((False, table.gateway_v4), (True, table.gateway_v6))
    return tuple(family for family, gateway in gateways if gateway is not None)
