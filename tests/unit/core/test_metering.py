from __future__ import annotations

from tonekeeper.core.budget import MONTH
from tonekeeper.core.metering import EXCHANGE, SLOWEST, Meter


def spend(meter: Meter, probes: int, at: float) -> Meter:
    for _ in range(probes):
        meter.count(at)
    return meter


def test_a_budget_is_spread_over_its_month():
    meter = Meter(began=0.0)
    interval = meter.interval(budget=50_000_000, paths=2, steady=5.0, now=0.0)
    assert interval * 50_000_000 / (2 * EXCHANGE) == MONTH


def test_a_large_budget_never_makes_it_probe_oftener_than_the_operator_says():
    assert Meter(0.0).interval(budget=10**12, paths=2, steady=5.0, now=0.0) == 5.0


def test_what_was_spent_early_makes_the_rest_slower():
    meter = Meter(0.0)
    before = meter.interval(50_000_000, 2, 5.0, 86400.0)
    assert spend(meter, 25_000, 86400.0).interval(50_000_000, 2, 5.0, 86400.0) > before * 1.9


def test_with_nothing_left_it_asks_once_an_hour():
    assert spend(Meter(0.0), 60, 1.0).interval(50_000, 2, 5.0, 1.0) == SLOWEST


def test_a_new_month_begins_with_a_full_purse():
    meter = spend(Meter(0.0), 60, 1.0)
    meter.count(MONTH + 1)
    assert (meter.began, meter.spent) == (MONTH + 1, EXCHANGE)
