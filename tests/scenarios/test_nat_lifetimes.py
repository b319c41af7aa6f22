"""Lifetimes of idle bindings, measured through NATs whose lifetimes are known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from tests.unit.core.nat.stun_world import behind, measurement

from tonekeeper.core.nat.attempt import CONNECTION_PACKETS, Limits
from tonekeeper.core.nat.messages import GarbageReceived, OpenSocket
from tonekeeper.core.nat.result import BindingKind
from tonekeeper.drivers.sim.nat import LINUX, Dependence, NatBehaviour

pytestmark = pytest.mark.simulation  # half a second each: hundreds of sockets, minutes of virtual time

SEEDS = range(20)


def promised(*lifetimes: float) -> float:
    return 1.15 * max(lifetimes) + 2.0


def measured(world, longest: float = 60.0):
    return world.run(measurement(world, limits=Limits(longest=longest)))


def assert_holds(interval, lifetime):
    assert interval is not None
    low, high = interval
    assert low <= lifetime
    assert high is None or lifetime <= high


def assert_all_hold(result, nat: NatBehaviour):
    assert_holds(result.lifetime_s.unreplied, nat.unreplied)
    assert_holds(result.lifetime_s.replied, nat.replied)
    assert_holds(result.lifetime_s.stream, nat.stream)


@pytest.mark.parametrize("lifetime", [10, 10.4, 11.5, 14.2, 19.95, 30, 181, 300])
def test_it_takes_hardly_longer_than_the_lifetime_itself(lifetime):
    nat = replace(LINUX, unreplied=lifetime, replied=lifetime, stream=lifetime)
    result = measured(behind(nat), longest=60.0 if lifetime < 50 else 330.0)
    assert_all_hold(result, nat)
    assert result.elapsed_s <= promised(lifetime)


def test_the_longest_lifetime_sets_the_time_because_the_kinds_run_side_by_side():
    nat = NatBehaviour(unreplied=90.0, replied=180.0, stream=181.0)
    result = measured(behind(nat), longest=330.0)
    assert_all_hold(result, nat)
    assert result.elapsed_s <= promised(181.0)


@pytest.mark.parametrize("lifetime", [10.5, 30.3, 119.0])
def test_an_interval_is_as_narrow_as_the_resolution(lifetime):
    """5 % or 1 s, and what the last sign of life and the proof of death lie apart."""
    nat = replace(LINUX, unreplied=lifetime, replied=lifetime, stream=lifetime)
    result = measured(behind(nat, delay=0.0003, jitter=0.0001), longest=130.0)
    for low, high in (result.lifetime_s.unreplied, result.lifetime_s.replied, result.lifetime_s.stream):
        assert high - low <= max(1.0, 0.05 * high) + 0.05


@pytest.mark.parametrize("filtering", Dependence)
@pytest.mark.parametrize("mapping", Dependence)
def test_every_kind_of_nat_is_measured_alike(mapping, filtering):
    nat = NatBehaviour(mapping=mapping, filtering=filtering, unreplied=12.0, replied=17.0, stream=23.0)
    result = measured(behind(nat))
    assert_all_hold(result, nat)
    assert (result.mapping, result.filtering) == (mapping, filtering)


def test_a_nat_that_inwards_datagrams_do_not_refresh_is_measured_as_well():
    nat = NatBehaviour(unreplied=15.0, replied=20.0, stream=25.0, inbound_refreshes=False)
    assert_all_hold(measured(behind(nat)), nat)


def test_a_stream_that_dies_first_is_told_from_a_replied_binding():
    nat = NatBehaviour(unreplied=25.0, replied=25.0, stream=12.0)
    assert_all_hold(measured(behind(nat)), nat)


def test_linux_makes_no_stream_of_one_exchange():
    result = measured(behind(LINUX), longest=150.0)
    assert result.lifetime_s.replied[1] < 32.0
    assert result.lifetime_s.stream[0] > 110.0


def test_lifetimes_of_seconds_are_found_too():
    nat = NatBehaviour(unreplied=2.5, replied=3.3, stream=6.2)
    assert_all_hold(measured(behind(nat)), nat)


def test_a_binding_that_outlives_the_measurement_has_no_upper_bound():
    world = behind(NatBehaviour(unreplied=30.0, replied=400.0, stream=4000.0))
    result = world.run(measurement(world, limits=Limits(longest=60.0)))
    assert_holds(result.lifetime_s.unreplied, 30.0)
    assert result.lifetime_s.replied == (pytest.approx(60.0, abs=0.01), None)
    assert result.lifetime_s.stream == (pytest.approx(60.0, abs=0.01), None)
    assert result.elapsed_s < 70.0


def test_without_a_nat_nothing_dies():
    world = behind(None)
    result = world.run(measurement(world, limits=Limits(longest=40.0)))
    assert result.mapping == "none"
    assert result.filtering == "endpoint-independent"
    assert all(interval == (pytest.approx(40.0, abs=0.01), None) for interval in lifetimes_of(result))


def lifetimes_of(result):
    return (result.lifetime_s.unreplied, result.lifetime_s.replied, result.lifetime_s.stream)


# --- lines that lose


def lossy(seed: int, share: float) -> tuple[NatBehaviour, object]:
    draw = Random(seed)
    lifetime = draw.uniform(10.0, 40.0)
    nat = replace(LINUX, unreplied=lifetime, replied=lifetime, stream=draw.uniform(10.0, 40.0))
    return nat, measured(behind(nat, loss=share, seed=seed))


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_five_percent_of_loss_make_no_interval_wrong(seed):
    nat, result = lossy(seed, 0.05)
    assert_all_hold(result, nat)


@pytest.mark.parametrize("share", [0.05, 0.1])
@pytest.mark.parametrize("seed", SEEDS)
def test_loss_makes_no_interval_wrong_in_twenty_of_twenty_runs(seed, share):
    nat, result = lossy(seed, share)
    assert_all_hold(result, nat)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_that_goes_away_for_moments_makes_no_interval_wrong(seed):
    draw = Random(seed)
    nat = NatBehaviour(unreplied=draw.uniform(10, 60), replied=draw.uniform(10, 60), stream=draw.uniform(10, 200))
    world = behind(nat, seed=seed)
    world.line.lose_in_bursts(good_for=20.0, bad_for=0.6)
    assert_all_hold(measured(world, longest=250.0), nat)


def test_an_outage_at_the_moment_of_asking_is_not_taken_for_a_dead_binding():
    """The server is silent from 20 s to 24 s, the bindings live for 60 s."""
    world = behind(NatBehaviour(unreplied=60.0, replied=60.0, stream=60.0))
    world.server.silent_from, world.server.silent_until = world.now + 20.0, world.now + 24.0
    for low, high in lifetimes_of(measured(world, longest=80.0)):
        assert low > 55.0
        assert high < 65.0


# --- what it costs


def test_a_measurement_stays_within_its_sockets_and_far_within_its_packets():
    world = behind(NatBehaviour(unreplied=4000.0, replied=4000.0, stream=4000.0))
    result = measured(world, longest=330.0)
    assert result.sockets <= 150
    connections = sum(isinstance(one, OpenSocket) and one.connect_to is not None for _, one in world.commands)
    assert 10 < connections < 20
    assert result.packets_sent == world.sent + CONNECTION_PACKETS * connections < 1000
    assert result.bytes_sent < 100_000


def test_a_spent_budget_ends_it_and_says_so():
    world = behind(LINUX)
    result = world.run(measurement(world, limits=Limits(packets=200)))
    assert 200 <= result.packets_sent < 200 + CONNECTION_PACKETS
    assert world.sent < 200
    assert result.lifetime_s.stream is None
    assert "budget" in result.reasons["stream"]


def test_fewer_sockets_than_wanted_make_it_slower_and_not_wrong():
    nat = replace(LINUX, unreplied=12.0, replied=12.0, stream=16.0)
    assert_all_hold(measured(behind(nat, most_sockets=60)), nat)


def test_one_kind_alone_can_be_asked_for():
    world = behind(LINUX)
    result = world.run(measurement(world, limits=Limits(longest=60.0), kinds=(BindingKind.REPLIED,)))
    assert_holds(result.lifetime_s.replied, 30.0)
    assert result.lifetime_s.stream is None


def test_new_bindings_are_made_no_faster_than_nats_are_known_to_stand():
    world = behind(LINUX)
    measured(world)
    before_all_that = 5  # listener, asker, two sockets for the behaviour, the control connection
    instants = [at for at, command in world.commands if isinstance(command, OpenSocket)][before_all_that:]
    assert len(instants) > 100
    assert min(after - before for before, after in pairwise(instants)) >= 0.019


# --- what spoils a binding


def test_a_nat_that_forgets_one_binding_early_does_not_decide():
    """Somebody empties one entry of the NAT's table: the others live on, and they count."""
    world = behind(replace(LINUX, unreplied=40.0, replied=40.0, stream=40.0))
    running = measurement(world, limits=Limits(longest=60.0))
    world.run(running, until=world.now + 20.0)
    replied = [one for one in running._lifetimes.searches[BindingKind.REPLIED].undecided if one.plan.seconds > 21]
    victim = next(binding for binding in world.nat._by_port.values() if binding.external.port == replied[0].mapped_port)
    victim.expires = world.now
    result = world.run(running)
    assert_holds(result.lifetime_s.replied, 40.0)


def test_bindings_that_somebody_else_keeps_alive_are_left_out():
    """A stray datagram refreshes: what it reached says nothing, and nothing wrong comes of it."""
    world = behind(replace(LINUX, unreplied=20.0, replied=20.0, stream=20.0))
    running = measurement(world, limits=Limits(longest=60.0))
    world.run(running, until=world.now + 10.0)
    for socket in list(world.sockets)[2::3]:
        source = world.server.address
        for binding in world.nat._by_port.values():
            if socket in world.sockets and binding.local == world.sockets[socket]:
                world.nat.inward(world.now, binding.external, source)
        if socket in world.sockets:
            world.tell(running, GarbageReceived(socket, source, "noise", 4))
    result = world.run(running)
    assert_all_hold(result, replace(LINUX, unreplied=20.0, replied=20.0, stream=20.0))


# --- a population of devices


def drawn_devices() -> list[NatBehaviour]:
    """34 devices DRAWN from what is published of the IMC 2010 study, not its table, which is not public.

    Published: 34 home gateways; the shortest unreplied lifetime is 30 s; medians 90 (unreplied), 180 (replied) and
    181 s (stream). Half of the drawn devices lie below each median and half above; nothing longer than 600 s.
    """
    draw = Random(2010)

    def around(median: float, shortest: float) -> list[float]:
        below = [draw.uniform(shortest, median) for _ in range(17)]
        above = [draw.uniform(median, min(600.0, 2.5 * median)) for _ in range(17)]
        return draw.sample(below + above, 34)

    columns = zip(around(90.0, 30.0), around(180.0, 30.0), around(181.0, 30.0), strict=True)
    return [
        NatBehaviour(
            mapping=draw.choice(list(Dependence)),
            filtering=draw.choice(list(Dependence)),
            unreplied=unreplied,
            replied=max(unreplied, replied),
            stream=stream,
            stream_after=draw.choice((0.0, 2.0)),
        )
        for unreplied, replied, stream in columns
    ]


@pytest.mark.parametrize(
    "nat", drawn_devices(), ids=lambda nat: f"{nat.unreplied:.0f}-{nat.replied:.0f}-{nat.stream:.0f}"
)
def test_all_three_timeouts_of_every_drawn_device_are_found(nat):
    world = behind(nat)
    result = world.run(measurement(world, limits=Limits(longest=650.0)))
    assert_all_hold(result, nat)
    assert all(high is not None for _, high in lifetimes_of(result))
