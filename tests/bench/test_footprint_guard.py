"""When the footprint is called worse."""

from __future__ import annotations

from tests.bench.footprint_guard import YARDSTICK, growth, worse

THEN = {"RSS, MiB": 30.0, "CPU, ms a minute": 100.0, YARDSTICK: 20.0}


def test_ten_per_cent_more_is_not_worse_yet():
    assert worse({"RSS, MiB": 33.0, "CPU, ms a minute": 110.0, YARDSTICK: 20.0}, THEN) == []


def test_more_than_that_is_said_with_all_the_figures():
    assert worse({"RSS, MiB": 33.1, "CPU, ms a minute": 100.0, YARDSTICK: 20.0}, THEN) == [
        "RSS, MiB: 33.1, and at most 33.0 is allowed (it was 30.0)"
    ]


def test_a_machine_that_is_half_as_fast_may_take_twice_the_time_but_no_more_memory():
    slow = {"RSS, MiB": 60.0, "CPU, ms a minute": 219.0, YARDSTICK: 40.0}
    assert [sentence.partition(":")[0] for sentence in worse(slow, THEN)] == ["RSS, MiB"]


def test_what_grows_in_steps_is_measured_from_step_to_step():
    sizes = [(0.0, 100), (1.0, 100), (2.0, 160), (3.0, 160), (61.0, 160), (62.0, 280), (122.0, 400), (150.0, 400)]
    assert growth(sizes) == 240 / 120


def test_what_grew_once_has_no_rate_yet():
    assert growth([(0.0, 100), (1.0, 160), (2.0, 160)]) == 0.0
