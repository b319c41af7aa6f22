"""Answers that take longer than the time between two probes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.scenarios.conftest import site_with

from tonekeeper.core.site import ProbePolicy
from tonekeeper.drivers.sim.simulation import Simulation, minutes

pytestmark = pytest.mark.simulation


@pytest.fixture
def quick():
    """A site that is probed every second, and has been fine for a minute."""
    sim = Simulation(replace(site_with(), probe=ProbePolicy(interval=1.0)), seed=1)
    sim.run(minutes(1))
    return sim


def states(sim):
    primary = next(sbc for sbc in sim.report().sbcs if sbc.name == "primary")
    return {str(path.state) for path in primary.paths}


def test_an_sbc_that_answers_after_three_seconds_is_given_up_once_at_most(quick):
    quick.sbc("primary").answer(200, late=3.0)
    quick.run(minutes(10))
    assert states(quick) == {"up"}
    falls = [entry for entry in quick.log if entry.subject.startswith("path ") and entry.after == "down"]
    assert len(falls) <= 2, "over each WAN once"


def test_an_sbc_that_answered_after_three_seconds_and_dies_is_told(quick):
    quick.sbc("primary").answer(200, late=3.0)
    quick.run(minutes(2))
    quick.sbc("primary").fall_silent()
    assert quick.run_until(lambda: states(quick) == {"down"}, within=60.0) < 30.0


def test_a_slow_sbc_is_degraded_and_left_for_one_that_is_not(quick):
    quick.sbc("primary").answer(200, late=3.0)
    quick.run(minutes(3))
    primary = next(sbc for sbc in quick.report().sbcs if sbc.name == "primary")
    assert (primary.state, primary.reason) == (
        "degraded",
        "answers take 3.0 s over fibre and 3.0 s over lte, not so with alternate",
    )
    assert quick.report().active.sbc == "alternate"


def test_a_site_whose_every_sbc_is_slow_stays_where_it_is(quick):
    for name in ("primary", "alternate"):
        quick.sbc(name).answer(200, late=2.0)
    quick.run(minutes(10))
    active = quick.report().active
    assert (active.wan, active.sbc) == ("fibre", "primary")
    codes = [(finding.code, finding.subject) for finding in quick.report().findings]
    assert [code for code in codes if code[0] == "wan-degraded"] == [("wan-degraded", "fibre"), ("wan-degraded", "lte")]


def test_the_way_back_waits_until_answers_have_been_quick_for_long_enough(quick):
    quick.sbc("primary").answer(200, late=3.0)
    quick.run(minutes(3))
    quick.sbc("primary").recover()
    quick.run_until(lambda: all(sbc.state == "healthy" for sbc in quick.report().sbcs), within=60.0)
    took = quick.run_until(lambda: quick.report().active.sbc == "primary", within=minutes(10))
    assert took >= 280.0, "failback_after, from the last path on"
