"""When the daemon looks beside the paths; time passes only here."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.beside.timetable import PACES, SOON, Signs, Timetable
from tonekeeper.core.chance import Chance
from tonekeeper.core.checks import Check, Outcome
from tonekeeper.core.site import Role

QUIET = Signs(0.0, (("fibre", ("198.51.100.2",), ""), ("lte", (), "")), (), ())
ROUTER = Role.ROUTER


def timetable(seed: int = 7, now: float = 1000.0) -> Timetable:
    return Timetable(Chance(seed), QUIET, now)


def due(table: Timetable, check: Check) -> float:
    """When `check` comes, if nothing happens; everything before it is looked at and found well."""
    while True:
        first, at = table.next(ROUTER)
        if first is check:
            return at
        table.looked(first, Outcome.OK, at)


@pytest.mark.parametrize("check", PACES)
def test_the_first_look_is_spread_over_as_long_again_as_it_waits(check):
    firsts = [due(timetable(seed), check) - 1000.0 for seed in range(20)]
    assert all(PACES[check].first <= first <= 2 * PACES[check].first for first in firsts)
    assert len(set(firsts)) == 20


@pytest.mark.parametrize(("outcome", "pace"), [(Outcome.OK, "every"), (Outcome.PROBLEM, "while_problem")])
@pytest.mark.parametrize("check", PACES)
def test_the_next_look_comes_in_its_time_and_sooner_while_there_is_a_problem(check, outcome, pace):
    table = timetable()
    table.looked(check, outcome, 5000.0)
    pause = getattr(PACES[check], pace)
    assert 5000.0 + 0.9 * pause <= due(table, check) <= 5000.0 + pause


def test_an_endpoint_has_no_table_of_connections_to_look_at():
    table = timetable()
    seen = []
    for _ in range(50):
        check, at = table.next(Role.ENDPOINT)
        table.looked(check, Outcome.OK, at)
        seen.append(check)
    assert set(seen) == set(PACES) - {Check.CONNTRACK}


@pytest.mark.parametrize(
    ("signs", "check"),
    [
        (replace(QUIET, clock_jump=3600.0), Check.CLOCK),
        (replace(QUIET, ways_out=(("fibre", ("198.51.100.9",), ""), ("lte", (), ""))), Check.DOUBLE_NAT),
        (replace(QUIET, ways_out=(("fibre", ("198.51.100.2",), "203.0.113.9"), ("lte", (), ""))), Check.DOUBLE_NAT),
        (replace(QUIET, broken=("lte",)), Check.PORTAL),
    ],
)
def test_what_changed_brings_its_own_check_forward_and_no_other(signs, check):
    table = timetable()
    for each in PACES:
        table.looked(each, Outcome.OK, 1000.0)
    others = {each: due(deepcopy(table), each) for each in PACES if each is not check}
    later = 1000.0 + 1200.0
    table.notice(signs, later)
    assert later + SOON <= due(deepcopy(table), check) <= later + 2 * SOON
    assert {each: due(deepcopy(table), each) for each in others} == others


def test_a_wan_that_comes_back_and_what_stays_as_it_is_bring_nothing_forward():
    table = timetable()
    table.looked(Check.PORTAL, Outcome.OK, 1000.0)
    table.notice(replace(QUIET, broken=("lte",)), 2000.0)
    table.looked(Check.PORTAL, Outcome.OK, 2010.0)
    table.notice(replace(QUIET, broken=("lte",)), 5000.0)
    table.notice(QUIET, 5000.0)
    assert due(table, Check.PORTAL) > 5000.0 + 3600.0


def test_a_wan_that_flaps_is_not_asked_over_more_often_than_every_ten_minutes():
    table, looks, now = timetable(), [], 1000.0
    table.looked(Check.PORTAL, Outcome.OK, now)
    while now < 1000.0 + 3600.0:
        table.notice(replace(QUIET, broken=("lte",) if now % 20 < 10 else ()), now)
        check, at = table.next(ROUTER)
        if at <= now:
            table.looked(check, Outcome.OK, now)
            looks += [now] if check is Check.PORTAL else []
        now += 1.0
    assert 4 <= len(looks) <= 6


def test_a_problem_that_a_diagnosis_found_is_looked_at_as_soon_as_one_found_here():
    table = timetable()
    table.looked(Check.DHCP, Outcome.OK, 1000.0)
    table.notice(replace(QUIET, problems=(Check.DHCP,)), 2000.0)
    assert due(table, Check.DHCP) == 2000.0 + PACES[Check.DHCP].while_problem


def test_a_reload_looks_at_everything_soon_but_asks_nobody_twice_in_a_row():
    table = timetable()
    table.looked(Check.CLOCK, Outcome.OK, 1000.0)
    table.look_again(1001.0)
    assert due(deepcopy(table), Check.DHCP) <= 1001.0 + 2 * SOON
    assert due(table, Check.CLOCK) == 1000.0 + PACES[Check.CLOCK].least


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["look", "again", "notice"]),
            st.sampled_from(sorted(PACES)),
            st.sampled_from(Outcome),
            st.booleans(),
            st.floats(0.0, 1e6),
        ),
        max_size=30,
    )
)
def test_whatever_happens_a_look_is_never_nearer_to_the_last_one_than_its_least_distance(happenings):
    table, now, looked = timetable(), 1000.0, {}
    for what, check, outcome, broken, pause in happenings:
        now += pause
        match what:
            case "look":
                table.looked(check, outcome, now)
                looked[check] = now
            case "again":
                table.look_again(now)
            case "notice":
                table.notice(Signs(float(broken), (), ("lte",) if broken else (), (check,) if broken else ()), now)
        first, at = table.next(ROUTER)
        assert at < 1e9
        assert first not in looked or at >= looked[first] + PACES[first].least
