from __future__ import annotations

from dataclasses import replace

from tests.unit.faces import reports
from tests.unit.faces.watch.seen import ONE_O_CLOCK, later
from tonekeeper.core.report import ChangeReport
from tonekeeper.faces.watch.paper import Paper
from tonekeeper.faces.watch.sight import Sight

ASKED = Sight("http://127.0.0.1:8642", 2.0, 0)
FAILED_OVER = [
    "00:59:18    sbc primary: healthy -> down (silent on every WAN)",
    "00:59:19    active: fibre/primary -> fibre/alternate (primary is down)",
    "01:00:00  PROBLEM  SBC primary does not answer, and it is not this site's WANs: both reach alternate.",
]


def test_what_happened_is_told_in_order_and_then_what_it_means():
    assert Paper(ASKED).answered(reports.failed_over(), ONE_O_CLOCK) == FAILED_OVER


def test_what_was_told_is_not_told_again():
    paper = Paper(ASKED)
    paper.answered(reports.failed_over(), ONE_O_CLOCK)

    assert paper.answered(later(reports.failed_over(), 2.0), ONE_O_CLOCK + 2.2) == []


def test_only_the_new_event_is_told():
    paper = Paper(ASKED)
    paper.answered(reports.failed_over(), ONE_O_CLOCK)
    next_look = later(reports.failed_over(), 2.0)
    event = ChangeReport(0.5, "wan lte", "up", "down", "")

    news = paper.answered(replace(next_look, changes=(*next_look.changes, event)), ONE_O_CLOCK + 2.0)

    assert news == ["01:00:01    wan lte: up -> down"]


def test_of_what_happened_before_the_first_look_only_the_latest_is_told():
    many = tuple(ChangeReport(100.0 - n, f"event {n}", "a", "b", "") for n in range(50))

    told = Paper(ASKED).answered(replace(reports.healthy(), changes=many), ONE_O_CLOCK)

    assert [line.split()[2].rstrip(":") for line in told[:-1]] == ["45", "46", "47", "48", "49"]


def test_an_agent_that_goes_away_and_comes_back_is_told_once_each():
    paper = Paper(ASKED)
    paper.answered(reports.healthy(), ONE_O_CLOCK)

    assert paper.failed("cannot reach the agent", 2.0) == ["01:00:00  NO ANSWER  cannot reach the agent"]
    assert paper.failed("cannot reach the agent", 4.0) == []
    assert paper.sight.silent_s == 4.0
    assert paper.answered(reports.healthy(), ONE_O_CLOCK)[0].startswith("01:00:00  OK  Every path works")


def test_before_the_first_answer_there_is_no_time_to_tell():
    assert Paper(ASKED).failed("cannot reach the agent", 0.0) == ["NO ANSWER  cannot reach the agent"]


def test_the_events_of_a_restarted_agent_are_new():
    paper = Paper(ASKED)
    paper.answered(reports.failed_over(), ONE_O_CLOCK)
    event = ChangeReport(1.0, "wan fibre", "unknown", "up", "")
    restarted = replace(
        reports.failed_over(), agent=replace(reports.failed_over().agent, uptime_s=2.0), changes=(event,)
    )

    assert paper.answered(restarted, ONE_O_CLOCK + 60)[0] == "01:00:59    wan fibre: unknown -> up"


def test_names_move_no_cursor():
    assert all(line.isprintable() for line in Paper(ASKED).answered(reports.hostile("\x1b[2J\n"), ONE_O_CLOCK))
