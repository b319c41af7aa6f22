"""The E-model, against values that G.107 and its users publish."""

import pytest

from tonekeeper.core.depth.voice_quality import BPL_PLAIN, mos, mouth_to_ear_ms, r_factor


def test_all_defaults_give_the_value_that_g107_states():
    assert r_factor(0.0, 0.0) == pytest.approx(93.2, abs=0.05)
    assert mos(93.2) == pytest.approx(4.41, abs=0.01)


@pytest.mark.parametrize("delay_ms", [25, 50, 100, 150, 177, 200, 250, 300])
def test_delay_costs_what_cole_and_rosenbluth_fitted_to_the_same_curve(delay_ms):
    """Voice over IP performance monitoring, CCR 31 (2001): two straight lines."""
    fitted = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
    assert r_factor(0.0, 0.0) - r_factor(delay_ms, 0.0) == pytest.approx(fitted, abs=1.0)


@pytest.mark.parametrize(
    ("loss", "impairment"),
    [(0.01, 95 * 1 / (1 + 25.1)), (0.05, 95 * 5 / (5 + 25.1)), (0.3, 95 * 30 / (30 + 25.1))],
)
def test_loss_costs_what_g113_says_of_concealed_g711(loss, impairment):
    assert r_factor(0.0, 0.0) - r_factor(0.0, loss) == pytest.approx(impairment)


def test_loss_that_nothing_conceals_costs_more_and_bursts_cost_more_than_random_loss():
    assert r_factor(0.0, 0.02, bpl=BPL_PLAIN) < r_factor(0.0, 0.02)
    assert r_factor(0.0, 0.02, burst_ratio=2.0) < r_factor(0.0, 0.02)


@pytest.mark.parametrize(
    ("r", "value"), [(0, 1.0), (50, 2.58), (60, 3.1), (70, 3.6), (80, 4.02), (90, 4.34), (100, 4.5)]
)
def test_mos_is_that_of_annex_b(r, value):
    assert mos(r) == pytest.approx(value, abs=0.01)


def test_mos_never_falls_below_one_nor_with_a_better_line():
    values = [mos(r) for r in range(-5, 110)]
    assert min(values) == 1.0
    assert max(values) == 4.5


def test_more_loss_and_more_delay_never_sound_better():
    by_loss = [r_factor(100, loss / 100) for loss in range(100)]
    by_delay = [r_factor(delay, 0.0) for delay in range(0, 1000, 10)]
    for values in (by_loss, by_delay):
        assert values == sorted(values, reverse=True)


def test_a_listener_waits_for_half_the_round_trip_a_packet_and_the_buffer():
    assert mouth_to_ear_ms(100.0, 1.0) == 50 + 20 + 20
    assert mouth_to_ear_ms(100.0, 30.0) == 50 + 20 + 60
