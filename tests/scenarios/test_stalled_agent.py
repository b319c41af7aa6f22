"""The agent itself is slow: suspended, starved, paged out. That is no news about the network."""

from __future__ import annotations

import pytest

from tonekeeper.drivers.sim.simulation import minutes


def verdicts(sim):
    return [entry for entry in sim.log if entry.after == "down"]


@pytest.mark.parametrize("seed", range(3))
def test_a_minute_without_a_processor_gives_no_verdict_at_whatever_phase_it_comes(simulate, seed):
    sim = simulate(seed=seed)
    for _ in range(10):
        sim.run(minutes(1) + 10.0 * sim.random.random())
        sim.stall(60.0)
    sim.run(minutes(5))
    assert verdicts(sim) == []
    assert sim.report().active.switches == 0


def test_a_stall_while_an_answer_is_under_way_gives_no_verdict(simulate):
    sim = simulate()
    sim.run(minutes(5))
    for _ in range(10):
        asked = sim.sbc("primary").requests
        sim.run_until(lambda asked=asked: sim.sbc("primary").requests > asked, within=6.0)
        sim.stall(60.0)
        sim.run(30.0)
    assert verdicts(sim) == []


def test_a_stall_right_after_a_lost_probe_gives_no_verdict(simulate):
    sim = simulate()
    sim.run(minutes(5))
    path = sim.network.path("fibre", "primary")
    for _ in range(10):
        sim.run_until(lambda: last_reply(sim) == 0.0, within=6.0)
        path.fall_silent()
        sim.run_until(lambda: state(sim) == "suspect", within=6.0)
        path.recover()
        sim.stall(60.0)
        sim.run(minutes(1))
    assert verdicts(sim) == []


def test_many_short_stalls_give_no_verdict(simulate):
    sim = simulate()
    for _ in range(200):
        sim.run(5.0 * sim.random.random())
        sim.stall(2.0 * sim.random.random())
    assert verdicts(sim) == []


def test_an_sbc_that_died_during_a_stall_is_found_dead_afterwards(simulate):
    sim = simulate()
    sim.run(minutes(5))
    sim.after(10.0, sim.sbc("primary").fall_silent)
    sim.stall(60.0)
    sim.run_until(lambda: sim.report().active.sbc == "alternate", within=7.0)


def state(sim):
    return sim.report().sbcs[0].paths[0].state


def last_reply(sim):
    return sim.report().sbcs[0].paths[0].last_reply_s
