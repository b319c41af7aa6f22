"""Incidents nobody scripted: half an hour of random faults, then peace. What must hold during and after any of them."""

from __future__ import annotations

from random import Random

import pytest

from tonekeeper.drivers.sim.simulation import hours, minutes

TROUBLE = minutes(30)
PEACE = hours(1)
"""Longer than refilling a token, proving stability and the random wait together."""
SEEDS = [2, 4, 6, 7]
MORE_SEEDS = range(10, 22)


def faults(sim):
    """Everything that can go wrong, as verbs."""
    verbs = []
    for name in ("primary", "alternate"):
        sbc = sim.sbc(name)
        verbs += [sbc.fall_silent, sbc.stop, sbc.recover, sbc.recover]
        verbs += [lambda sbc=sbc: sbc.answer(503, retry_after=45), lambda sbc=sbc: sbc.answer(500)]
        verbs += [lambda sbc=sbc: sbc.answer(200, late=0.4)]
    for name in ("fibre", "lte"):
        wan = sim.wan(name)
        verbs += [wan.fall_silent, wan.lose_carrier, wan.vanish, wan.recover, wan.recover]
        verbs += [lambda wan=wan: wan.lose(0.2), lambda wan=wan: wan.lose(0.0)]
        for sbc in ("primary", "alternate"):
            path = sim.network.path(name, sbc)
            verbs += [path.fall_silent, path.recover]
    return verbs


def heal(sim):
    for name in ("primary", "alternate"):
        sim.sbc(name).recover()
    for name in ("fibre", "lte"):
        sim.wan(name).recover()
        sim.wan(name).lose(0.0)
        for sbc in ("primary", "alternate"):
            sim.network.path(name, sbc).recover()


def trouble(sim, seed):
    chance = Random(seed)
    verbs = faults(sim)
    until = sim.now + TROUBLE
    while sim.now < until:
        chance.choice(verbs)()
        sim.run(chance.choice([0.0, 0.3, 3.0, 20.0, 90.0]))


def states(sim):
    report = sim.report()
    return (
        {str(path.state) for sbc in report.sbcs for path in sbc.paths},
        {str(wan.state) for wan in report.wans},
        {str(sbc.state) for sbc in report.sbcs},
        f"{report.active.sbc} over {report.active.wan}",
        [f"{finding.code} {finding.subject}" for finding in report.findings],
    )


def check_restraint(sim):
    moves = [
        entry
        for entry in sim.log
        if entry.subject == "active" and entry.before != "nowhere" and "taken back" not in entry.reason
    ]
    assert len(moves) == sim.report().active.switches <= 3 + TROUBLE // 600.0
    for move in moves:
        place = move.after.split(" over ")
        told = [e for e in sim.log if e.subject.startswith(f"path {place[1]}/{place[0]}/") and e.at <= move.at]
        assert told[-1].after in ("up", "suspect"), f"moved to {move.after}, which is {told[-1].after}"


def check(sim, seed):
    trouble(sim, seed)
    check_restraint(sim)
    heal(sim)
    sim.run(PEACE)
    assert states(sim) == ({"up"}, {"up"}, {"healthy"}, "primary over fibre", [])


@pytest.mark.parametrize("seed", SEEDS)
def test_any_incident_moves_the_site_with_restraint_and_in_the_end_it_comes_home(simulate, seed):
    check(simulate(seed=seed), seed)


@pytest.mark.simulation
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_the_same_of_many_more_incidents(simulate, seed):
    check(simulate(seed=seed), seed)
