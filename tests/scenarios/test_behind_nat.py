"""What a NAT between site and provider does to the agent, and to the phones it looks after."""

from __future__ import annotations

import pytest

from tonekeeper.drivers.sim.nat import LINUX, Dependence, NatBehaviour
from tonekeeper.drivers.sim.simulation import hours, minutes


@pytest.mark.parametrize("filtering", Dependence)
@pytest.mark.parametrize("mapping", Dependence)
def test_the_agent_sees_every_path_through_every_kind_of_nat(simulate, mapping, filtering):
    sim = simulate()
    sim.wan("fibre").translate(NatBehaviour(mapping=mapping, filtering=filtering, unreplied=10.0, replied=10.0))
    sim.run(minutes(10))
    assert {path.state for sbc in sim.report().sbcs for path in sbc.paths} == {"up"}
    assert [entry for entry in sim.log if entry.after == "down"] == []


def test_probing_goes_on_through_a_binding_that_expires_between_two_probes(simulate):
    sim = simulate()
    nat = sim.wan("fibre").translate(NatBehaviour(unreplied=3.0, replied=3.0, stream=3.0))
    sim.run(minutes(10))
    assert [entry for entry in sim.log if entry.after == "down"] == []
    assert nat.refused == 0


@pytest.fixture
def phone_site(simulate):
    """A site behind Linux's conntrack, and what adds a phone to it."""
    sim = simulate()
    nat = sim.wan("fibre").translate(LINUX)

    def phone(**habits):
        return sim.add_phone("101", wan="fibre", sbc="primary", **habits)

    return sim, nat, phone


def call(sim):
    assert sim.sbc("primary").call("101", sim.now), "as far as the SBC knows, the phone is registered"
    sim.run(1.0)


def test_a_call_reaches_a_phone_that_has_just_registered(phone_site):
    sim, _, phone = phone_site
    phone = phone(register_every=3600)
    sim.run(10.0)
    call(sim)
    assert len(phone.rang) == 1


def test_an_inbound_call_is_lost_once_the_binding_has_expired_although_the_registration_is_valid(phone_site):
    sim, nat, phone = phone_site
    phone = phone(register_every=3600)
    sim.run(40.0)
    call(sim)
    assert phone.rang == []
    assert nat.refused == 1


def test_a_phone_that_keeps_its_binding_alive_rings_an_hour_later(phone_site):
    sim, _, phone = phone_site
    phone = phone(register_every=3600, keepalive_every=25)
    sim.run(hours(1) - 100)
    call(sim)
    assert len(phone.rang) == 1


def test_keepalives_farther_apart_than_the_lifetime_lose_the_calls_although_each_opens_a_binding(phone_site):
    sim, nat, phone = phone_site
    phone = phone(register_every=3600, keepalive_every=300)
    for _ in range(10):
        sim.run(289.0)
        call(sim)
    assert phone.rang == []
    assert nat.refused == 10


def test_registering_often_keeps_the_binding_as_well(phone_site):
    sim, _, phone = phone_site
    phone = phone(register_every=100)
    sim.run(29.0)
    call(sim)  # inbound traffic makes it a stream
    sim.run(minutes(30))
    call(sim)
    assert len(phone.rang) == 2


def test_a_keepalive_makes_a_stream_of_what_one_registration_was_not(phone_site):
    sim, _, phone = phone_site
    phone = phone(register_every=3600, keepalive_every=29)
    sim.run(35.0)
    sim.network.path("fibre", "primary").out.silent = True  # nothing outwards any more
    sim.run(100.0)
    call(sim)
    assert len(phone.rang) == 1
