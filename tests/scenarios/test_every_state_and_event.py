"""Every state with every event: a known list of commands, a report, and quiet again. Never an exception.

The table takes the agent into each state on a road that a site takes too, and hands it every kind of event there, for
things it knows and for things it has never heard of. The machine below it takes roads nobody thought of.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.unit.core.talk import measured_nat

from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.commands import Command, SendBindingRequest, SendOptions
from tonekeeper.core.depth.result import DepthResult, DepthVerdict
from tonekeeper.core.egress.result import EgressTrial, Fact, PathMtu
from tonekeeper.core.egress.result import Outcome as Found
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
    Facility,
    FacilityFailed,
    FacilityRecovered,
    FirewallExamined,
    FlowsDeleted,
    FlowsListed,
    FlowsUnavailable,
    GatewayChanged,
    IcmpReceived,
    LinkChanged,
    NameFailure,
    NatMeasured,
    PathOpened,
    PathRefused,
    PathWalked,
    PhoneRegistration,
    PhoneSeen,
    PhoneSign,
    PlanApplied,
    PlanRefused,
    PongReceived,
    ReplyReceived,
    ReversePathFilterRead,
    RoutingChanged,
    RoutingPart,
    SbcResolved,
    SbcUnresolved,
    SendRefused,
    ServerDescribed,
    SiteChanged,
    Started,
    StreamEnded,
    TargetsRecalled,
    TlsFacts,
    TlsSeen,
)
from tonekeeper.core.findings import Observation
from tonekeeper.core.kernel import Flow, Protocol
from tonekeeper.core.site import Depth, FailoverPolicy, LanPolicy, Path, ProbePolicy, Sbc, Site, Target, Transport, Wan
from tonekeeper.drivers.sim.simulation import Simulation
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply
from tonekeeper.wire.sip.self_description import SelfDescription

PRIMARY = Sbc("primary", "sip:sbc1.example.net", "sbc1.example.net", 5060)
ALTERNATE = Sbc("alternate", "sip:sbc2.example.net", "sbc2.example.net", 5060)
SITE = Site(
    "site-0042",
    (Wan("fibre", "eth0"), Wan("lte", "wwan0", metered=True)),
    (PRIMARY, ALTERNATE),
    lan=LanPolicy(("br-lan",)),
)
HASTY = replace(SITE, failover=FailoverPolicy(min_dwell=0.0, failback_after=1.0, failback_spread=1.0, switches=1))
KEPT = replace(SITE, sbcs=(replace(PRIMARY, stun=True), ALTERNATE), probe=ProbePolicy(interval=60.0))
SMALLER = Site("site-0042", (Wan("fibre", "eth0"),), (ALTERNATE,))
OTHER = Site("site-0042", (Wan("dsl", "ppp0"),), (Sbc("third", "sip:192.0.2.77", "192.0.2.77", 5060),))

AT = Endpoint("198.51.100.10", 5060)
ELSEWHERE = Endpoint("198.51.100.66", 5060)
KNOWN = Path("fibre", "primary", Transport.UDP, AT)
UNKNOWN = [
    Path("fibre", "primary", Transport.UDP, ELSEWHERE),
    Path("fibre", "nobody", Transport.UDP, AT),
    Path("nowhere", "primary", Transport.UDP, AT),
]
FORGED = SipReply(200, "OK", "z9hG4bKforged", "", 1, "forged", 1, "OPTIONS")


def reply_to(sim, **changes):
    """A reply that fits the latest probe on the known path, where there was one."""
    sent = [
        command
        for step in sim.journal
        for command in step.commands
        if isinstance(command, SendOptions) and command.path == KNOWN
    ]
    if not sent:
        return FORGED
    probe = sent[-1]
    fits = SipReply(200, "OK", probe.branch, "", 1, probe.call_id, probe.cseq, "OPTIONS")
    return replace(fits, **changes)


def replies(sim):
    return [
        ReplyReceived(KNOWN, AT, reply_to(sim)),
        ReplyReceived(KNOWN, AT, reply_to(sim)),
        ReplyReceived(KNOWN, AT, reply_to(sim, status=100)),
        ReplyReceived(KNOWN, AT, reply_to(sim, status=503)),
        ReplyReceived(KNOWN, AT, reply_to(sim, status=503, retry_after=0)),
        ReplyReceived(KNOWN, AT, reply_to(sim, status=503, retry_after=2**40)),
        ReplyReceived(KNOWN, AT, reply_to(sim, status=699)),
        ReplyReceived(KNOWN, AT, reply_to(sim, cseq=0)),
        ReplyReceived(KNOWN, AT, reply_to(sim, method="INVITE")),
        ReplyReceived(KNOWN, AT, reply_to(sim, via_count=0, branch="")),
        ReplyReceived(KNOWN, ELSEWHERE, reply_to(sim)),
        *[ReplyReceived(path, AT, FORGED) for path in UNKNOWN],
    ]


def about_paths(asked):
    for path in [KNOWN, *UNKNOWN]:
        yield from (
            DatagramIgnored(path, AT, "cannot decode status line", 3),
            IcmpReceived(path, 3, 3, "198.51.100.10"),
            IcmpReceived(path, 3, 1, "192.0.2.10"),
            IcmpReceived(path, 11, 0, ""),
            IcmpReceived(path, 255, 255, "not an address"),
            SendRefused(path, "z9hG4bKforged", 1),
            SendRefused(path, "z9hG4bKforged", 105),
            SendRefused(path, "", 0),
            PathOpened(path, Endpoint("192.0.2.10", 50000)),
            PathRefused(path, 99, "no such address"),
            StreamEnded(path, 0, "closed by the other side"),
            PongReceived(path),
            BindingResponseReceived(path, AT, "5" * 24, Endpoint("203.0.113.77", 40000)),
            BindingResponseReceived(path, AT, asked, Endpoint("203.0.113.77", 40000)),
            ServerDescribed(path, SelfDescription(("INVITE", "OPTIONS"), ("timer",), server="kamailio (5.6.3)")),
            TlsSeen(path, TlsFacts("it expired yesterday", "TLSv1.3", expires_in_s=-86400.0)),
        )
        for depth in Depth:
            for verdict in DepthVerdict:
                yield DepthProbed(path, depth, DepthResult(depth, verdict, "because", statuses=(500,)))
        for found in Found:
            yield EgressExamined(EgressTrial(path, "eth0", found, "seen", "192.0.2.254", ("192.0.2.254",), packets=40))
        hole = PathMtu(1500, 1400, cut=Fact.YES)
        yield EgressExamined(EgressTrial(path, "eth0", Found.ANSWERED, mtu=hole, packets=10**9))


def about_the_rest():
    for interface in ("eth0", "wwan0", "nothing0"):
        yield from (
            LinkChanged(interface, False, False, ()),
            LinkChanged(interface, True, False, ("192.0.2.10",)),
            LinkChanged(interface, True, True, ()),
            LinkChanged(interface, True, True, ("192.0.2.99", "2001:db8::99")),
        )
    for sbc in ("primary", "nobody"):
        for failure in NameFailure:
            yield SbcUnresolved(sbc, f"the name server says {failure}", "fibre", "192.0.2.53", failure)
        yield SbcResolved(sbc, (Target(Transport.UDP, AT),))
        yield SbcResolved(sbc, (Target(Transport.TLS, ELSEWHERE),), "lte", "192.0.2.53", ttl=0.0)
        yield SbcResolved(sbc, (Target(Transport.UDP, AT), Target(Transport.TCP, Endpoint("2001:db8::5", 5060), 1)))
        yield TargetsRecalled(sbc, (Target(Transport.UDP, AT),), 86400.0)
    for facility in Facility:
        yield FacilityFailed(facility, "cannot write: disk is full", 28)
        yield FacilityRecovered(facility)
    yield FirewallExamined((), (Observation("firewall-wan-specific", "lte", {"rule": "drop"}),))
    yield FirewallExamined((), ())
    yield DiagnosisBegun(thorough=True)
    yield DiagnosisBegun(thorough=False)
    yield Checked(CheckResult(Check.CLOCK, Outcome.PROBLEM, "3 s off", (Observation("clock-jumped", "", {}),)))
    yield Checked(CheckResult(Check.CLOCK, Outcome.NOT_CHECKED, "no server"))
    for interface in ("eth0", "nothing0"):
        yield GatewayChanged(interface, None, None)
        yield GatewayChanged(interface, "192.0.2.7", "")
        yield ReversePathFilterRead(interface, 1)
    for part in RoutingPart:
        yield RoutingChanged(part, ours=True)
        yield RoutingChanged(part, ours=False)
    for number in (0, 1, 99):
        yield PlanApplied(number, 3)
        yield PlanRefused(number, 1, "not permitted")
    stuck = Flow(Protocol.UDP, "192.168.1.20", 5060, "198.51.100.10", 5060, "203.0.113.10", 5060)
    yield from (FlowsListed(()), FlowsListed((stuck,)), FlowsUnavailable(1, "not permitted"), FlowsDeleted(1))
    for wan in ("fibre", "nobody"):
        yield NatMeasured(wan, measured_nat(wan))
    for sign in PhoneSign:
        yield PhoneSeen("192.0.2.130", sign, "br-lan", "00:15:65:00:00:01")
    yield PhoneSeen(
        "2001:db8::130", PhoneSign.REGISTER, registration=PhoneRegistration(Transport.UDP, keepalive_s=30.0)
    )
    for path in [KNOWN, *UNKNOWN]:
        yield PathWalked(path, ("", "192.0.2.254"))
    yield from (ClockJumped(31_536_000.0), ClockJumped(-31_536_000.0), Started(), DeadlineReached("0" * 32))
    yield from (SiteChanged(site) for site in (SITE, HASTY, KEPT, SMALLER, OTHER))


def every_event(sim):
    asked = [c for step in sim.journal for c in step.commands if isinstance(c, SendBindingRequest)]
    return [*replies(sim), *about_paths(asked[-1].transaction_id if asked else ""), *about_the_rest()]


# --- states


def _after(seconds, *verbs):
    def reach(sim):
        for verb in verbs:
            verb(sim)
        sim.run(seconds)

    return reach


def _silent(sim):
    sim.run(20.0)
    sim.sbc("primary").fall_silent()


def _suspect(sim):
    _silent(sim)
    sim.run_until(lambda: sim.report().sbcs[0].paths[0].state == "suspect", within=6.0)


def _rising(sim):
    _silent(sim)
    sim.run(20.0)
    sim.sbc("primary").recover()
    before = sim.report().sbcs[0].paths[0].received
    sim.run_until(lambda: sim.report().sbcs[0].paths[0].received > before, within=6.0)


def _held(sim):
    sim.sbc("primary").answer(503, retry_after=100)


def _waiting_to_return(sim):
    _rising(sim)
    sim.run(30.0)


def _kept(sim):
    sim.sbc("primary").does_stun = True
    sim.reload(KEPT)


def _asked(sim):
    sim.reload(KEPT)
    sim.run_until(lambda: any(probe.stun.waiting for probe in sim.agent.situation.probes.values()), within=60.0)


STATES = {
    "new": lambda sim: None,
    "resolving": _after(0.001),
    "probing for the first time": _after(0.030),
    "steady": _after(20.0),
    "suspect": _suspect,
    "down, moved": _after(20.0, _silent),
    "rising": _rising,
    "waiting to return": _waiting_to_return,
    "held": _after(10.0, _held),
    "degraded": _after(60.0, lambda sim: sim.sbc("primary").answer(500)),
    "stopped": _after(20.0, lambda sim: sim.sbc("primary").stop()),
    "no carrier": _after(20.0, lambda sim: sim.wan("fibre").lose_carrier()),
    "no interface": _after(20.0, lambda sim: sim.wan("fibre").vanish()),
    "interface gone at once": lambda sim: sim.wan("fibre").vanish(),
    "all dark": _after(60.0, lambda sim: [circuit.fall_silent() for circuit in sim.network.circuits]),
    "kept by stun": _after(300.0, _kept),
    "asked by stun": _asked,
    "silent to stun": _after(300.0, lambda sim: sim.reload(KEPT)),
    "reconfigured": _after(10.0, lambda sim: sim.reload(SMALLER)),
    "reconfigured to elsewhere": _after(10.0, lambda sim: sim.reload(OTHER)),
    "back": _after(10.0, lambda sim: sim.reload(OTHER), lambda sim: sim.run(5.0), lambda sim: sim.reload(SITE)),
}


class Anything(Simulation):
    """Carries on when fed what no driver says: a socket that was promised and is not there swallows what is sent."""

    def feed(self, event):
        if isinstance(event, SiteChanged):
            self._know(event.site)
        return super().feed(event)

    def _send(self, command):
        if command.path in self._sockets:
            super()._send(command)


def look_at(report):
    """What must hold whatever was fed."""
    assert len({(finding.code, finding.subject) for finding in report.findings}) == len(report.findings)
    blamed = [wan for wan in report.wans if wan.blamed]
    assert all(wan.state != "up" for wan in blamed)


def let_time_pass(agent, now, seconds):
    """Serve every timer of the next seconds in a world that does not answer."""
    until = now + seconds
    for _ in range(1_000):
        deadline = agent.next_deadline()
        if deadline is None or deadline > until:
            return
        now = max(now, deadline)
        agent.handle(DeadlineReached("0123456789abcdef" * 2), now)
    raise AssertionError(f"never quiet, at {now}")


QUICK = ("new", "suspect")
"""States for the default run; the others take their turn with the simulations."""


@pytest.mark.parametrize(
    "state", [pytest.param(one, marks=[] if one in QUICK else pytest.mark.simulation) for one in STATES]
)
def test_no_event_in_this_state_raises_or_keeps_the_agent_from_going_quiet(state):
    sim = Simulation(SITE, seed=1, keep_journal=True)
    STATES[state](sim)
    frozen = pickle.dumps(sim.agent)
    for event in every_event(sim):
        agent = pickle.loads(frozen)
        assert all(isinstance(command, get_args(Command)) for command in agent.handle(event, sim.now))
        look_at(agent.report(sim.now))
        let_time_pass(agent, sim.now, 6.0)
        look_at(agent.report(sim.now + 6.0))


def test_the_table_has_every_kind_of_event():
    sim = Simulation(SITE, seed=1, keep_journal=True)
    assert {type(event) for event in every_event(sim)} == set(get_args(Event))


class AnyRoad(RuleBasedStateMachine):
    """Faults, foreign events and time in any order."""

    @initialize(seed=st.integers(0, 2**32), site=st.sampled_from([SITE, HASTY, KEPT, SMALLER]))
    def begin(self, seed, site):
        self.sim = Anything(SITE, seed=seed, keep_journal=True)
        if site is not SITE:
            self.sim.reload(site)

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.2, 1.0, 6.0, 40.0, 400.0]))
    def time_passes(self, seconds):
        self.sim.run(seconds)

    @rule(seconds=st.sampled_from([0.5, 6.0, 60.0]))
    def the_agent_stalls(self, seconds):
        self.sim.stall(seconds)

    @rule(name=st.sampled_from(["primary", "alternate"]), mood=st.integers(0, 6))
    def an_sbc_changes_its_mood(self, name, mood):
        peer = self.sim.sbc(name)
        [
            peer.recover,
            peer.fall_silent,
            peer.stop,
            lambda: peer.answer(503, retry_after=30),
            lambda: peer.answer(500),
            lambda: peer.answer(200, late=2.0),
            lambda: setattr(peer, "does_stun", not peer.does_stun),
        ][mood]()

    @rule(name=st.sampled_from(["fibre", "lte"]), fault=st.integers(0, 4))
    def a_wan_changes(self, name, fault):
        circuit = self.sim.wan(name)
        [
            circuit.recover,
            circuit.fall_silent,
            circuit.lose_carrier,
            circuit.vanish,
            lambda: circuit.lose(0.3),
        ][fault]()

    @rule(data=st.data())
    def anything_is_fed(self, data):
        self.sim.feed(data.draw(st.sampled_from(every_event(self.sim))))

    @invariant()
    def the_report_can_be_read(self):
        if hasattr(self, "sim"):
            look_at(self.sim.report())


AnyRoad.TestCase.settings = settings(
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestAnyRoad = AnyRoad.TestCase
