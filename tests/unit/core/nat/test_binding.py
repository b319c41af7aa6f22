"""One binding from its first packet to its verdict."""

from __future__ import annotations

import pytest

from tonekeeper.core.nat.binding import SILENT_ROUNDS, SILENT_ROUNDS_ALONE, Binding, Phase
from tonekeeper.core.nat.plan import IdleTime
from tonekeeper.core.nat.result import BindingKind, Trial
from tonekeeper.core.nat.search import Search

PATIENCE, SLOWEST = 0.1, 0.02


def binding(kind=BindingKind.REPLIED, seconds=10.0, *, is_last=False) -> Binding:
    made = Binding(IdleTime(kind, seconds, 0.0, is_last))
    made.phase = Phase.MAKING
    return made


def idle_since(instant: float, seconds=10.0, **options) -> Binding:
    made = binding(seconds=seconds, **options)
    made.touched(instant - 0.02, PATIENCE)
    made.answered(instant, 40001)
    return made


def asked_in_silence(one: Binding, now: float, rounds: int) -> float:
    """The listener hears every round, the binding none; the instant at which the last one counts."""
    for _ in range(rounds):
        one.asked(now, SLOWEST)
        one.rounds[-1].listener_heard_at = now + 0.02
        now = one.due
    return now + PATIENCE


# --- making


@pytest.mark.parametrize("kind", [BindingKind.UNREPLIED, BindingKind.REPLIED])
def test_one_answered_packet_makes_an_unreplied_or_replied_binding(kind):
    one = binding(kind)
    one.touched(100.0, PATIENCE)
    one.answered(100.02, 40001)
    assert (one.phase, one.mapped_port, one.due) == (Phase.IDLE, 40001, 110.02)


def test_each_further_try_is_waited_for_twice_as_long():
    one = binding(BindingKind.STREAM)
    waits = []
    for one.tries in range(6):
        one.touched(100.0, PATIENCE)
        waits.append(round(one.due - 100.0, 3))
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 1.6]


def test_a_stream_is_made_by_exchanges_over_more_than_two_seconds():
    one = binding(BindingKind.STREAM)
    now = 100.0
    for _ in range(3):
        assert one.phase is Phase.MAKING
        one.touched(now, PATIENCE)
        one.answered(now + 0.02, 40001)
        now = one.due
    assert one.phase is Phase.IDLE
    assert one.sent_at - 100.02 > 2.0
    assert one.due == one.heard_at + 10.0


def test_a_stream_whose_port_changes_begins_anew():
    one = binding(BindingKind.STREAM)
    one.touched(100.0, PATIENCE)
    one.answered(100.02, 40001)
    one.touched(101.0, PATIENCE)
    one.answered(101.02, 40002)
    assert (one.phase, one.stream_from, one.tries) == (Phase.MAKING, 101.02, 1)


def test_an_answer_that_comes_twice_makes_the_idle_time_shorter():
    one = idle_since(100.0)
    one.answered(100.5, 40001)
    assert one.idle_for(110.0) == 9.5


# --- asked


def test_an_answer_proves_the_time_from_the_last_sign_of_life_to_the_question():
    one = idle_since(100.0)
    one.asked(110.0, SLOWEST)
    one.heard(0)
    assert (one.phase, one.proven, one.trial) == (Phase.ALIVE, 10.0, Trial.ALIVE)


def test_the_second_round_waits_for_the_answer_to_the_first_and_the_next_ones_come_quickly():
    one = idle_since(100.0)
    gaps = []
    now = 110.0
    for _ in range(6):
        one.asked(now, 0.05)
        one.rounds[-1].listener_heard_at = now + 0.05
        gaps.append(round(one.due - now, 3))
        now = one.due
    assert gaps == [0.06, 0.02, 0.02, 0.12, 0.12, 0.12]


def test_rounds_are_few_while_not_even_the_listener_hears_anything():
    one = idle_since(100.0)
    now = 110.0
    for _ in range(5):
        one.asked(now, SLOWEST)
        now = one.due
    one.asked(now, SLOWEST)
    assert one.due == now + 1.0


def test_a_round_is_silent_only_if_the_listener_heard_it():
    one = idle_since(100.0)
    one.asked(110.0, SLOWEST)
    one.asked(110.02, SLOWEST)
    assert one.silent_rounds(120.0, PATIENCE) == 0
    one.rounds[1].listener_heard_at = 110.04
    assert one.silent_rounds(110.1, PATIENCE) == 0
    assert one.silent_rounds(110.12, PATIENCE) == 1


def test_the_third_silent_round_bounds_the_lifetime_from_above():
    one = idle_since(100.0)
    assert one.dead_by(200.0, PATIENCE, SLOWEST) is None
    now = asked_in_silence(one, 110.0, 4)
    third = one.rounds[2].listener_heard_at
    assert one.dead_by(now, PATIENCE, SLOWEST) == pytest.approx(third + SLOWEST - 99.98)


# --- what several of them say


def test_a_silent_binding_is_dead_when_another_one_idle_for_longer_is_silent_too():
    first, second = idle_since(100.0), idle_since(100.0, seconds=11.0)
    alive = idle_since(100.0, seconds=9.0)
    alive.asked(109.0, SLOWEST)
    alive.heard(0)
    search = Search([alive, first, second])
    now = asked_in_silence(first, 110.0, SILENT_ROUNDS)
    search.judge(now, PATIENCE, SLOWEST)
    assert search.found is None
    assert second.due < 110.5, "the other one is asked ahead of its time"
    now = asked_in_silence(second, now, 3)
    search.judge(now, PATIENCE, SLOWEST)
    low, high = search.found
    assert low == 9.0
    assert 10.0 < high < 10.3


def test_a_silent_binding_without_another_one_takes_more_rounds():
    one = idle_since(100.0)
    search = Search([one])
    now = asked_in_silence(one, 110.0, SILENT_ROUNDS_ALONE - 1)
    search.judge(now, PATIENCE, SLOWEST)
    assert search.found is None
    asked_in_silence(one, now, 1)
    search.judge(now + 1.0, PATIENCE, SLOWEST)
    assert search.found == (0.0, pytest.approx(10.1, abs=0.1))


def test_a_binding_that_is_dead_while_another_one_lives_on_decides_nothing():
    odd, other = idle_since(100.0), idle_since(100.0, seconds=11.0)
    search = Search([odd, other])
    other.asked(110.5, SLOWEST)
    other.heard(0)
    now = asked_in_silence(odd, 110.0, SILENT_ROUNDS_ALONE)
    search.judge(now, PATIENCE, SLOWEST)
    assert search.oddities == 1
    assert search.found is None
    assert search.dead == []


def test_all_alive_up_to_the_last_one_leave_the_interval_open():
    one = idle_since(100.0, is_last=True)
    search = Search([one])
    one.asked(110.0, SLOWEST)
    one.heard(0)
    search.judge(110.1, PATIENCE, SLOWEST)
    assert search.found == (10.0, None)


def test_a_binding_asked_in_vain_for_fifteen_seconds_is_left_out():
    one = idle_since(100.0)
    search = Search([one, idle_since(100.0, seconds=60.0)])
    one.asked(110.0, SLOWEST)
    search.judge(124.9, PATIENCE, SLOWEST)
    assert one.phase is Phase.ASKED
    search.judge(125.1, PATIENCE, SLOWEST)
    assert one.phase is Phase.LEFT_OUT
    assert not search.is_over


def test_where_no_binding_can_be_made_no_more_are_tried():
    bindings = [binding() for _ in range(10)]
    search = Search(bindings)
    for one in bindings[:5]:
        one.leave_out()
    search.judge(100.0, PATIENCE, SLOWEST)
    assert "no binding could be made" in search.reason
