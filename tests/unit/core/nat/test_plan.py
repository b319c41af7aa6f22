"""Which bindings are left idle for how long, and when they must have been made."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tonekeeper.core.nat.plan import OVERHEAD, SHORTEST_STEP, idle_times, plan
from tonekeeper.core.nat.result import BindingKind

ALL = tuple(BindingKind)


@pytest.mark.parametrize("kind", ALL)
def test_steps_are_never_wider_than_five_percent_or_one_second(kind):
    for low, high in pairwise(idle_times(kind, 316.0)):
        assert 0 < high - low <= max(1.0, 0.05 * high)


@pytest.mark.parametrize("kind", ALL)
def test_from_ten_seconds_on_a_step_leaves_the_measurement_in_its_time(kind):
    for low, high in pairwise(idle_times(kind, 316.0)):
        if low >= 10.0:
            assert high - low <= SHORTEST_STEP + 1e-9 or high + OVERHEAD[kind] <= 1.15 * low + 2.0 + 1e-9


@pytest.mark.parametrize("longest", [0.5, 1.0, 3.0, 60.0, 316.0])
def test_the_grid_ends_exactly_at_the_longest_time(longest):
    times = idle_times(BindingKind.REPLIED, longest)
    assert times[-1] == longest
    assert list(times) == sorted(set(times))


def test_every_kind_has_one_last_time():
    last = [idle for idle in plan(ALL, 316.0) if idle.is_last]
    assert {idle.kind for idle in last} == set(ALL)
    assert [idle.seconds for idle in last] == [316.0] * 3


def test_the_most_urgent_is_made_first_and_streams_before_the_others():
    planned = plan(ALL, 316.0)
    assert [idle.make_by for idle in planned] == sorted(idle.make_by for idle in planned)
    assert planned[0].kind is BindingKind.STREAM


def test_there_are_more_idle_times_than_sockets_so_long_ones_wait():
    assert 150 < len(plan(ALL, 316.0)) < 300
