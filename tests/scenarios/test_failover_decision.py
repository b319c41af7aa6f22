"""Two WANs, two SBCs, the decision as the operator gets it: where the site should be, and when it moves."""

from __future__ import annotations

import pytest

from tonekeeper.core.agent import Agent
from tonekeeper.core.commands import LogChange
from tonekeeper.core.report import SbcState
from tonekeeper.core.site import Sbc, Wan
from tonekeeper.drivers.sim.simulation import hours, minutes

pytestmark = pytest.mark.simulation  # half an hour of virtual time each

PRIMARY_PLACE, ALTERNATE_PLACE = "primary over fibre", "alternate over fibre"
WITHIN = 7.0
"""Seconds for any decision here: a 5 s cadence, confirming probes, the witness."""


@pytest.fixture
def settled(simulate):
    """A site that has been fine for some minutes."""

    def make(**site):
        sim = simulate(**site)
        sim.run(minutes(3))
        assert active(sim) == PRIMARY_PLACE
        return sim

    return make


def test_the_site_begins_on_its_first_choice_as_soon_as_that_is_proven(simulate):
    sim = simulate()
    took = sim.run_until(lambda: active(sim) == PRIMARY_PLACE, within=1.0)
    assert took < 0.2


def test_a_first_choice_that_is_dead_from_the_start_is_given_three_seconds(simulate):
    sim = simulate()
    sim.sbc("primary").fall_silent()
    took = sim.run_until(lambda: active(sim) == ALTERNATE_PLACE, within=10.0)
    assert took <= 5.0


def test_a_silent_sbc_moves_the_site_to_the_proven_alternate_and_not_before_the_verdict(settled):
    sim = settled()
    sim.sbc("primary").fall_silent()
    sim.run_until(lambda: active(sim) == ALTERNATE_PLACE, within=WITHIN)
    sim.run(1.0)
    fell = first(sim, "path fibre/primary", "down")
    assert fell.at <= first(sim, "active", ALTERNATE_PLACE).at
    assert sbc(sim, "primary").state is SbcState.DOWN
    assert not any(wan.blamed for wan in sim.report().wans)


def test_the_site_does_not_move_before_the_alternate_has_answered_a_probe_sent_since_the_alarm(settled):
    sim = settled()
    sim.sbc("alternate").answer(200, late=3.0)
    sim.run(minutes(5))  # the adaptive timeouts learn the new delay
    assert sbc(sim, "alternate").state is SbcState.DEGRADED
    sim.sbc("primary").fall_silent()
    asked_before = sim.sbc("alternate").requests
    sim.run_until(lambda: bool(after(sim, "path fibre/primary", "down")), within=WITHIN)
    took = sim.run_until(lambda: active(sim) == ALTERNATE_PLACE, within=10.0)
    assert sim.sbc("alternate").requests > asked_before
    assert took > 1.0, "the witness takes 3 s to speak"


def test_with_both_sbcs_dead_there_is_no_switch(settled):
    sim = settled()
    sim.sbc("primary").fall_silent()
    sim.sbc("alternate").fall_silent()
    sim.run(hours(2))
    assert active(sim) == PRIMARY_PLACE
    assert sim.report().active.switches == 0
    assert changes(sim, "active")[1:] == []


def test_with_both_sbcs_dead_the_first_to_return_is_taken(settled):
    sim = settled()
    sim.sbc("primary").fall_silent()
    sim.sbc("alternate").fall_silent()
    sim.run(minutes(5))
    sim.sbc("alternate").recover()
    sim.run_until(lambda: active(sim).startswith("alternate"), within=10.0)


@pytest.mark.parametrize("seed", range(4))
def test_no_wan_is_blamed_for_being_asked_later_than_the_other_when_an_sbc_returns(settled, seed):
    sim = settled(seed=seed)
    sim.sbc("primary").fall_silent()
    sim.sbc("alternate").fall_silent()
    sim.run(minutes(5))
    sim.sbc("alternate").recover()
    sim.run(minutes(1))
    assert after(sim, "wan ", "down") == []


def test_an_alternate_that_died_unnoticed_just_before_is_not_fled_to(settled):
    sim = settled()
    sim.sbc("alternate").fall_silent()
    sim.sbc("primary").stop()  # seen with the next probe, long before the alternate's silence is
    sim.run(minutes(1))
    assert changes(sim, "active")[1:] == []


def test_a_wan_that_falls_silent_is_blamed_and_the_sbcs_are_not(settled):
    sim = settled()
    sim.wan("fibre").fall_silent()
    sim.run_until(lambda: active(sim) == "primary over lte", within=WITHIN)
    sim.run(minutes(1))
    assert {wan.name: (wan.state, wan.blamed) for wan in sim.report().wans} == {
        "fibre": ("down", True),
        "lte": ("up", False),
    }
    assert [s.state for s in sim.report().sbcs] == [SbcState.HEALTHY] * 2
    assert after(sim, "sbc ", "down") == []


def test_a_wan_that_loses_its_carrier_is_left_at_once(settled):
    sim = settled()
    sim.wan("fibre").lose_carrier()
    assert sim.run_until(lambda: active(sim).endswith("over lte"), within=1.0) < 0.2


def test_a_wan_that_loses_its_carrier_does_not_cost_the_sbc_as_well_although_the_alternate_is_nearer(settled):
    sim = settled()
    sim.network.path("lte", "primary").delay(0.040)
    sim.run(minutes(1))
    sim.wan("fibre").lose_carrier()
    sim.run(minutes(2))
    assert places(sim) == [PRIMARY_PLACE, "primary over lte"]


def test_a_stopped_sbc_does_not_cost_the_wan_as_well_although_the_other_wan_is_quicker(settled):
    sim = settled()
    sim.wan("fibre").delay(0.040)
    sim.run(minutes(1))
    sim.sbc("primary").stop()
    sim.run(minutes(2))
    assert places(sim) == [PRIMARY_PLACE, ALTERNATE_PLACE]


@pytest.mark.parametrize("seed", range(3))
def test_the_site_does_not_stay_on_a_lesser_place_while_a_better_one_is_proven(settled, seed):
    sim = settled(seed=seed)
    sim.wan("fibre").delay(0.040)
    for _ in range(4):
        sim.run(minutes(30) + 10.0 * sim.random.random())
        assert active(sim) == PRIMARY_PLACE
        sim.sbc("primary").stop()
        sim.run(minutes(30))
        assert active(sim) == ALTERNATE_PLACE
        sim.sbc("primary").recover()


def test_one_silent_cell_is_the_path_between_them(settled):
    sim = settled()
    sim.network.path("fibre", "primary").fall_silent()
    sim.run_until(lambda: active(sim) == "primary over lte", within=WITHIN)
    sim.run(minutes(1))
    report = sim.report()
    assert [wan.state for wan in report.wans] == ["up", "up"]
    assert after(sim, "wan ", "down") == after(sim, "sbc ", "down") == []
    assert any(finding.code.startswith("path") for finding in report.findings)


def test_a_silent_cell_that_is_not_in_use_moves_nothing(settled):
    sim = settled()
    sim.network.path("lte", "alternate").fall_silent()
    sim.run(minutes(30))
    assert changes(sim, "active")[1:] == []


def test_a_stopped_sbc_is_called_down_within_200_ms_of_the_next_probe(settled):
    sim = settled()
    sim.sbc("primary").stop()
    asked = sim.sbc("primary").requests
    sim.run_until(lambda: sim.sbc("primary").requests > asked, within=6.0)
    assert sim.run_until(lambda: bool(after(sim, "path ", "down")), within=1.0) < 0.2
    assert sim.run_until(lambda: active(sim) == ALTERNATE_PLACE, within=2.0) < 0.5


def test_a_flapping_sbc_costs_one_switch_because_the_way_back_waits(settled):
    sim = settled()
    flap(sim, down=20.0, up=60.0, for_=hours(1))
    assert sim.report().active.switches == 1


@pytest.mark.parametrize("switches", [1, 2, 3])
def test_flapping_never_costs_more_switches_than_the_bucket_holds_however_hasty_the_site_is(settled, switches):
    sim = settled(switches=switches, switch_refill=hours(1), failback_after=5.0, failback_spread=0.0, min_dwell=0.0)
    flap(sim, down=20.0, up=30.0, for_=minutes(50))
    assert sim.report().active.switches == switches


def test_the_bucket_refills_one_switch_at_a_time(settled):
    sim = settled(switches=2, switch_refill=600.0, failback_after=5.0, failback_spread=0.0, min_dwell=0.0)
    flap(sim, down=20.0, up=30.0, for_=minutes(60))
    assert 2 < sim.report().active.switches <= 2 + 6


@pytest.mark.parametrize("seed", range(3))
def test_the_way_back_waits_for_proven_stability_and_then_a_random_while(settled, seed):
    sim = settled(seed=seed)
    waited = failback_wait(sim)
    assert 300.0 <= waited <= 300.0 + 60.0 + 5.0


def test_a_fleet_does_not_return_in_the_same_second(simulate):
    moments = []
    for seed in range(8):
        sim = simulate(seed=seed, wans=(Wan("fibre", "eth0"),))
        sim.run(minutes(1))
        moments.append(failback_wait(sim))
    assert len({round(moment) for moment in moments}) >= 7
    assert max(moments) - min(moments) > 20.0


def test_a_relapse_during_the_wait_starts_it_again(settled):
    sim = settled()
    die_and_recover(sim)
    sim.run(200.0)
    die_and_recover(sim)
    recovered = sim.now
    sim.run_until(lambda: active(sim) == PRIMARY_PLACE, within=minutes(10))
    assert sim.now - recovered >= 300.0


def test_503_with_retry_after_leaves_the_sbc_alone_for_that_long(settled):
    sim = settled()
    primary = sim.sbc("primary")
    primary.answer(503, retry_after=120)
    asked = primary.requests
    sim.run_until(lambda: sbc(sim, "primary").state is SbcState.DRAINING, within=6.0)
    assert primary.requests - asked <= 2, "one over each WAN at most"
    sim.run_until(lambda: active(sim) == ALTERNATE_PLACE, within=1.0)
    primary.recover()
    sim.run(1.0)
    asked = primary.requests
    sim.run(118.0)
    assert primary.requests == asked
    sim.run(10.0)
    assert primary.requests > asked
    assert sbc(sim, "primary").state is SbcState.HEALTHY
    assert after(sim, "sbc primary", "down") == after(sim, "path ", "down") == []


def test_a_wan_that_falls_silent_while_an_sbc_is_left_alone_is_down(settled):
    sim = settled()
    sim.sbc("primary").answer(503, retry_after=600)
    sim.run(minutes(1))
    sim.wan("fibre").fall_silent()
    sim.run(minutes(1))
    assert active(sim) == "alternate over lte"
    assert [(wan.state, wan.blamed) for wan in sim.report().wans] == [("down", True), ("up", False)]


def test_an_sbc_that_answers_500_is_degraded_and_left_after_min_dwell(settled):
    sim = settled(min_dwell=30.0)
    sim.sbc("primary").answer(500)
    degraded = sim.run_until(lambda: sbc(sim, "primary").state is SbcState.DEGRADED, within=WITHIN)
    assert degraded > 0
    assert sim.run_until(lambda: active(sim) == ALTERNATE_PLACE, within=60.0) == pytest.approx(30.0, abs=6.0)
    assert after(sim, "path ", "down") == []


def test_an_sbc_that_answers_404_is_healthy(settled):
    sim = settled()
    sim.sbc("primary").answer(404)
    sim.run(minutes(5))
    assert sbc(sim, "primary").state is SbcState.HEALTHY
    assert sbc(sim, "primary").paths[0].last_reply == "404"


def test_an_sbc_that_turns_slow_is_not_given_up_for_good(settled):
    sim = settled()
    sim.sbc("primary").answer(200, late=1.5)
    sim.run(minutes(10))
    assert [path.state for path in sbc(sim, "primary").paths] == ["up", "up"]
    assert len(after(sim, "path fibre/primary", "down")) <= 1
    sim.run(minutes(30))
    assert len(after(sim, "path fibre/primary", "down")) <= 1


def test_an_sbc_taken_out_of_the_configuration_is_left_and_never_asked_again(settled):
    sim = settled()
    alternate = sim.agent.situation.site.sbcs[1]
    sim.reload(type(sim.agent.situation.site)("site-0042", sim.agent.situation.site.wans, (alternate,)))
    sim.run(1.0)
    asked = sim.sbc("primary").requests
    sim.run_until(lambda: active(sim) == ALTERNATE_PLACE, within=10.0)
    sim.run(minutes(5))
    assert sim.sbc("primary").requests == asked


def test_an_sbc_added_to_the_configuration_is_asked_and_the_others_keep_their_history(settled):
    sim = settled()
    site = sim.agent.situation.site
    third = Sbc("third", "sip:sbc3.example.net", "sbc3.example.net", 5060)
    answered = sbc(sim, "primary").paths[0].received
    sim.reload(type(site)(site.name, site.wans, (*site.sbcs, third)))
    sim.run(10.0)
    assert sbc(sim, "third").state is SbcState.HEALTHY
    assert sbc(sim, "primary").paths[0].received > answered


def test_the_same_seed_gives_the_same_incident(simulate):
    def incident():
        sim = simulate(seed=11, keep_journal=True)
        sim.network.path("fibre", "primary").lose(0.05)
        sim.after(300.0, sim.sbc("primary").fall_silent)
        sim.after(600.0, sim.sbc("primary").recover)
        sim.run(minutes(30))
        return sim

    assert incident().journal == incident().journal


def test_the_core_answers_a_journal_as_it_did_when_the_journal_was_written(simulate):
    sim = simulate(seed=11, keep_journal=True)
    sim.network.path("fibre", "primary").lose(0.05)
    sim.after(300.0, sim.wan("fibre").lose_carrier)
    sim.after(400.0, sim.wan("fibre").recover)
    sim.after(600.0, sim.sbc("primary").stop)
    sim.run(minutes(30))
    again = Agent(sim.agent.situation.site, seed=sim.core_seed, started=0.0, version="simulated")
    for now, event, commands in sim.journal:
        assert again.handle(event, now) == commands
    assert any(isinstance(command, LogChange) for step in sim.journal for command in step.commands)


# --- reading the simulation


def active(sim):
    place = sim.report().active
    return f"{place.sbc} over {place.wan}"


def places(sim):
    """Everywhere the site has been told to be, in order."""
    return [entry.after for entry in changes(sim, "active")]


def sbc(sim, name):
    return next(one for one in sim.report().sbcs if one.name == name)


def changes(sim, subject):
    return [entry for entry in sim.log if entry.subject.startswith(subject)]


def after(sim, subject, state):
    return [entry for entry in changes(sim, subject) if entry.after == state]


def first(sim, subject, state):
    return after(sim, subject, state)[0]


def flap(sim, *, down, up, for_):
    """The primary dies and returns, again and again; alternate and WANs are fine."""
    until = sim.now + for_
    while sim.now < until:
        sim.sbc("primary").fall_silent()
        sim.run(down)
        sim.sbc("primary").recover()
        sim.run(up)


def die_and_recover(sim):
    """A minute of silence of the primary, and the time until its path is up again."""
    sim.sbc("primary").fall_silent()
    sim.run(60.0)
    sim.sbc("primary").recover()
    sim.run_until(lambda: sbc(sim, "primary").paths[0].state == "up", within=30.0)


def failback_wait(sim):
    """Seconds from the primary's path being up again to the way back."""
    die_and_recover(sim)
    assert active(sim) == ALTERNATE_PLACE
    return sim.run_until(lambda: active(sim) == PRIMARY_PLACE, within=minutes(10))
