"""The agent: events in, commands out.

`handle(event, now)` returns what to do, in order; `next_deadline()` says when to come back with a `DeadlineReached`
at the latest. `now` is monotonic seconds and never decreases. Nothing is queued inside: what is due is returned.

Each event is first told to the one path, name or table it concerns; then, if anything changed that others depend on,
the whole is judged anew (judgement.py).
"""

from __future__ import annotations

from typing import assert_never

from tonekeeper.core import keeping, lookups, paths, reporting, servers, walks
from tonekeeper.core.chance import Chance
from tonekeeper.core.checks import Known
from tonekeeper.core.circuits import STRICT
from tonekeeper.core.commands import ApplyPlan, Command
from tonekeeper.core.depth import watch as depth_watch
from tonekeeper.core.egress import watch as egress_watch
from tonekeeper.core.events import (
    BindingResponseReceived,
    Checked,
    ClockJumped,
    DatagramIgnored,
    DeadlineReached,
    DepthProbed,
    DiagnosisBegun,
    EgressExamined,
    Event,
    FacilityFailed,
    FacilityRecovered,
    FirewallExamined,
    FlowsDeleted,
    FlowsListed,
    FlowsUnavailable,
    GatewayChanged,
    IcmpReceived,
    LinkChanged,
    NatMeasured,
    PathOpened,
    PathRefused,
    PathWalked,
    PhoneSeen,
    PlanApplied,
    PlanRefused,
    PongReceived,
    ReplyReceived,
    ReversePathFilterRead,
    RoutingChanged,
    SbcResolved,
    SbcUnresolved,
    SendRefused,
    ServerDescribed,
    SiteChanged,
    Started,
    StreamEnded,
    TargetsRecalled,
    TlsSeen,
)
from tonekeeper.core.failover import Failover
from tonekeeper.core.instants import NEVER
from tonekeeper.core.judgement import judge, reaffirm, steer
from tonekeeper.core.kernel import EMPTY_PLAN
from tonekeeper.core.nat import watch as nat_watch
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.report import PathState, Report
from tonekeeper.core.site import Sbc, Site
from tonekeeper.core.situation import Situation
from tonekeeper.core.turn import Turn

READY_WITHOUT_VERDICT = 10.0
"""Seconds after which the agent calls itself ready although a path has no verdict yet."""


class Agent:
    """`seed`: of the jitter, goes into the journal header. `started`: the monotonic instant of the start."""

    def __init__(self, site: Site, *, seed: int, started: float, version: str = "") -> None:
        failover = Failover(started=started, tokens=float(site.failover.switches), refilled_at=started)
        self.situation = Situation(site, version, started, Chance(seed), failover)

    @classmethod
    def resume(cls, situation: Situation) -> Agent:
        """An agent that goes on from a checkpoint."""
        agent = cls(situation.site, seed=0, started=situation.started, version=situation.version)
        agent.situation = situation
        return agent

    # --- the contract

    def handle(self, event: Event, now: float) -> list[Command]:
        turn = Turn(self.situation, now)
        _take(turn, event)
        if turn.stale:
            egress_watch.plan(turn)
            judge(turn)
        elif turn.readdressed:
            steer(turn)
        return turn.commands

    def next_deadline(self) -> float | None:
        situation = self.situation
        earliest = min(situation.failover.deadline, situation.steering.deadline)
        earliest = min(earliest, situation.steering.repairs.due_at, situation.look_at)
        earliest = min(earliest, situation.walk_at, situation.nat_look_at, situation.phones.ask_at)
        earliest = min(earliest, situation.egress.look_at)
        for probe in situation.probes.values():
            if (due := probe.deadline) < earliest:
                earliest = due
        for deep in situation.deep_probes:
            if deep.next_at < earliest:
                earliest = deep.next_at
        for lookup in situation.lookups.values():
            for again in lookup.again.values():
                if again < earliest:
                    earliest = again
        for dampers in (situation.wan_dampers, situation.sbc_dampers):
            for damper in dampers.values():
                if damper.reuse_at < earliest:
                    earliest = damper.reuse_at
        return earliest if earliest < NEVER else None

    def report(self, now: float) -> Report:
        return reporting.report_on(self.situation, now)

    def is_ready(self, now: float) -> bool:
        """Every path has had a verdict, or had time enough for one."""
        situation = self.situation
        if now - situation.started >= READY_WITHOUT_VERDICT:
            return True
        judged = [
            probe.state is not PathState.UNKNOWN or bool(situation.dead(situation.wan_of(path.wan)))
            for path, probe in situation.probes.items()
        ]
        return bool(judged) and all(judged)


def _take(turn: Turn, event: Event) -> None:
    match event:
        case DeadlineReached():
            _deadline(turn, event)
        case ReplyReceived():
            if paths.reply(turn, event):
                lookups.spoke(turn, event.path.sbc)
        case ServerDescribed():
            servers.described(turn, event)
        case DatagramIgnored():
            paths.count_ignored(turn, event.path)
        case IcmpReceived():
            paths.icmp(turn, event)
        case SendRefused():
            paths.send_refused(turn, event)
        case PathOpened():
            paths.opened(turn, event)
        case PathRefused():
            paths.refused(turn, event)
        case LinkChanged():
            paths.link(turn, event)
            lookups.ask_where_silent(turn, event.interface)
        case SbcResolved():
            lookups.resolved(turn, event)
        case SbcUnresolved():
            lookups.unresolved(turn, event)
        case TargetsRecalled():
            lookups.recalled(turn, event)
        case StreamEnded():
            paths.stream_ended(turn, event)
        case PongReceived():
            keeping.pong(turn, event.path)
        case BindingResponseReceived():
            paths.bound(turn, event)
        case TlsSeen():
            paths.tls_seen(turn, event)
            servers.shook_hands(turn, event)
        case DepthProbed():
            depth_watch.probed(turn, event)
            servers.challenged(turn, event)
        case PathWalked():
            walks.walked(turn, event)
        case EgressExamined():
            egress_watch.examined(turn, event)
        case NatMeasured():
            nat_watch.measured(turn, event)
            paths.retune(turn)
        case PhoneSeen():
            _phone_seen(turn, event)
        case PlanApplied() | PlanRefused() | FlowsListed() | FlowsUnavailable() | FlowsDeleted() | RoutingChanged():
            _take_from_kernel(turn, event)
        case _:
            _take_about_the_house(turn, event)


def _take_from_kernel(
    turn: Turn, event: PlanApplied | PlanRefused | FlowsListed | FlowsUnavailable | FlowsDeleted | RoutingChanged
) -> None:
    """Outcomes of what steering asked for, and what others did to it."""
    steering = turn.situation.steering
    before = steering.troubles
    match event:
        case PlanApplied():
            turn.commands += steering.applied(event.number, event.changes, turn.now)
        case PlanRefused():
            turn.commands += steering.refuse(event.number, event.reason, turn.now)
        case FlowsListed():
            turn.commands += steering.listed(event.flows, turn.now)
        case FlowsUnavailable():
            turn.commands += steering.cannot_see(event.reason, turn.now)
        case RoutingChanged():
            if event.ours:
                steering.touch(str(event.part), turn.now)
        case FlowsDeleted():
            return
        case _:
            assert_never(event)
    turn.stale = before != steering.troubles


_AboutTheHouse = (
    Started
    | SiteChanged
    | GatewayChanged
    | ReversePathFilterRead
    | ClockJumped
    | FirewallExamined
    | Checked
    | DiagnosisBegun
    | FacilityFailed
    | FacilityRecovered
)


def _take_about_the_house(turn: Turn, event: _AboutTheHouse) -> None:
    """What concerns neither one path nor one name: the whole is judged anew."""
    situation = turn.situation
    turn.stale = True
    match event:
        case Started():
            lookups.look_up_all(turn)
            walks.plan_first(turn)
            nat_watch.begin(turn)
            depth_watch.plan(turn)
            turn.commands.append(ApplyPlan(situation.steering.number, EMPTY_PLAN))  # what a dead predecessor left
        case SiteChanged():
            _change_site(turn, event.site)
        case GatewayChanged():
            before = situation.gateways.get(event.interface)
            situation.gateways[event.interface] = event
            turn.renewed = before != event and (event.v4 is not None or event.v6 is not None)
        case ReversePathFilterRead():
            if event.mode == STRICT and situation.path_filters.get(event.interface) != STRICT:
                situation.strict_since[event.interface] = turn.now
            situation.path_filters[event.interface] = event.mode
        case ClockJumped():
            situation.clock_jump = event.by
        case FirewallExamined():
            situation.firewall = event
        case Checked():
            situation.checks[event.result.check] = Known(event.result, turn.now)
        case DiagnosisBegun():
            depth_watch.hasten(turn)
            walks.hasten(turn)
            if event.thorough:
                nat_watch.ask(turn)
        case FacilityFailed():
            situation.facilities[event.facility] = event
        case FacilityRecovered():
            situation.facilities.pop(event.facility, None)
        case _:
            assert_never(event)


def _deadline(turn: Turn, event: DeadlineReached) -> None:
    """Serve the one timer that is due first."""
    situation = turn.situation
    if lookups.serve(turn):
        return
    due = min(situation.probes.values(), key=_deadline_of, default=None)
    if due is not None and due.deadline <= turn.now:
        paths.serve(turn, due, event.token)
    elif situation.steering.repairs.due_at <= turn.now:
        turn.commands += reaffirm(situation, turn.now)
    elif situation.steering.deadline <= turn.now:
        turn.commands += reaffirm(situation, turn.now)
        turn.commands += situation.steering.tick(turn.now)
    elif depth_watch.serve(turn):
        return
    elif situation.phones.ask_at <= turn.now:
        question = situation.phones.ask(situation.site.lan, situation.site.probe.user_agent, event.token, turn.now)
        turn.commands += [] if question is None else [question]
    elif situation.walk_at <= turn.now:
        walks.walk(turn)
    elif situation.nat_look_at <= turn.now:
        nat_watch.look(turn)
    elif situation.egress.look_at <= turn.now:
        egress_watch.look(turn)
    else:
        for damper in (*situation.wan_dampers.values(), *situation.sbc_dampers.values()):
            turn.stale = damper.release(turn.now) or turn.stale
        turn.stale = turn.stale or min(situation.failover.deadline, situation.look_at) <= turn.now


def _phone_seen(turn: Turn, event: PhoneSeen) -> None:
    phones = turn.situation.phones
    before = phones.keepalive(turn.now)
    phones.seen(event, turn.situation.site.lan, turn.now)
    turn.stale = before != phones.keepalive(turn.now)


def _change_site(turn: Turn, site: Site) -> None:
    """A new configuration: what stays keeps its history."""
    situation = turn.situation
    old = {sbc.name: sbc for sbc in situation.site.sbcs}
    situation.site = site
    situation.firewall = None
    wans, sbcs = [wan.name for wan in site.wans], [sbc.name for sbc in site.sbcs]
    situation.wans = {name: situation.wan_health(name) for name in wans}
    situation.sbcs = {name: situation.sbc_health(name) for name in sbcs}
    situation.wan_dampers = {name: situation.wan_damper(name) for name in wans}
    situation.sbc_dampers = {name: situation.sbc_damper(name) for name in sbcs}
    situation.lookups = {name: one for name, one in situation.lookups.items() if name in sbcs}
    situation.functions = {name: one for name, one in situation.functions.items() if name in sbcs}
    situation.traits = {name: one for name, one in situation.traits.items() if name in sbcs}
    situation.tallies = {name: one for name, one in situation.tallies.items() if name in sbcs}
    for sbc in site.sbcs:
        if sbc.name in situation.lookups:
            situation.lookups[sbc.name].drop(wans)
        if _place(old.get(sbc.name)) != _place(sbc):
            situation.lookups.pop(sbc.name, None)
        if sbc.name in old and old[sbc.name].tls != sbc.tls:
            paths.close_connections(turn, sbc)
        lookups.look_up(turn, sbc)
    situation.failover.tokens = min(situation.failover.tokens, float(site.failover.switches))
    situation.steering.forget_unavailable()
    nat_watch.begin(turn)
    situation.phones.plan(site.lan, turn.now)
    walks.walk_again(turn)
    egress_watch.begin_anew(turn)
    depth_watch.plan(turn, old)
    paths.reconcile(turn)


def _place(sbc: Sbc | None) -> tuple[object, ...]:
    """What a look-up follows from."""
    return () if sbc is None else (sbc.host, sbc.port, sbc.transport)


def _deadline_of(probe: PathProbe) -> float:
    return probe.deadline
