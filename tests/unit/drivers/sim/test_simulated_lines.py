from random import Random

import pytest

from tonekeeper.drivers.sim.line import BurstyLoss, Line
from tonekeeper.drivers.sim.timeline import Timeline


def a_line(seed=1):
    return Line(Random(seed), delay=0.010, jitter=0.0)


def round_trips(line, count, *, every):
    """How many of `count` round trips survive, one every so many seconds."""
    survived = 0
    for number in range(count):
        there = line.out.carry(number * every)
        survived += there is not None and line.back.carry(there) is not None
    return survived


def test_a_quiet_line_carries_everything_in_its_delay():
    assert a_line().out.carry(100.0) == 100.010


def test_jitter_only_ever_adds_and_adds_its_mean():
    line = a_line()
    line.delay(0.010, jitter=0.002)
    trips = [line.out.carry(0.0) for _ in range(20_000)]
    assert min(trips) >= 0.010
    assert sum(trips) / len(trips) == pytest.approx(0.012, rel=0.02)


def test_a_line_told_to_lose_a_tenth_loses_a_tenth_of_the_round_trips():
    line = a_line()
    line.lose(0.10)
    assert round_trips(line, 50_000, every=5.0) / 50_000 == pytest.approx(0.90, abs=0.005)


def test_a_line_told_to_lose_nothing_any_more_loses_nothing():
    line = a_line()
    line.lose(0.5)
    line.lose(0.0)
    assert round_trips(line, 100, every=5.0) == 100


def test_bursts_lose_the_share_that_their_parameters_say():
    line = a_line()
    line.lose_in_bursts(good_for=58.0, bad_for=2.0, loss_when_bad=0.8, loss_when_good=0.01)
    assert line.out.loss.share == pytest.approx((58 * 0.01 + 2 * 0.8) / 60)
    lost = sum(line.out.carry(number * 5.0) is None for number in range(200_000)) / 200_000
    assert lost == pytest.approx(line.out.loss.share, rel=0.05)


def test_a_burst_takes_a_datagram_that_follows_closely_and_spares_one_that_comes_later():
    loss = BurstyLoss(good_for=60.0, bad_for=1.0, loss_when_bad=1.0, loss_when_good=0.0, random=Random(3))
    together = apart = lost = 0
    for number in range(100_000):
        at = number * 30.0
        if loss.loses(at):
            lost += 1
            together += loss.loses(at + 0.1)
            apart += loss.loses(at + 15.0)
    assert together / lost > 0.85
    assert apart / lost < 0.05


def test_a_line_begins_good():
    for seed in range(50):
        loss = BurstyLoss(good_for=1000.0, bad_for=1000.0, loss_when_bad=1.0, loss_when_good=0.0, random=Random(seed))
        assert not loss.loses(0.0)


def test_a_silent_line_carries_nothing_either_way_until_it_recovers():
    line = a_line()
    line.fall_silent()
    assert (line.out.carry(0.0), line.back.carry(0.0)) == (None, None)
    line.recover()
    assert round_trips(line, 10, every=1.0) == 10


def test_the_same_seed_loses_the_same_datagrams():
    def fates(seed):
        line = a_line(seed)
        line.lose(0.3)
        return [line.out.carry(0.0) is None for _ in range(100)]

    assert fates(7) == fates(7)
    assert fates(7) != fates(8)


def test_things_happen_in_the_order_of_time_and_then_of_planning():
    timeline, happened = Timeline(), []
    for at, what in ((2.0, "c"), (1.0, "a"), (1.0, "b")):
        timeline.plan(at, lambda now, what: happened.append((now, what)), what)
    while timeline.heap:
        timeline.step()
    assert happened == [(1.0, "a"), (1.0, "b"), (2.0, "c")]
