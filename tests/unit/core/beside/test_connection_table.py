"""The table of connections: free, filling, full, and full a moment ago."""

from __future__ import annotations

import pytest

from tonekeeper.core.beside.connection_table import TableSeen, judge_table
from tonekeeper.core.checks import Outcome
from tonekeeper.core.report import Severity

MOST = 16384
GIB = 1 << 30


def seen(share: float, **counters: int) -> TableSeen:
    return TableSeen(int(share * MOST), MOST, memory=GIB, **counters)


def finding(now: TableSeen, before: TableSeen | None = None):
    result = judge_table(now, before)
    assert result.outcome is Outcome.PROBLEM
    (one,) = result.observations
    assert one.code == "conntrack-full"
    return one


def test_a_table_with_room_is_told_so_coarsely_that_it_is_not_news_every_minute():
    told = {judge_table(seen(share)).detail for share in (0.11, 0.12, 0.19)}
    assert told == {"less than 20 % of 16384 entries are in use"}
    assert judge_table(seen(0.0)).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("share", "severity"),
    [(0.80, Severity.WARNING), (0.949, Severity.WARNING), (0.951, Severity.CRITICAL), (1.0, Severity.CRITICAL)],
)
def test_from_four_fifths_on_it_is_a_warning_and_nearly_full_it_is_critical(share, severity):
    assert finding(TableSeen(round(share * 100_000), 100_000)).severity is severity


def test_what_was_evicted_between_two_looks_was_lost_however_empty_it_is_now():
    one = finding(seen(0.3, evicted=7), seen(0.2, evicted=4))
    assert one.severity is Severity.CRITICAL
    assert "3 connections were dropped or evicted" in one.evidence["why"]


def test_a_packet_that_a_helper_dropped_is_not_the_tables_fault():
    assert judge_table(seen(0.3, dropped=9), seen(0.3)).outcome is Outcome.OK
    assert finding(seen(0.82, dropped=9), seen(0.3)).severity is Severity.CRITICAL


def test_one_look_alone_says_nothing_of_what_was_lost():
    assert judge_table(seen(0.3, evicted=1000)).outcome is Outcome.OK


def test_counters_that_began_again_say_nothing():
    assert judge_table(seen(0.3, evicted=1), seen(0.3, evicted=1000)).outcome is Outcome.OK


def test_the_remedy_is_a_table_of_twice_the_size_where_the_memory_bears_it():
    assert finding(seen(0.9)).evidence["change"].startswith("sysctl -w net.netfilter.nf_conntrack_max=32768 ")
    small = TableSeen(MOST, MOST, memory=64 << 20)
    assert finding(small).evidence["change"] == "64 MiB of memory bear no larger table: stop what fills it"


def test_a_table_without_a_bound_is_never_full():
    assert judge_table(TableSeen(1000, 0)).outcome is Outcome.OK
