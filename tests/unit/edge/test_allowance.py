"""The token bucket that keeps floods away from the decoder."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.edge.allowance import Allowance


def test_a_burst_is_allowed_at_once_and_no_more():
    allowance = Allowance(per_second=1.0, burst=3.0, now=0.0)
    assert [allowance.take(0.0) for _ in range(5)] == [True, True, True, False, False]


def test_what_is_used_up_comes_back_with_time():
    allowance = Allowance(per_second=2.0, burst=1.0, now=0.0)
    assert allowance.take(0.0)
    assert not allowance.take(0.4)
    assert allowance.take(0.6)


def test_a_long_silence_allows_no_more_than_a_burst():
    allowance = Allowance(per_second=10.0, burst=2.0, now=0.0)
    assert [allowance.take(1e6) for _ in range(3)] == [True, True, False]


@given(pauses=st.lists(st.floats(0.0, 3.0), max_size=200))
def test_never_more_is_allowed_than_the_burst_and_what_came_back(pauses):
    allowance = Allowance(per_second=5.0, burst=4.0, now=0.0)
    now, taken = 0.0, 0
    for pause in pauses:
        now += pause
        taken += allowance.take(now)
    assert taken <= 4.0 + 5.0 * now + 1e-6
