from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.depth.world import Line, World, question
from tests.unit.core.depth.world import Sbc as Peer
from tonekeeper.core.agent import Agent
from tonekeeper.core.budget import LossEstimate, confirmations
from tonekeeper.core.chance import Chance
from tonekeeper.core.commands import Command, OpenPath
from tonekeeper.core.events import DeadlineReached, LinkChanged, SbcResolved, Started
from tonekeeper.core.instants import NEVER
from tonekeeper.core.metering import EXCHANGE
from tonekeeper.core.probe_allowance import (
    AT_ONCE,
    CONNECTING,
    DAY,
    DEPTH_COSTS,
    OPTIONS,
    RETRY_SPREAD,
    ProbeAllowance,
    alarm_reserve,
    allowance_for,
    weight_of,
)
from tonekeeper.core.site import Depth, DepthPolicy, Path, Sbc, Site, Target, Transport, Wan
from tonekeeper.wire.endpoint import Endpoint

PLENTY = 10**15
UDP_OVER_IPV6 = 48

ALLOWANCES = st.builds(
    ProbeAllowance,
    rate=st.floats(0.1, 500),
    burst=st.integers(1, 300),
    bytes_per_day=st.integers(1000, 10**8),
)
ASKS = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0, 2), st.floats(0, 100_000)),
        st.integers(1, 60_000),
        st.integers(1, 120),
    ),
    max_size=120,
)


def granted(allowance: ProbeAllowance, asks: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    now, sent = 1000.0, []
    for pause, size, packets in asks:
        now += pause
        if allowance.take(size, now, packets=packets):
            sent.append((now, size, packets))
    return sent


def windows(sent: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    """Length, bytes and packets of every stretch from one grant to a later one, both included."""
    found = []
    for first in range(len(sent)):
        size = packets = 0
        for at, more, count in sent[first:]:
            size, packets = size + more, packets + count
            found.append((at - sent[first][0], size, packets))
    return found


@given(ALLOWANCES, ASKS)
def test_no_stretch_of_time_whatever_sees_more_packets_than_burst_and_rate(allowance, asks):
    for length, _, packets in windows(granted(allowance, asks)):
        assert packets <= allowance.burst + allowance.rate * length + 1e-3


@given(ALLOWANCES, ASKS)
def test_no_24_hours_wherever_they_begin_see_more_bytes_than_the_day_allows(allowance, asks):
    for length, size, _ in windows(granted(allowance, asks)):
        if length <= DAY:
            assert size <= allowance.bytes_per_day + 1e-3


@given(ALLOWANCES, ASKS, st.integers(1, 2000))
def test_what_is_told_to_come_back_is_served_when_it_does_and_not_before(allowance, asks, size):
    sent = granted(allowance, asks)
    now = sent[-1][0] if sent else 1000.0
    at = allowance.next_at(size, now)
    if at == NEVER:
        assert not allowance.take(size, now + 30 * DAY)
        return
    if at > now + 0.01:
        assert not allowance.take(size, at - 0.01)
    assert allowance.take(size, at)


def test_a_burst_leaves_at_once_and_the_rest_at_the_rate():
    allowance = ProbeAllowance(rate=10.0, burst=5, bytes_per_day=PLENTY)
    assert [allowance.take(500, 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert allowance.next_at(500, 0.0) == pytest.approx(0.1, abs=1e-5)
    assert allowance.take(500, 0.1)
    assert not allowance.take(500, 0.1)
    assert (allowance.sent, allowance.sent_bytes, allowance.refused) == (6, 3000, 2)


def test_a_refused_packet_costs_nothing():
    allowance = ProbeAllowance(rate=10.0, burst=1, bytes_per_day=PLENTY)
    assert allowance.take(500, 0.0)
    at = allowance.next_at(500, 0.0)
    assert not any(allowance.take(500, 0.0) for _ in range(100))
    assert allowance.next_at(500, 0.0) == at


def test_quiet_time_saves_up_one_burst_and_no_more():
    allowance = ProbeAllowance(rate=10.0, burst=5, bytes_per_day=PLENTY)
    assert sum(allowance.take(500, 100_000.0) for _ in range(50)) == 5


def test_a_night_of_storm_is_followed_by_the_normal_cadence_and_not_by_blindness():
    allowance = allowance_for(paths=4, interval=5.0)
    assert allowance.take(allowance.bytes_per_day // 2, 0.0)
    assert not allowance.take(EXCHANGE, 0.0)
    assert all(allowance.take(EXCHANGE, probe * 5.0 / 4) for probe in range(1, 1000))


def test_a_deep_probe_leaves_what_an_alarm_needs():
    allowance = ProbeAllowance(rate=1.0, burst=30, bytes_per_day=PLENTY)
    assert allowance.take(8000, 0.0, packets=8, leaving=20)
    assert not allowance.take(8000, 0.0, packets=8, leaving=20)
    assert allowance.next_at(8000, 0.0, packets=8, leaving=20) == pytest.approx(6.0)
    assert all(allowance.take(EXCHANGE, 0.0) for _ in range(20))


def test_what_is_larger_than_a_bucket_is_told_never():
    allowance = ProbeAllowance(rate=1.0, burst=10, bytes_per_day=10_000)
    assert allowance.next_at(100, 0.0, packets=11) == NEVER
    assert allowance.next_at(5_001, 0.0) == NEVER
    assert allowance.next_at(5_000, 0.0) == 0.0


def test_those_that_were_refused_do_not_all_come_back_at_one_instant():
    allowance = ProbeAllowance(rate=10.0, burst=1, bytes_per_day=PLENTY)
    allowance.take(500, 0.0)
    chance = Chance(3)
    instants = [allowance.retry_at(500, 0.0, chance) for _ in range(50)]
    assert len(set(instants)) == 50
    assert min(instants) >= 0.1
    assert max(instants) < 0.1 + RETRY_SPREAD


def test_a_reload_does_not_give_back_what_was_taken():
    allowance = ProbeAllowance(rate=10.0, burst=20, bytes_per_day=PLENTY)
    for _ in range(20):
        allowance.take(500, 0.0)
    allowance.retune(ProbeAllowance(rate=20.0, burst=25, bytes_per_day=PLENTY), 0.0)
    assert sum(allowance.take(500, 0.0) for _ in range(10)) == 5
    assert allowance.next_at(500, 0.0) == pytest.approx(0.05, abs=1e-5)


def test_a_reload_that_changes_nothing_changes_nothing():
    allowance = ProbeAllowance(rate=10.0, burst=20, bytes_per_day=10**9)
    for _ in range(20):
        allowance.take(500, 0.0)
    before = allowance.next_at(500, 1.0)
    allowance.retune(ProbeAllowance(rate=10.0, burst=20, bytes_per_day=10**9), 1.0)
    assert allowance.next_at(500, 1.0) == pytest.approx(before)


@pytest.mark.parametrize(("paths", "interval"), [(1, 5.0), (4, 5.0), (64, 5.0), (64, 1.0), (1, 3600.0)])
def test_the_steady_cadence_of_a_site_fits_with_room_to_spare(paths, interval):
    allowance = allowance_for(paths, interval)
    assert allowance.rate >= 2.5 * paths / (0.9 * interval)
    assert allowance.bytes_per_day >= 1.7 * EXCHANGE * DAY * paths / (0.9 * interval)


def test_every_path_of_a_large_clean_site_may_testify_and_confirm_at_once():
    needed = confirmations(LossEstimate(), paths=64, interval=5.0, false_alarms_per_month=1.0).confirmations
    assert needed + 1 <= AT_ONCE
    allowance = allowance_for(paths=64, interval=5.0)
    assert sum(allowance.take(EXCHANGE, 0.0) for _ in range(1000)) >= 64 * (needed + 1)


def test_even_every_path_of_a_lossy_site_has_its_verdict_within_seconds():
    allowance = allowance_for(paths=64, interval=5.0)
    now = 0.0
    for _ in range(64 * 13):
        now = allowance.next_at(EXCHANGE, now)
        assert allowance.take(EXCHANGE, now)
    assert now < 15.0


@pytest.mark.parametrize("depth", Depth)
def test_one_deep_probe_of_any_kind_fits_beside_an_alarm(depth):
    allowance = allowance_for(2, 3600.0, [DepthPolicy(depth, 86400.0)])
    packets, size = DEPTH_COSTS[depth]
    assert allowance.take(size, 0.0, packets=packets, leaving=alarm_reserve(2))
    assert all(allowance.take(EXCHANGE, 0.0) for _ in range(alarm_reserve(2)))


@pytest.mark.parametrize("lost", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("depth", Depth)
def test_no_line_however_lossy_makes_a_deep_probe_cost_more_than_it_was_charged(depth, lost):
    for seed in range(8):
        chance = Chance(seed)
        line = Line(loses=lambda _, chance=chance: chance.random() < lost)
        world = World(question(depth), Peer(), line)
        world.run()
        assert len(world.sent) + len(world.voice) <= DEPTH_COSTS[depth].packets
        size = sum(len(data) + UDP_OVER_IPV6 for _, data in world.sent)
        assert 2 * size + len(world.voice) * 2 * 220 <= DEPTH_COSTS[depth].bytes


def test_frequent_deep_probes_are_part_of_the_normal_need():
    call = DepthPolicy(Depth.CALL, 60.0)
    plain, deep = allowance_for(4, 5.0), allowance_for(4, 5.0, [call] * 4)
    assert deep.rate >= plain.rate + 4 * DEPTH_COSTS[Depth.CALL].packets / 60.0
    assert deep.bytes_per_day > plain.bytes_per_day


def test_a_round_of_probes_is_a_packet_each_and_on_connections_two():
    assert [weight_of([path(transport, 1)]) for transport in Transport] == [1, 2, 2]


@pytest.mark.parametrize("transport", CONNECTING)
@pytest.mark.parametrize("count", [4, 64])
def test_every_path_of_a_site_may_be_connected_and_probed_at_once(transport, count):
    allowance = allowance_for(weight_of(path(transport, number) for number in range(count)), 5.0)
    for packets, size in (CONNECTING[transport], OPTIONS[transport]):
        assert all(allowance.take(size, 0.0, packets=packets) for _ in range(count))


def path(transport: Transport, number: int) -> Path:
    return Path("fibre", "primary", transport, Endpoint("192.0.2.1", 5060 + number))


def test_a_connection_waits_until_the_storm_guard_lets_it_pass():
    sbc = Sbc("primary", "sip:192.0.2.1;transport=tcp", "192.0.2.1", 5060, Transport.TCP)
    agent = Agent(Site("site-0042", (Wan("fibre", "eth0"),), (sbc,)), seed=1, started=0.0)
    agent.handle(Started(), 0.0)
    agent.handle(SbcResolved("primary", (Target(Transport.TCP, Endpoint("192.0.2.1", 5060)),)), 0.0)
    allowance = agent.situation.allowance
    allowance.take(EXCHANGE, 0.0, packets=allowance.burst)
    assert opened(agent.handle(LinkChanged("eth0", True, True, ("198.51.100.2",)), 0.0)) == 0
    due = agent.next_deadline()
    assert due is not None
    assert CONNECTING[Transport.TCP].packets / allowance.rate <= due <= 5.0
    assert opened(agent.handle(DeadlineReached("0" * 32), due)) == 1


def opened(commands: list[Command]) -> int:
    return sum(isinstance(command, OpenPath) for command in commands)


def test_it_survives_a_checkpoint():
    allowance = allowance_for(4, 5.0)
    allowance.take(EXCHANGE, 12.5)
    assert msgspec.json.decode(msgspec.json.encode(allowance), type=ProbeAllowance) == allowance
