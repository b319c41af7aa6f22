"""RFC 3261 section 17.1.2, in seconds."""

import pytest

from tonekeeper.phones.storm import affordable
from tonekeeper.phones.transactions import MONTH, overdue_after, retries_for, sends_within, t1_for


def test_with_the_standard_timers_a_request_is_sent_eleven_times_in_32_seconds():
    assert sends_within(32.0) == 11
    assert overdue_after(11) == pytest.approx(35.5)


@pytest.mark.parametrize(("retries", "seconds"), [(0, 0.5), (1, 1.5), (2, 3.5), (3, 7.5), (4, 11.5)])
def test_the_answer_to_the_last_copy_is_overdue_after_the_doubled_intervals(retries, seconds):
    assert overdue_after(retries + 1) == seconds


def test_a_lossy_line_takes_more_repetitions_before_silence_is_believed():
    often = MONTH / 60
    assert retries_for(None, often) == retries_for(0.01, often) == 3
    assert retries_for(0.1, often) == 4
    assert retries_for(0.3, often) == 8
    assert retries_for(0.9, often) == 10


def test_t1_is_three_round_trips_and_never_under_100_ms():
    assert t1_for(None) is None
    assert t1_for(0.01) == 0.1
    assert t1_for(0.6) == pytest.approx(1.8)


@pytest.mark.parametrize("rate", [0.5, 1, 2, 5, 10, 50, 100, 1000])
def test_what_a_registrar_can_afford_on_average_leaves_room_for_chance(rate):
    mean = affordable(rate)
    assert 0 < mean < rate
    assert mean == pytest.approx(0.1 * rate) or mean + 5 * mean**0.5 + 1 == pytest.approx(rate)
