"""The agent: events in, commands out.

`handle(event, now)` returns what to do, in order; `next_deadline()` says when to come back with a `DeadlineReached`
at the latest. `now` is monotonic seconds and never decreases. Nothing is queued inside: what is due is returned.

Each event is first told to the one path or table it concerns; then, if anything changed that others depend on, the
whole is judged anew: blame, health of WANs and SBCs, the failover decision, findings.
"""

from __future__ import annotations

from typing import assert_never

from tonekeeper.core import diagnosis, reporting
from tonekeeper.core.attribution import attribute
from tonekeeper.core.budget import confirmations
from tonekeeper.core.chance import Chance
from tonekeeper.core.commands import ClosePath, Command, LogChange, OpenPath, ResolveSbc, SendOptions
from tonekeeper.core.events import (
    ClockJumped,
    DatagramIgnored,
    DeadlineReached,
    Event,
    FacilityFailed,
    FacilityRecovered,
    IcmpReceived,
    LinkChanged,
    PathOpened,
    PathRefused,
    ReplyReceived,
    SbcResolved,
    SbcUnresolved,
    SendRefused,
    SiteChanged,
    Started,
)
from tonekeeper.core.evidence import icmp_verdict, refusal_verdict
from tonekeeper.core.failover import Failover
from tonekeeper.core.health import Health, Judgement, judge_sbc, judge_wan
from tonekeeper.core.instants import NEVER
from tonekeeper.core.probe import Outcome, PathProbe
from tonekeeper.core.report import PathState, Report
from tonekeeper.core.site import Path, Site, Wan
from tonekeeper.core.situation import Change, Lookup, Situation
from tonekeeper.wire.endpoint import Endpoint

MOST_CHANGES = 50
"""Changes kept for the report; older ones are in the journal only."""
LOOKUP_RETRY, LOOKUP_RETRY_MOST = 5.0, 60.0
LOOKUP_REFRESH = 60.0
"""Seconds between two look-ups of a name that has led somewhere."""
READY_WITHOUT_VERDICT = 10.0
"""Seconds after which the agent calls itself ready although a path has no verdict yet."""


class Agent:
    """`seed`: of the jitter, goes into the journal header. `started`: the monotonic instant of the start."""

    def __init__(self, site: Site, *, seed: int, started: float, version: str = "") -> None:
        failover = Failover(started=started, tokens=float(site.failover.switches), refilled_at=started)
        self.situation = Situation(site, version, started, Chance(seed), failover)
        self._commands: list[Command] = []
        self._stale = False
        """Something changed that blame, health or the decision depend on."""

    @classmethod
    def resume(cls, situation: Situation) -> Agent:
        """An agent that goes on from a checkpoint."""
        agent = cls(situation.site, seed=0, started=situation.started, version=situation.version)
        agent.situation = situation
        return agent

    # --- the contract

    def handle(self, event: Event, now: float) -> list[Command]:
        self._commands = []
        self._take(event, now)
        if self._stale:
            self._stale = False
            self._judge(now)
        return self._commands

    def next_deadline(self) -> float | None:
        earliest = self.situation.failover.deadline
        for probe in self.situation.probes.values():
            if probe.deadline < earliest:
                earliest = probe.deadline
        for lookup in self.situation.lookups.values():
            if lookup.again_at < earliest:
                earliest = lookup.again_at
        return earliest if earliest < NEVER else None

    def report(self, now: float) -> Report:
        return reporting.report_on(self.situation, now)

    def is_ready(self, now: float) -> bool:
        """Every path has had a verdict, or had time enough for one."""
        situation = self.situation
        if now - situation.started >= READY_WITHOUT_VERDICT:
            return True
        states = [probe.state for probe in situation.probes.values()]
        return bool(states) and PathState.UNKNOWN not in states

    # --- events

    def _take(self, event: Event, now: float) -> None:
        match event:
            case DeadlineReached():
                self._deadline(event, now)
            case ReplyReceived():
                self._reply(event, now)
            case DatagramIgnored():
                self._count_ignored(event.path)
            case IcmpReceived():
                self._icmp(event, now)
            case SendRefused():
                self._send_refused(event, now)
            case PathOpened():
                self._opened(event, now)
            case PathRefused():
                self._refused(event, now)
            case LinkChanged():
                self._link(event, now)
            case SbcResolved():
                self._resolved(event, now)
            case SbcUnresolved():
                self._unresolved(event, now)
            case Started():
                self._look_up_all()
            case SiteChanged():
                self._change_site(event.site, now)
            case ClockJumped():
                self.situation.clock_jump = event.by
                self._stale = True
            case FacilityFailed():
                self.situation.facilities[event.facility] = event
                self._stale = True
            case FacilityRecovered():
                self.situation.facilities.pop(event.facility, None)
                self._stale = True
            case _:
                assert_never(event)

    def _deadline(self, event: DeadlineReached, now: float) -> None:
        """Serve the one timer that is due first."""
        for sbc, lookup in self.situation.lookups.items():
            if lookup.again_at <= now:
                self._look_up(sbc, lookup)
                return
        due = min(self.situation.probes.values(), key=_deadline_of, default=None)
        if due is not None and due.deadline <= now:
            self._serve(due, event.token, now)
        elif self.situation.failover.deadline <= now:
            self._stale = True

    def _serve(self, probe: PathProbe, token: str, now: float) -> None:
        if probe.reopen_at <= now:
            probe.reopen_at = NEVER
            self._open(probe)
        elif probe.answer_by <= now:
            before, asked = probe.state, probe.checking
            doubted = probe.missed(self._confirmations(probe) + 1, now)
            if probe.state is not before:
                self._path_changed(probe, before, now)
            if doubted or (probe.state is PathState.DOWN and before is not PathState.DOWN):
                self._alarm(probe, now)
            elif asked:
                self._stale = True
        else:
            self._send(probe, token, now)

    def _send(self, probe: PathProbe, token: str, now: float) -> None:
        site = self.situation.site
        sent = probe.sending(token, site.probe.interval, self.situation.chance, now)
        host = self.situation.sbc_of(probe.path.sbc).host
        tag = token[16:24]
        agent = site.probe.user_agent
        self._commands.append(SendOptions(probe.path, host, sent.branch, tag, sent.call_id, sent.cseq, agent))

    def _reply(self, event: ReplyReceived, now: float) -> None:
        probe = self.situation.probes.get(event.path)
        if probe is None:
            return
        if event.source != event.path.address:
            probe.ignored += 1
            return
        before, meaning, asked, rises = probe.state, probe.meaning, probe.checking, probe.rises
        outcome = probe.reply(event.reply, self.situation.site.probe.interval, self.situation.chance, now)
        if outcome is not Outcome.PROVED:
            return
        if probe.state is not before:
            self._path_changed(probe, before, now)
        if probe.is_held(now):
            self._hold_others(probe)
        if probe.rises == 1 and not rises:
            self._encourage(probe, now)
        if asked or probe.meaning is not meaning or self.situation.failover.waiting:
            self._stale = True

    def _hold_others(self, draining: PathProbe) -> None:
        """Retry-After speaks for the address and port (RFC 7339 5.4), over whatever WAN it is asked."""
        for probe in self.situation.probes.values():
            if probe.path.address == draining.path.address and probe.hold_until < draining.hold_until:
                probe.hold(draining.hold_until)

    def _count_ignored(self, path: Path) -> None:
        probe = self.situation.probes.get(path)
        if probe is not None:
            probe.ignored += 1

    def _icmp(self, event: IcmpReceived, now: float) -> None:
        probe = self.situation.probes.get(event.path)
        if probe is None or not probe.sent:
            return
        verdict = icmp_verdict(event, probe.local)
        if verdict is not None:
            probe.last_reply = f"icmp {event.type}/{event.code}"
            self._fall(probe, verdict, now)

    def _send_refused(self, event: SendRefused, now: float) -> None:
        probe = self.situation.probes.get(event.path)
        verdict = refusal_verdict(event.errno)
        if probe is not None and verdict is not None:
            probe.last_reply = "not sent"
            self._fall(probe, f"cannot send: {verdict}", now)

    def _opened(self, event: PathOpened, now: float) -> None:
        probe = self.situation.probes.get(event.path)
        if probe is not None:
            probe.socket_opened(event.local.host, now)

    def _refused(self, event: PathRefused, now: float) -> None:
        probe = self.situation.probes.get(event.path)
        if probe is not None:
            before = probe.state
            probe.socket_refused(event.reason, now)
            if probe.state is not before:
                self._path_changed(probe, before, now)

    # --- paths

    def _confirmations(self, probe: PathProbe) -> int:
        policy = self.situation.site.probe
        return confirmations(
            probe.loss,
            paths=len(self.situation.probes),
            interval=policy.interval,
            false_alarms_per_month=policy.false_alarms_per_month,
        )

    def _fall(self, probe: PathProbe, reason: str, now: float) -> None:
        before = probe.state
        probe.fall(reason, now, evidence=True)
        if probe.state is not before:
            self._path_changed(probe, before, now)
            self._alarm(probe, now)

    def _alarm(self, doubted: PathProbe, now: float) -> None:
        """A path is about to be called down: whoever shares its WAN or its SBC, or may take over, testifies now."""
        for probe in self.situation.probes.values():
            if probe is not doubted and probe.state is not PathState.DOWN:
                probe.testify(now)
        self._stale = True

    def _encourage(self, rising: PathProbe, now: float) -> None:
        """A path comes back: the others that are down are asked now as well, or being asked later would be blamed."""
        for probe in self.situation.probes.values():
            if probe is not rising and probe.state is PathState.DOWN:
                probe.testify(now)
        self._stale = True

    def _path_changed(self, probe: PathProbe, before: PathState, now: float) -> None:
        self._stale = True
        if PathState.SUSPECT in (before, probe.state) and probe.state is not PathState.DOWN:
            return  # a miss and its answer: on a lossy line that is every minute
        self._log(now, f"path {probe.path}", before, probe.state, probe.reason)

    def _reconcile(self, now: float) -> None:
        """Paths as configuration, look-ups and links want them: missing ones opened, others closed."""
        wanted = self._wanted()
        for path in [path for path in self.situation.probes if path not in wanted]:
            self._close(self.situation.probes.pop(path))
        for path, wan in wanted.items():
            probe = self.situation.probes.setdefault(path, PathProbe(path, since=now))
            dead = self.situation.dead(wan)
            if dead:
                self._close(probe)
                if probe.state is not PathState.UNKNOWN:
                    self._fall(probe, dead, now)
            elif not self._fits(probe, wan):
                self._close(probe)
                self._open(probe)
        order = {path: at for at, path in enumerate(wanted)}
        self.situation.probes = dict(sorted(self.situation.probes.items(), key=lambda item: order[item[0]]))
        self._stale = True

    def _wanted(self) -> dict[Path, Wan]:
        situation = self.situation
        return {
            Path(wan.name, sbc.name, sbc.transport, address): wan
            for sbc in situation.site.sbcs
            for wan in situation.site.wans
            for address in situation.lookups.get(sbc.name, Lookup()).addresses
            if wan.interface in situation.links and self._speaks(wan, address)
        }

    def _speaks(self, wan: Wan, address: Endpoint) -> bool:
        """Whether the WAN has an address of this family; while it has none at all, as far as is known, it might."""
        own = [wan.source] if wan.source else self.situation.links[wan.interface].addresses
        return not own or any((":" in host) == address.is_ipv6 for host in own)

    def _fits(self, probe: PathProbe, wan: Wan) -> bool:
        """Whether the open socket still has an address that is ours."""
        return probe.open and probe.local in self.situation.links[wan.interface].addresses

    def _open(self, probe: PathProbe) -> None:
        wan = self.situation.wan_of(probe.path.wan)
        self._commands.append(OpenPath(probe.path, wan.interface, wan.source))

    def _close(self, probe: PathProbe) -> None:
        if probe.open:
            self._commands.append(ClosePath(probe.path))
        probe.socket_closed()

    # --- links, names, configuration

    def _link(self, event: LinkChanged, now: float) -> None:
        self.situation.links[event.interface] = event
        self._reconcile(now)

    def _look_up_all(self) -> None:
        for sbc in self.situation.site.sbcs:
            self._look_up(sbc.name, self.situation.lookups.setdefault(sbc.name, Lookup()))

    def _look_up(self, name: str, lookup: Lookup) -> None:
        sbc = self.situation.sbc_of(name)
        lookup.asked = True
        lookup.again_at = NEVER
        self._commands.append(ResolveSbc(sbc.name, sbc.host, sbc.port, sbc.transport))

    def _resolved(self, event: SbcResolved, now: float) -> None:
        lookup = self.situation.lookups.get(event.sbc)
        if lookup is None:
            return
        numeric = self.situation.sbc_of(event.sbc).host == event.addresses[0].host
        self._stale = self._stale or bool(lookup.failure)
        lookup.failure = ""
        lookup.failures = 0
        lookup.again_at = NEVER if numeric else now + LOOKUP_REFRESH
        if set(event.addresses) != set(lookup.addresses):
            lookup.addresses = event.addresses
            self._reconcile(now)

    def _unresolved(self, event: SbcUnresolved, now: float) -> None:
        lookup = self.situation.lookups.get(event.sbc)
        if lookup is None:
            return
        lookup.failure = event.reason
        lookup.again_at = now + min(LOOKUP_RETRY_MOST, LOOKUP_RETRY * 2.0 ** min(lookup.failures, 10))
        lookup.failures += 1
        self._stale = True

    def _change_site(self, site: Site, now: float) -> None:
        """A new configuration: what stays keeps its history."""
        old = {sbc.name: sbc for sbc in self.situation.site.sbcs}
        self.situation.site = site
        names = {sbc.name for sbc in site.sbcs}
        self.situation.lookups = {name: one for name, one in self.situation.lookups.items() if name in names}
        self.situation.wans = {w.name: self.situation.wan_health(w.name) for w in site.wans}
        self.situation.sbcs = {s.name: self.situation.sbc_health(s.name) for s in site.sbcs}
        for sbc in site.sbcs:
            if old.get(sbc.name) != sbc:
                lookup = self.situation.lookups[sbc.name] = Lookup()
                self._look_up(sbc.name, lookup)
        failover = self.situation.failover
        failover.tokens = min(failover.tokens, float(site.failover.switches))
        self._reconcile(now)

    # --- judgement

    def _judge(self, now: float) -> None:
        situation = self.situation
        dead = {wan.name: why for wan in situation.site.wans if (why := situation.dead(wan))}
        situation.attribution = attribute(situation.matrix(now), dead)
        for wan in situation.site.wans:
            heard = [probe for probe in situation.probes_of(wan=wan.name) if probe.is_heard(now)]
            verdict = judge_wan(situation.dead(wan), heard, situation.attribution, wan)
            self._settle(f"wan {wan.name}", situation.wan_health(wan.name), verdict, now)
        for sbc in situation.site.sbcs:
            answer = judge_sbc(sbc, situation.probes_of(sbc=sbc.name), situation.attribution)
            self._settle(f"sbc {sbc.name}", situation.sbc_health(sbc.name), answer, now)
        self._decide(now)
        self._diagnose(now)

    def _settle(self, subject: str, health: Health, judgement: Judgement | None, now: float) -> None:
        if judgement is None:
            return
        state, reason = judgement
        if state != health.state:
            self._log(now, subject, health.state, state, reason)
            health.since = now
            health.transitions += 1
        health.state = str(state)
        health.reason = reason

    def _decide(self, now: float) -> None:
        situation = self.situation
        policy = situation.site.failover
        switch = situation.failover.consider(situation.standings(), policy, situation.chance, now)
        if switch is not None:
            before = str(switch.before) if switch.before is not None else "nowhere"
            self._log(now, "active", before, str(switch.after), switch.reason)

    def _diagnose(self, now: float) -> None:
        for change in diagnosis.update(self.situation, now):
            self._log(now, *change)

    def _log(self, now: float, subject: str, before: str, after: str, reason: str) -> None:
        self._commands.append(LogChange(subject, str(before), str(after), reason))
        changes = self.situation.changes
        changes.append(Change(now, subject, str(before), str(after), reason))
        del changes[:-MOST_CHANGES]


def _deadline_of(probe: PathProbe) -> float:
    return probe.deadline
