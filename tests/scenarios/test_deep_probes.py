"""What deep probes find, and what the site does about it."""

from __future__ import annotations

import itertools

import pytest

from tonekeeper.core.commands import ProbeDepth
from tonekeeper.core.depth.result import DepthResult, DepthVerdict, VoiceQuality
from tonekeeper.core.site import Account, Depth, DepthPolicy, Sbc, Wan
from tonekeeper.drivers.sim.simulation import Simulation, minutes

DEPTHS = (
    DepthPolicy(Depth.REGISTER, 60.0),
    DepthPolicy(Depth.CALL, 300.0, "echo"),
    DepthPolicy(Depth.VOICEMAIL, 120.0),
)
ACCOUNT = Account("tonekeeper", password_env="PASSWORD")
WANS = ("fibre", "lte")


def proven(name: str, host: str, *depths: DepthPolicy) -> Sbc:
    return Sbc(name, f"sip:{host}", host, account=ACCOUNT, depths=depths or DEPTHS)


@pytest.fixture
def sim(simulate) -> Simulation:
    return simulate(
        wans=(Wan("fibre", "eth0"), Wan("lte", "wwan0")),
        sbcs=(proven("primary", "sbc1.example.net"), proven("alternate", "sbc2.example.net")),
        keep_journal=True,
    )


def breaks(sim: Simulation, depth: Depth, result: DepthResult, *wans: str, sbc: str = "primary") -> None:
    for wan in wans or WANS:
        sim.depths[wan, sbc, depth] = result


def failed(depth: Depth, status: int = 500) -> DepthResult:
    return DepthResult(depth, DepthVerdict.FAILED, f"answered {status}", statuses=(status, status))


def sbc_of(sim: Simulation, name: str = "primary"):
    return next(sbc for sbc in sim.report().sbcs if sbc.name == name)


def findings(sim: Simulation) -> list[str]:
    return [f"{finding.code} {finding.subject}" for finding in sim.report().findings]


def asked(sim: Simulation, depth: Depth, since: float = 0.0) -> list[float]:
    return [
        step.now
        for step in sim.journal or []
        for command in step.commands
        if isinstance(command, ProbeDepth) and command.policy.depth is depth and step.now >= since
    ]


def test_everything_that_is_asked_for_is_proven_over_each_wan(sim):
    sim.run(minutes(2))
    functions = {function.function: function.state for function in sbc_of(sim).functions}
    assert functions == dict.fromkeys(("signalling", "registration", "voicemail"), "ok") | functions
    assert sbc_of(sim).registrations.successes >= 4
    assert findings(sim) == []


def test_an_sbc_that_answers_but_does_not_register_is_degraded_and_left(sim):
    sim.run(minutes(3))
    breaks(sim, Depth.REGISTER, failed(Depth.REGISTER))
    sim.run(minutes(5))
    assert (sbc_of(sim).state, sbc_of(sim).control) == ("degraded", "degraded")
    assert "registration fails" in sbc_of(sim).reason
    assert sim.report().active.sbc == "alternate"


def test_credentials_that_are_refused_are_said_so_and_not_tried_by_every_probe_of_the_account(sim):
    sim.run(minutes(3))
    for depth in Depth:
        breaks(sim, depth, DepthResult(depth, DepthVerdict.DENIED, "answered 403", statuses=(401, 403)))
    since = sim.now
    sim.run(minutes(10))
    assert "sbc-auth-broken primary" in findings(sim)
    on_primary = [
        step.now
        for step in sim.journal
        for command in step.commands
        if isinstance(command, ProbeDepth) and command.path.sbc == "primary" and step.now > since
    ]
    assert len(on_primary) <= 12


def test_silence_one_way_is_the_media_and_not_the_control_plane(sim):
    sim.run(minutes(8))
    voice = VoiceQuality(setup_s=0.1, sent=100, received=0, loss=1.0, one_way="nothing comes back")
    breaks(sim, Depth.CALL, DepthResult(Depth.CALL, DepthVerdict.FAILED, "nothing comes back", (200,), voice=voice))
    sim.run(minutes(12))
    assert "media-one-way primary" in findings(sim)
    assert (sbc_of(sim).control, sbc_of(sim).media) == ("healthy", "degraded")
    assert sim.report().active.sbc == "alternate"


def test_voicemail_that_fails_takes_the_site_nowhere_and_is_found_elsewhere(sim):
    sim.run(minutes(5))
    breaks(sim, Depth.VOICEMAIL, failed(Depth.VOICEMAIL))
    sim.run(minutes(10))
    report = sim.report()
    assert (report.active.sbc, report.active.voicemail) == ("primary", "alternate over fibre")
    assert "sbc-degraded primary" in findings(sim)


def test_what_fails_over_one_wan_only_is_that_wans(sim):
    sim.run(minutes(3))
    breaks(sim, Depth.REGISTER, failed(Depth.REGISTER), "fibre")
    sim.run(minutes(5))
    assert sbc_of(sim).state == "healthy"
    assert "function-failing primary" in findings(sim)
    assert (sim.report().active.wan, sim.report().active.sbc) == ("lte", "primary")


def test_the_time_to_recovery_is_kept(sim):
    sim.run(minutes(3))
    breaks(sim, Depth.REGISTER, failed(Depth.REGISTER))
    sim.run(minutes(5))
    sim.depths.clear()
    sim.run(minutes(10))
    registration = next(one for one in sbc_of(sim).functions if one.function == "registration")
    assert (registration.state, registration.recoveries) == ("ok", 1)
    assert 120.0 <= registration.recovery_s <= 900.0


def test_a_standby_that_has_not_passed_for_long_is_said_to_be_unproven(sim):
    sim.run(minutes(10))
    breaks(sim, Depth.CALL, failed(Depth.CALL, 503), sbc="alternate")
    sim.run(minutes(20))
    unproven = next(one for one in sim.report().findings if one.code == "standby-unproven")
    assert (unproven.subject, unproven.evidence["depth"]) == ("alternate", "call")


def test_an_sbc_that_drains_is_left_alone_by_deep_probes_too(sim):
    sim.run(minutes(3))
    sim.sbc("primary").answer(503, retry_after=600)
    sim.run(10.0)
    since = sim.now
    sim.run(minutes(8))
    on_primary = [
        command
        for step in sim.journal
        for command in step.commands
        if isinstance(command, ProbeDepth) and command.path.sbc == "primary" and step.now > since
    ]
    assert on_primary == []


def test_only_one_deep_probe_is_under_way_at_a_time(sim):
    sim.run(minutes(30))
    begun = sorted(at for depth in Depth for at in asked(sim, depth))
    assert len(begun) > 50
    assert min(after - before for before, after in itertools.pairwise(begun)) >= 0.5
