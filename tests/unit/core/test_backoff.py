from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.backoff import (
    FIRST_PROBE_SPREAD,
    first_probe_delay,
    full_jitter,
    register_retry,
    register_retry_bound,
)
from tonekeeper.core.chance import Chance

SEEDS = st.integers(0, 2**64 - 1)
FAILURES = st.integers(0, 100_000)


@pytest.mark.parametrize(
    ("failures", "bound"),
    [(0, 30), (1, 60), (2, 120), (3, 240), (4, 480), (5, 960), (6, 1800), (7, 1800), (5000, 1800)],
)
def test_with_all_flows_failed_the_bound_doubles_from_30_s_to_1800(failures, bound):
    assert register_retry_bound(failures, any_flow_works=False) == bound


@pytest.mark.parametrize(("failures", "bound"), [(0, 90), (1, 180), (2, 360), (3, 720), (4, 1440), (5, 1800)])
def test_while_one_flow_works_the_bound_doubles_from_90_s(failures, bound):
    assert register_retry_bound(failures, any_flow_works=True) == bound


@given(SEEDS)
def test_after_three_failures_of_all_flows_the_wait_is_120_to_240_s_as_in_the_rfc(seed):
    assert 120 <= register_retry(3, Chance(seed), any_flow_works=False) <= 240


@given(SEEDS)
def test_the_first_retry_after_a_first_failure_falls_30_to_60_s_later(seed):
    assert 30 <= register_retry(1, Chance(seed), any_flow_works=False) <= 60


@given(FAILURES, st.booleans(), SEEDS)
def test_a_register_is_retried_after_50_to_100_percent_of_the_bound(failures, works, seed):
    bound = register_retry_bound(failures, any_flow_works=works)
    assert bound / 2 <= register_retry(failures, Chance(seed), any_flow_works=works) <= bound


@given(FAILURES, st.floats(0.1, 100), st.floats(0.1, 4000), st.floats(0, 50), SEEDS)
def test_full_jitter_stays_between_floor_and_the_doubled_base_and_never_beyond_the_cap(
    failures, base, cap, floor, seed
):
    wait = full_jitter(failures, base, cap, Chance(seed), floor)
    upper = min(cap, base * 2.0 ** min(failures, 64))
    assert min(floor, upper) <= wait <= upper


def test_full_jitter_uses_its_whole_range():
    chance = Chance(7)
    waits = [full_jitter(2, 5.0, 300.0, chance) for _ in range(1000)]
    assert min(waits) < 0.5
    assert max(waits) > 19.5
    assert 9.5 < sum(waits) / len(waits) < 10.5


def test_a_floor_above_the_upper_end_is_the_upper_end():
    assert full_jitter(0, 5.0, 30.0, Chance(1), floor=60.0) == 5.0


def test_the_first_probes_of_a_site_are_spread_over_ten_seconds():
    chance = Chance(7)
    delays = sorted(first_probe_delay(chance) for _ in range(1000))
    assert delays[0] >= 0
    assert delays[-1] < FIRST_PROBE_SPREAD == 10.0
    in_each_second = [sum(second <= delay < second + 1 for delay in delays) for second in range(10)]
    assert min(in_each_second) > 60


def test_the_same_seed_waits_the_same():
    assert full_jitter(3, 5.0, 300.0, Chance(42)) == full_jitter(3, 5.0, 300.0, Chance(42))
