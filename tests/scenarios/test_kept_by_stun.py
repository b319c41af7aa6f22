"""Flows that STUN keeps through a NAT, where the operator's cadence would let them die."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.scenarios.conftest import FIBRE, PRIMARY

from tonekeeper.core.commands import SendOptions
from tonekeeper.core.events import ReplyReceived
from tonekeeper.core.site import ProbePolicy
from tonekeeper.drivers.sim.nat import NatBehaviour
from tonekeeper.drivers.sim.simulation import Simulation, hours

CADENCE = 120.0
FORGETFUL = NatBehaviour(unreplied=30.0, replied=30.0, stream=30.0, inbound_refreshes=False)


@pytest.fixture
def behind_nat(simulate):
    """One WAN with a NAT that forgets after 30 s, one SBC that is probed every two minutes."""

    def make(*, stun: bool, **options) -> Simulation:
        sim = simulate(wans=(FIBRE,), sbcs=(replace(PRIMARY, stun=True),), keep_journal=True, **options)
        sim.wan("fibre").translate(FORGETFUL)
        sim.sbc("primary").does_stun = stun
        sim.reload(replace(sim.agent.situation.site, probe=ProbePolicy(interval=CADENCE)))
        return sim

    return make


def seen_from(sim, since):
    """The endpoints from which the SBC saw the probes come."""
    replies = [s.event.reply for s in sim.journal if s.now >= since and isinstance(s.event, ReplyReceived)]
    return {(reply.received, reply.rport) for reply in replies}


def sent(sim, since, kind):
    return [s.now for s in sim.journal if s.now >= since for command in s.commands if isinstance(command, kind)]


def test_one_binding_lives_for_a_day_and_the_probes_stay_as_rare_as_the_operator_wants_them(behind_nat):
    sim = behind_nat(stun=True)
    sim.run(2 * CADENCE)
    began = sim.now
    sim.run(hours(24))
    assert len(seen_from(sim, began)) == 1
    assert len(sent(sim, began, SendOptions)) <= hours(24) / (0.9 * CADENCE)
    assert [path.keepalive for sbc in sim.report().sbcs for path in sbc.paths] == ["stun"]


def test_without_stun_each_probe_at_that_cadence_opens_another(behind_nat):
    sim = behind_nat(stun=False)
    sim.run(2 * CADENCE)
    began = sim.now
    sim.run(hours(1))
    assert len(seen_from(sim, began)) == len(sent(sim, began, SendOptions))


@pytest.mark.parametrize("seed", range(5))
def test_a_line_that_loses_five_percent_loses_few_bindings_and_no_verdict_is_wrong(behind_nat, seed):
    sim = behind_nat(stun=True, seed=seed)
    sim.run(2 * CADENCE)
    sim.wan("fibre").lose(0.05)
    began = sim.now
    sim.run(hours(6))
    assert [entry for entry in sim.log if entry.after == "down"] == []
    assert len(seen_from(sim, began)) <= 3
    assert [path.keepalive for sbc in sim.report().sbcs for path in sbc.paths] == ["stun"]


def test_a_nat_that_restarts_is_noticed_at_the_next_keepalive(behind_nat):
    sim = behind_nat(stun=True)
    sim.run(2 * CADENCE)
    circuit = sim.wan("fibre")
    fresh = circuit.translate(FORGETFUL)
    fresh.outward(sim.now, circuit.free_endpoint(), sim.sbc("primary").endpoint)  # so that the port is another one
    took = sim.run_until(lambda: any(entry.subject.startswith("flow") for entry in sim.log), within=30.0)
    noticed = sim.now
    sim.run(0.1)
    assert took <= 29.1
    assert len(sent(sim, noticed, SendOptions)) == 1


def test_an_sbc_that_dies_is_found_out_by_the_keepalive_that_stays_unanswered(behind_nat):
    sim = behind_nat(stun=True)
    sim.run(2 * CADENCE)
    sim.sbc("primary").fall_silent()
    sim.run_until(lambda: sim.report().sbcs[0].paths[0].state == "down", within=40.0)
