"""Lifetimes of idle TCP connections, measured through NATs that are known, beside those of UDP."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from tests.unit.core.nat.stun_world import SERVER, StunServer, World, behind, measurement

from tonekeeper.core.nat.attempt import Limits
from tonekeeper.core.nat.messages import ConnectionEnded, OpenSocket, SendStun
from tonekeeper.core.nat.plan import TCP_AS_GUEST, TCP_AWAITED, Pace
from tonekeeper.core.nat.result import BindingKind, NatResult
from tonekeeper.drivers.sim.nat import LINUX, NatBehaviour

pytestmark = pytest.mark.simulation

SEEDS = range(20)
SETTLING = 0.6
"""Seconds by which an interval is wider: the acknowledgement that may come again, and the rounds of silence."""


def with_tcp(lifetime: float, **others) -> NatBehaviour:
    return replace(LINUX, tcp=lifetime, **others)


def measured(world: World, *, longest: float = 130.0, longest_tcp: float = 0.0) -> NatResult:
    result = world.run(measurement(world, limits=Limits(longest=longest, longest_tcp=longest_tcp)))
    assert result is not None
    return result


def assert_found(result: NatResult, lifetime: float, pace: Pace = TCP_AS_GUEST):
    low, high = result.lifetime_s.tcp
    assert low <= lifetime <= high
    assert high - low <= max(1.0, pace.resolution * high) + SETTLING


def assert_holds(result: NatResult, lifetime: float):
    low, high = result.lifetime_s.tcp
    assert low <= lifetime
    assert high is None or lifetime <= high


@pytest.mark.parametrize("lifetime", [10.0, 12.7, 30.0, 61.0, 85.0])
def test_it_is_found_while_the_bindings_of_udp_are_waited_for(lifetime):
    result = measured(behind(with_tcp(lifetime)))
    assert_found(result, lifetime)
    assert result.elapsed_s <= 1.15 * 120.0 + 2.0


def test_of_a_lifetime_below_the_shortest_idle_time_the_upper_bound_is_known():
    low, high = measured(behind(with_tcp(3.0))).lifetime_s.tcp
    assert (low, high) == (0.0, pytest.approx(5.5, abs=0.3))


@pytest.mark.parametrize("is_loose", [True, False])
def test_a_nat_that_takes_up_a_connection_in_the_middle_fools_nobody(is_loose):
    """What Linux does: whoever asked over the connection itself would be answered, and take it for alive."""
    assert_found(measured(behind(with_tcp(20.0, is_loose=is_loose))), 20.0)


def test_nothing_is_said_over_a_connection_that_is_idle():
    world = behind(with_tcp(40.0))
    measured(world)
    opened = {command.socket for _, command in world.commands if isinstance(command, OpenSocket) and command.connect_to}
    control = min(opened)
    said = [command.socket for _, command in world.commands if isinstance(command, SendStun)]
    assert len(opened) > 10
    assert {said.count(socket) for socket in opened - {control}} == {1}


def test_whoever_waits_for_tcp_gets_it_finer():
    result = measured(behind(with_tcp(150.0, stream=30.0)), longest=40.0, longest_tcp=200.0)
    assert_found(result, 150.0, TCP_AWAITED)
    assert result.elapsed_s <= TCP_AWAITED.slowness * 150.0 + 2.0


def test_two_hours_and_four_minutes_can_be_waited_for():
    result = measured(behind(with_tcp(7440.0, stream=30.0)), longest=40.0, longest_tcp=10_000.0)
    assert_found(result, 7440.0, TCP_AWAITED)


def test_a_connection_that_outlives_the_rest_has_no_upper_bound_and_keeps_nobody_waiting():
    alone = measured(behind(LINUX, server=StunServer(takes_tcp=False)))
    result = measured(behind(LINUX))
    low, high = result.lifetime_s.tcp
    assert (low > 80.0, high) == (True, None)
    assert result.elapsed_s <= alone.elapsed_s + 2.0


def test_without_a_nat_no_connection_dies():
    result = measured(behind(None), longest=40.0)
    assert result.lifetime_s.tcp == (pytest.approx(40.0, abs=0.5), None)


# --- lines that lose


@pytest.mark.parametrize("share", [0.05, 0.1])
@pytest.mark.parametrize("seed", SEEDS)
def test_loss_makes_no_interval_wrong_in_twenty_of_twenty_runs(seed, share):
    lifetime = Random(seed).uniform(10.0, 60.0)
    result = measured(behind(with_tcp(lifetime, stream=90.0), loss=share, seed=seed))
    assert_holds(result, lifetime)
    assert result.lifetime_s.tcp[1] is not None


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_a_line_that_goes_away_for_moments_makes_no_interval_wrong(seed):
    lifetime = Random(seed).uniform(10.0, 60.0)
    world = behind(with_tcp(lifetime), seed=seed)
    world.line.lose_in_bursts(good_for=20.0, bad_for=0.6)
    assert_holds(measured(world), lifetime)


# --- servers


def test_a_server_that_does_not_speak_first_leaves_tcp_unchecked_and_udp_as_it_is():
    """coturn: it knows no REQUESTED-TRANSPORT in a Binding request."""
    result = measured(behind(with_tcp(20.0), server=StunServer(speaks_first=False)))
    assert result.lifetime_s.tcp is None
    assert "does not speak first over TCP (420)" in result.reasons["tcp"]
    assert result.lifetime_s.stream[1] is not None


def test_a_server_that_ignores_whom_it_shall_answer():
    server = StunServer(speaks_first=False)
    answer = server.answer

    def ignoring(now, at, source, request):
        return answer(now, at, source, replace(request, requested_transport=None))

    world = behind(with_tcp(20.0), server=server)
    object.__setattr__(world, "server", _Answering(ignoring))
    result = measured(world, longest=20.0)
    assert result.lifetime_s.tcp is None
    assert "does not speak first over TCP" in result.reasons["tcp"]


class _Answering:
    address, takes_tcp, speaks_first = SERVER, True, False

    def __init__(self, answer):
        self.answer = answer


def test_a_server_without_tcp_is_told_with_what_the_kernel_said():
    result = measured(behind(with_tcp(20.0), server=StunServer(takes_tcp=False)), longest=20.0)
    assert result.lifetime_s.tcp is None
    assert "Connection refused" in result.reasons["tcp"]


def test_a_server_that_ends_idle_connections_is_not_taken_for_a_nat():
    world = behind(with_tcp(100.0))
    running = measurement(world, limits=Limits(longest=130.0))
    world.run(running, until=world.now + 30.0)
    for socket in sorted(world.connections)[1:]:
        world.tell(running, ConnectionEnded(socket, "Connection reset by peer"))
    result = world.run(running)
    assert result.lifetime_s.tcp is None
    assert "ends idle connections (Connection reset by peer)" in result.reasons["tcp"]
    assert result.lifetime_s.stream[1] is not None


def test_the_end_of_the_control_connection_ends_tcp_alone():
    world = behind(with_tcp(100.0))
    running = measurement(world, limits=Limits(longest=130.0))
    world.run(running, until=world.now + 30.0)
    world.tell(running, ConnectionEnded(min(world.connections), "Connection reset by peer"))
    result = world.run(running)
    assert result.lifetime_s.tcp is None
    assert "proves the server alive" in result.reasons["tcp"]
    assert result.lifetime_s.stream[1] is not None


def test_a_server_that_has_forgotten_all_connections_is_not_taken_for_a_nat():
    """Its host was switched off and on: it answers over UDP as before."""
    world = behind(with_tcp(100.0))
    running = measurement(world, limits=Limits(longest=130.0))
    world.run(running, until=world.now + 30.0)
    world.forgotten.update(world.connections.values())
    result = world.run(running)
    assert result.lifetime_s.tcp == (pytest.approx(30.0, abs=15.0), None)
    assert result.lifetime_s.stream[1] is not None


def test_tcp_that_nobody_asks_for_is_not_even_tried():
    world = behind(LINUX)
    result = world.run(measurement(world, limits=Limits(longest=10.0), kinds=(BindingKind.REPLIED,)))
    assert not any(isinstance(one, OpenSocket) and one.connect_to for _, one in world.commands)
    assert "tcp" not in result.reasons
