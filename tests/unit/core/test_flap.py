from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.flap import ADDRESS_CHANGE, LOSS, Damper
from tonekeeper.core.instants import NEVER
from tonekeeper.core.site import DampingPolicy

POLICY = DampingPolicy()
CISCO = DampingPolicy(half_life=900.0, suppress=2000.0, reuse=750.0, max_suppress=3600.0)


def damper(*losses: float, weight: float = LOSS, policy: DampingPolicy = POLICY) -> Damper:
    one = Damper()
    for at in losses:
        one.lost(weight, policy, at)
    return one


def test_the_penalty_halves_each_half_life():
    assert damper(0.0).level(POLICY, 300.0) == pytest.approx(500.0)
    assert damper(0.0).level(POLICY, 600.0) == pytest.approx(250.0)


def test_one_outage_does_not_suppress_nor_do_two():
    assert not damper(0.0).is_suppressed
    assert not damper(0.0, 10.0).is_suppressed


def test_the_third_in_a_short_time_does():
    assert damper(0.0, 6.0, 12.0).is_suppressed


def test_three_outages_in_an_hour_do_not():
    assert not damper(0.0, 1200.0, 2400.0).is_suppressed


def test_an_address_change_weighs_half():
    assert damper(0.0, weight=ADDRESS_CHANGE).penalty == LOSS / 2


def test_it_is_free_again_when_the_penalty_has_come_down_to_reuse():
    one = damper(0.0, 6.0, 12.0)
    assert one.level(POLICY, one.reuse_at) == pytest.approx(POLICY.reuse)
    assert not one.release(one.reuse_at - 1)
    assert one.release(one.reuse_at)
    assert not one.is_suppressed


def test_time_to_reuse_is_that_of_the_rfc():
    """RFC 2439 4.5 with Cisco's figures: 3000 takes 30 minutes, 12000 takes an hour."""
    assert damper(0.0, 0.0, 0.0, policy=CISCO).reuse_at == pytest.approx(1800.0)
    assert damper(*[0.0] * 40, policy=CISCO).reuse_at == pytest.approx(3600.0)


def test_the_ceiling_keeps_the_longest_suppression_within_its_limit():
    one = damper(*[float(at) for at in range(0, 3600, 6)])
    assert one.reuse_at - one.at <= POLICY.max_suppress + 1e-6


def test_losses_are_counted_for_an_hour():
    one = damper(0.0, 1000.0, 4000.0)
    assert one.losses_since(4000.0 - 3600.0) == [1000.0, 4000.0]


@given(st.lists(st.tuples(st.floats(0, 4000), st.sampled_from([LOSS, ADDRESS_CHANGE])), max_size=60))
def test_whatever_happens_it_is_free_again_within_the_limit(story):
    one, now = Damper(), 0.0
    for wait, weight in story:
        now += wait
        one.release(now)
        one.lost(weight, POLICY, now)
        assert one.penalty <= POLICY.reuse * 2 ** (POLICY.max_suppress / POLICY.half_life) + 1e-6
        assert one.reuse_at == NEVER or now <= one.reuse_at <= now + POLICY.max_suppress + 1e-6
    assert one.release(now + POLICY.max_suppress + 1) in (True, False)
    assert not one.is_suppressed
