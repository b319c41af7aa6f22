from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.budget import AIM, FEWEST, MONTH, MOST, LossEstimate, confirmations


def estimate(loss: float, probes: int) -> LossEstimate:
    """What is known after so many steady probes, of which every 1/loss-th was missed and answered at once."""
    known = LossEstimate()
    every = round(1 / loss) if loss else 0
    for number in range(1, probes + 1):
        if every and number % every == 0:
            known.missed(1, then_answered=True)
        else:
            known.answered()
    return known


def needed(known: LossEstimate, *, paths: int = 4, budget: float = 1.0) -> int:
    return confirmations(known, paths=paths, interval=5.0, false_alarms_per_month=budget).confirmations


def test_a_clean_line_needs_few_confirmations_and_a_lossy_one_more():
    counts = [needed(estimate(loss, 5000)) for loss in (0.0, 0.02, 0.1, 0.3)]
    assert counts == sorted(counts)
    assert counts[0] == FEWEST
    assert counts[2] > counts[0]


def test_a_new_path_is_treated_neither_as_perfect_nor_as_bad():
    assert needed(LossEstimate()) == 3


def test_a_smaller_budget_asks_for_more_confirmations():
    known = estimate(0.05, 3000)
    assert needed(known, budget=0.01) > needed(known, budget=100)


def test_more_paths_share_one_budget():
    known = estimate(0.05, 3000)
    assert needed(known, paths=64) >= needed(known, paths=1)


def test_burst_loss_is_told_apart_from_as_much_random_loss():
    scattered, bursty = LossEstimate(), LossEstimate()
    for _ in range(50):
        for known, in_a_row in ((scattered, 1), (bursty, 4)):
            for _ in range(19):
                known.answered()
            known.missed(in_a_row, then_answered=True)
    assert bursty.q > 0.6 > scattered.q
    assert needed(bursty) > needed(scattered)


def test_nothing_measured_is_none_and_not_zero():
    assert LossEstimate().share is None
    assert estimate(0.0, 10).share == 0.0


def test_the_measured_share_is_the_share():
    assert estimate(0.1, 5000).share == pytest.approx(0.1, abs=0.01)


@given(loss=st.floats(0, 1), rows=st.lists(st.integers(1, 15), max_size=30), paths=st.integers(0, 500))
def test_the_count_is_always_within_its_limits(loss, rows, paths):
    known = estimate(loss if loss > 0.01 else 0.0, 200)
    for row in rows:
        known.missed(row, then_answered=True)
    assert FEWEST <= needed(known, paths=paths) <= MOST
    assert 0 <= known.p <= 1
    assert 0 < known.q < 1


def test_the_expected_number_of_false_alarms_stays_below_the_aim():
    for loss in (0.01, 0.02, 0.05, 0.1):
        known = estimate(loss, 5000)
        count = needed(known, paths=4)
        expected = 4 * MONTH / 5.0 * loss * loss**count
        assert expected <= AIM
