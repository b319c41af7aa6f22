from __future__ import annotations

import pytest

from tonekeeper.core.rtt import CEILING, FLOOR, INITIAL, AdaptiveTimeout


def test_before_any_sample_it_waits_a_second():
    assert AdaptiveTimeout().value == INITIAL == 1.0


def test_the_first_sample_sets_both_averages():
    timeout = AdaptiveTimeout()
    timeout.sample(0.2)
    assert (timeout.srtt, timeout.rttvar) == (0.2, 0.1)
    assert timeout.value == pytest.approx(0.6)


def test_the_variation_is_updated_before_the_average():
    timeout = AdaptiveTimeout()
    timeout.sample(0.2)
    timeout.sample(0.4)
    assert timeout.rttvar == pytest.approx(0.75 * 0.1 + 0.25 * 0.2)
    assert timeout.srtt == pytest.approx(0.875 * 0.2 + 0.125 * 0.4)


def test_a_fast_steady_line_comes_down_to_the_floor():
    timeout = AdaptiveTimeout()
    for _ in range(50):
        timeout.sample(0.001)
    assert timeout.value == FLOOR


def test_a_slow_server_is_waited_for_but_not_for_ever():
    timeout = AdaptiveTimeout()
    timeout.sample(3.0)
    assert timeout.value == CEILING
