"""Which bindings are left idle for how long, and when they must have been made."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tonekeeper.core.nat.plan import OVERHEAD, SHORTEST_STEP, TCP_AS_GUEST, TCP_AWAITED, UDP, idle_times, plan
from tonekeeper.core.nat.result import BindingKind

ALL = tuple(BindingKind)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("pace", [UDP, TCP_AS_GUEST, TCP_AWAITED])
def test_steps_are_never_wider_than_the_resolution_or_one_second(kind, pace):
    for low, high in pairwise(idle_times(kind, 316.0, pace)):
        assert 0 < high - low <= max(1.0, pace.resolution * high)


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
    assert [idle.seconds for idle in last] == [316.0] * len(ALL)


def test_the_most_urgent_is_made_first_and_streams_before_the_others():
    planned = plan(ALL, 316.0)
    assert [idle.make_by for idle in planned] == sorted(idle.make_by for idle in planned)
    assert planned[0].kind is BindingKind.STREAM


def test_there_are_more_idle_times_than_sockets_so_long_ones_wait():
    assert 150 < len(plan(ALL, 316.0)) < 400


def test_connections_are_few_unless_they_are_waited_for():
    tcp = (BindingKind.TCP,)
    assert 10 < len(plan(tcp, 316.0, TCP_AS_GUEST)) < 20
    assert 50 < len(plan(tcp, 7440.0, TCP_AWAITED)) < 100
