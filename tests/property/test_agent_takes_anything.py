"""Whatever happens, in whatever order: the agent answers, its timers move on, and its restraint holds."""

from __future__ import annotations

import dataclasses
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.talk import ADDRESS, OWN, Talk, answer, measured_nat, path, site
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.commands import LogChange, SendOptions
from tonekeeper.core.depth.result import DepthResult, DepthVerdict
from tonekeeper.core.egress.result import EgressTrial, Fact, PathMtu
from tonekeeper.core.egress.result import Outcome as Found
from tonekeeper.core.events import (
    BindingResponseReceived,
    Checked,
    ClockJumped,
    DatagramIgnored,
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
from tonekeeper.core.site import Depth, LanPolicy, NatPolicy, ProbePolicy, Target, Transport
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.self_description import SelfDescription

PATHS = st.sampled_from([path(wan, sbc) for wan in ("fibre", "lte") for sbc in ("primary", "alternate")])
LINKS = st.builds(
    LinkChanged,
    interface=st.sampled_from(list(OWN)),
    present=st.booleans(),
    carrier=st.booleans(),
    addresses=st.sampled_from([(), ("198.51.100.2",), ("203.0.113.2",), ("198.51.100.3", "2001:db8::3")]),
)
FLOWS = st.builds(
    Flow,
    protocol=st.sampled_from(Protocol),
    source=st.sampled_from(["192.168.1.20", "203.0.113.2"]),
    source_port=st.just(5060),
    destination=st.just(ADDRESS["primary"].host),
    destination_port=st.sampled_from([5060, 30000]),
    nat_source=st.sampled_from(list(OWN.values())),
    nat_source_port=st.just(5060),
    packets_out=st.none() | st.integers(0, 5),
    packets_in=st.none() | st.integers(0, 5),
)
TARGETS = st.builds(Target, st.sampled_from(Transport), st.sampled_from(list(ADDRESS.values())), st.integers(0, 2))
KEPT_BY_STUN = dataclasses.replace(
    site(),
    sbcs=tuple(dataclasses.replace(sbc, stun=True) for sbc in site().sbcs),
    probe=ProbePolicy(interval=60.0),
)
BLOCKED = Observation("firewall-wan-specific", "lte", {"flows": "udp 192.0.2.1:5060", "rule": "drop", "change": "nft"})
HAPPENINGS: dict[type[Event], st.SearchStrategy[Event]] = {
    Started: st.just(Started()),
    LinkChanged: LINKS,
    IcmpReceived: st.builds(
        IcmpReceived, PATHS, st.integers(0, 20), st.integers(0, 20), st.sampled_from(["", "192.0.2.9"])
    ),
    SendRefused: st.builds(SendRefused, PATHS, st.just("z9hG4bKx"), st.integers(0, 133)),
    PathOpened: st.builds(PathOpened, PATHS, st.just(Endpoint("198.51.100.2", 4000))),
    PathRefused: st.builds(PathRefused, PATHS, st.integers(0, 133), st.just("because")),
    DatagramIgnored: st.builds(DatagramIgnored, PATHS, st.just(ADDRESS["primary"]), st.just("noise"), st.just(3)),
    SbcResolved: st.builds(
        SbcResolved,
        st.sampled_from([*ADDRESS, "stranger"]),
        st.lists(TARGETS, min_size=1, max_size=3).map(tuple),
        st.sampled_from(["", "fibre", "lte"]),
        st.sampled_from(["192.0.2.53", "192.0.2.54"]),
        st.floats(0, 1e6),
    ),
    SbcUnresolved: st.builds(
        SbcUnresolved,
        st.sampled_from([*ADDRESS, "stranger"]),
        st.just("silence"),
        st.sampled_from(["", "fibre", "lte"]),
        st.just("192.0.2.53"),
        st.sampled_from(NameFailure),
    ),
    TargetsRecalled: st.builds(
        TargetsRecalled, st.sampled_from([*ADDRESS, "stranger"]), st.tuples(TARGETS), st.floats(0, 1e6)
    ),
    StreamEnded: st.builds(StreamEnded, PATHS, st.sampled_from([0, 104]), st.just("closed")),
    ServerDescribed: st.builds(
        ServerDescribed, PATHS, st.builds(SelfDescription, server=st.sampled_from(["", "a/1", "b/2"]))
    ),
    PongReceived: st.builds(PongReceived, PATHS),
    BindingResponseReceived: st.builds(
        BindingResponseReceived,
        PATHS,
        st.sampled_from(list(ADDRESS.values())),
        st.just("5" * 24),
        st.just(Endpoint("203.0.113.77", 40000)),
    ),
    TlsSeen: st.builds(
        TlsSeen, PATHS, st.builds(TlsFacts, st.sampled_from(["", "expired"]), expires_in_s=st.floats(-1e9, 1e9))
    ),
    DepthProbed: st.builds(
        lambda path, depth, verdict: DepthProbed(path, depth, DepthResult(depth, verdict, "because")),
        PATHS,
        st.sampled_from(Depth),
        st.sampled_from(DepthVerdict),
    ),
    SiteChanged: st.sampled_from(
        [SiteChanged(of) for of in (site(), site("lte"), site(sbcs="alternate"), KEPT_BY_STUN)]
    ),
    ClockJumped: st.builds(ClockJumped, st.floats(-1e9, 1e9)),
    FacilityFailed: st.builds(FacilityFailed, st.sampled_from(Facility), st.integers(0, 133), st.just("no")),
    GatewayChanged: st.builds(
        GatewayChanged, st.sampled_from(list(OWN)), st.sampled_from([None, "", "198.51.100.1"]), st.just(None)
    ),
    ReversePathFilterRead: st.builds(ReversePathFilterRead, st.sampled_from(list(OWN)), st.integers(0, 2)),
    RoutingChanged: st.builds(RoutingChanged, st.sampled_from(RoutingPart), st.booleans()),
    PlanApplied: st.builds(PlanApplied, st.integers(0, 9), st.integers(0, 9)),
    PlanRefused: st.builds(PlanRefused, st.integers(0, 9), st.just(1), st.just("not permitted")),
    FlowsListed: st.builds(FlowsListed, st.lists(FLOWS, max_size=4).map(tuple)),
    FlowsUnavailable: st.just(FlowsUnavailable(1, "not permitted")),
    FlowsDeleted: st.builds(FlowsDeleted, st.integers(0, 9)),
    EgressExamined: st.builds(
        lambda path, found, hop, mtu: EgressExamined(EgressTrial(path, "eth0", found, "seen", hop, (hop,), mtu=mtu)),
        PATHS,
        st.sampled_from(Found),
        st.sampled_from(["", "192.0.2.254", "198.51.100.10"]),
        st.none()
        | st.builds(
            PathMtu,
            st.just(1500),
            st.sampled_from([None, 600, 1400, 1500]),
            st.sampled_from([0, 1400]),
            cut=st.sampled_from(Fact),
            pieces=st.sampled_from(Fact),
        ),
    ),
    PathWalked: st.builds(PathWalked, PATHS, st.sampled_from([(), ("", "192.0.2.254"), ("192.0.2.254",)])),
    NatMeasured: st.sampled_from([NatMeasured(wan, measured_nat(wan)) for wan in ("fibre", "lte", "nobody")]),
    PhoneSeen: st.builds(
        PhoneSeen,
        st.sampled_from(["192.0.2.130", "192.0.2.131", "2001:db8::130"]),
        st.sampled_from(PhoneSign),
        st.sampled_from(["", "br-lan"]),
        st.sampled_from(["", "00:15:65:00:00:01", "00:15:65:00:00:02"]),
        user_agent=st.sampled_from(["", "Yealink SIP-T46U 108.86.0.20"]),
        registration=st.none() | st.builds(PhoneRegistration, st.just(Transport.UDP), keepalive_s=st.floats(1, 1e6)),
    ),
    FirewallExamined: st.builds(FirewallExamined, st.just(()), st.sampled_from([(), (BLOCKED,)])),
    Checked: st.builds(
        Checked,
        st.builds(
            CheckResult,
            st.sampled_from(Check),
            st.sampled_from(Outcome),
            st.just("seen"),
            st.sampled_from([(), (BLOCKED,)]),
        ),
    ),
    DiagnosisBegun: st.builds(DiagnosisBegun, st.booleans()),
    FacilityRecovered: st.builds(FacilityRecovered, st.sampled_from(Facility)),
}
WORLD = st.sampled_from(["silence fibre", "silence primary", "silence all", "restore", "503", "500", "late answer"])


def change_world(talk: Talk, what: str) -> None:
    match what.split():
        case ["silence", "all"]:
            talk.silence()
        case ["silence", "fibre"]:
            talk.silence(wan="fibre")
        case ["silence", "primary"]:
            talk.silence(sbc="primary")
        case ["503"]:
            talk.codes["primary"] = (503, 7)
        case ["500"]:
            talk.codes["alternate"] = (500, None)
        case ["late", "answer"]:
            probe = next((c for _, c in reversed(talk.done) if isinstance(c, SendOptions)), None)
            if probe is not None:
                talk.tell(answer(probe, 100))
                talk.tell(answer(probe))
        case _:
            talk.restore()


def test_every_kind_of_event_is_tried():
    told_by_the_talk = {"DeadlineReached", "ReplyReceived"}
    assert {kind.__name__ for kind in HAPPENINGS} | told_by_the_talk == {kind.__name__ for kind in get_args(Event)}


@given(
    st.lists(
        st.tuples(st.one_of(*HAPPENINGS.values(), WORLD), st.sampled_from([0.0, 0.2, 1.0, 7.0, 40.0])), max_size=25
    )
)
def test_nothing_that_happens_breaks_the_agent(story):
    talk = Talk(
        dataclasses.replace(site(mode="steer"), nat=NatPolicy("stun.example.net"), lan=LanPolicy(("br-lan",)))
    ).begin()
    for happening, wait in story:
        if isinstance(happening, str):
            change_world(talk, happening)
        else:
            talk.tell(happening)
        talk.pass_time(wait)
        deadline = talk.agent.next_deadline()
        assert deadline is None or deadline > talk.now or talk.coming
        assert talk.report.findings is not None


@given(st.lists(st.tuples(st.one_of(LINKS, WORLD), st.sampled_from([0.5, 3.0, 10.0])), max_size=20))
def test_it_never_moves_to_a_place_it_never_asked_nor_oftener_than_the_bucket_allows(story):
    talk = Talk(site(switches=2, switch_refill=10_000)).begin()
    for happening, wait in story:
        if isinstance(happening, str):
            change_world(talk, happening)
        else:
            talk.tell(happening)
        seen = len(talk.done)
        talk.pass_time(wait)
        for at, command in talk.done[seen:]:
            if isinstance(command, LogChange) and command.subject == "active":
                sbc, _, wan = command.after.partition(" over ")
                asked = [c for when, c in talk.done if isinstance(c, SendOptions) and when <= at]
                assert path(wan, sbc) in [probe.path for probe in asked]
    assert talk.report.active.switches <= 2


def test_a_reply_to_nothing_is_nothing():
    talk = Talk().begin()
    probe = next(c for _, c in talk.done if isinstance(c, SendOptions))
    forged = answer(probe)
    talk.agent.situation.probes.clear()
    assert talk.agent.handle(ReplyReceived(forged.path, forged.source, forged.reply), talk.now) == []
