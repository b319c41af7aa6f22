"""When the daemon examines, and what it makes of the answer."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

from tests.unit.core.talk import Talk, site
from tonekeeper.core.commands import ExamineEgress
from tonekeeper.core.egress.result import EgressTrial, Fact, Outcome, PathMtu
from tonekeeper.core.egress.watch import AGAIN, DAILY, PATIENCE, QUIET, SETTLED, SPACING
from tonekeeper.core.events import EgressExamined, IcmpReceived, LinkChanged, SiteChanged
from tonekeeper.core.probe_allowance import EXAMINATION
from tonekeeper.core.site import ProbePolicy

HOP = "203.0.113.77"
LOST = {"hops": (HOP,)}


def asked(talk: Talk, since: float = 0.0) -> list[ExamineEgress]:
    return [command for at, command in talk.done if isinstance(command, ExamineEgress) and at >= since]


def quiet() -> Talk:
    """Measured already, so that nothing but an incident is examined."""
    talk = Talk().begin()
    for _ in range(4):
        talk.pass_time(QUIET)
        answer_last(talk)
    talk.pass_time(SPACING)
    talk.done.clear()
    return talk


def answer_last(talk: Talk, outcome: Outcome = Outcome.ANSWERED, **changes: object) -> None:
    command = asked(talk)[-1]
    well = {"mtu": PathMtu(1500, 1500, pieces=Fact.YES), "packets": 3} if outcome is Outcome.ANSWERED else {}
    talk.tell(EgressExamined(EgressTrial(command.path, command.interface, outcome, "seen", **{**well, **changes})))


def test_each_place_is_measured_once_while_all_is_well_and_then_daily():
    talk = Talk(dataclasses.replace(site(), probe=ProbePolicy(interval=600.0))).begin()
    for _ in range(6):
        talk.pass_time(QUIET)
        if asked(talk):
            answer_last(talk)
    places = [(command.path.wan, command.path.sbc) for command in asked(talk)]
    assert sorted(places) == sorted({(wan, sbc) for wan in ("fibre", "lte") for sbc in ("primary", "alternate")})
    assert all(command.measures for command in asked(talk))
    talk.pass_time(DAILY - 600)
    assert len(asked(talk)) == 4
    talk.pass_time(600)
    assert len(asked(talk)) > 4


def test_a_path_that_is_down_is_examined_after_a_while_and_once():
    talk = quiet()
    talk.silence(wan="lte", sbc="primary")
    silent_since = talk.now
    talk.pass_time(60)
    (command,) = asked(talk)
    assert (command.path.wan, command.path.sbc, command.measures) == ("lte", "primary", False)
    (down,) = [at for at, one in talk.done if isinstance(one, ExamineEgress)]
    assert down >= silent_since + SETTLED
    answer_last(talk, Outcome.SILENT, **LOST)
    talk.pass_time(AGAIN * 2)
    assert len(asked(talk)) == 1


def test_what_is_found_is_told_and_explains_the_path():
    talk = quiet()
    talk.silence(wan="lte", sbc="primary")
    talk.pass_time(60)
    assert talk.findings() == ["path-down lte/primary/udp/192.0.2.1:5060"]
    answer_last(talk, Outcome.SILENT, **LOST)
    assert talk.findings() == ["upstream-blocks primary over lte"]
    row = next(row for row in talk.report.egress if row.outcome == "silent")
    assert (row.cause, row.last_hop) == ("upstream filter", HOP)


def test_it_does_not_explain_a_path_over_another_wan():
    talk = quiet()
    talk.silence(wan="lte", sbc="primary")
    talk.pass_time(60)
    answer_last(talk, Outcome.SILENT, **LOST)
    talk.restore()
    talk.silence(wan="fibre", sbc="primary")
    talk.silence(wan="lte", sbc="primary")
    talk.pass_time(5)
    assert "upstream-blocks primary over fibre" not in talk.findings()


def test_it_is_forgotten_when_the_path_is_back():
    talk = quiet()
    talk.silence(wan="lte", sbc="primary")
    talk.pass_time(60)
    answer_last(talk, Outcome.SILENT, **LOST)
    talk.restore()
    talk.pass_time(30)
    assert talk.findings() == []
    assert all(row.outcome == "answered" for row in talk.report.egress)


def test_once_the_sbc_is_silent_everywhere_nobody_upstream_is_blamed():
    talk = quiet()
    talk.silence(wan="lte", sbc="primary")
    talk.pass_time(60)
    answer_last(talk, Outcome.SILENT, **LOST)
    talk.silence(sbc="primary")
    talk.pass_time(30)
    assert "upstream-blocks primary over lte" not in talk.findings()
    assert "sbc-down primary" in talk.findings()


def test_an_answer_from_before_is_no_witness_against_an_sbc_that_is_dead_by_now():
    talk = quiet()
    talk.silence(sbc="primary")
    talk.pass_time(30)
    answer_last(talk, Outcome.SILENT, **LOST)
    examined = asked(talk)[-1].path.wan
    rows = {row.wan: row for row in talk.report.egress if row.sbc == "primary"}
    assert set(rows) == {examined}, "what was measured over the other WAN while all was well says nothing now"
    assert "upstream" not in rows[examined].cause


def test_another_reason_is_examined_again_but_not_within_ten_minutes():
    talk = quiet()
    talk.silence(wan="lte", sbc="primary")
    talk.pass_time(60)
    answer_last(talk, Outcome.SILENT, **LOST)
    path = asked(talk)[0].path
    began = talk.now
    talk.tell(IcmpReceived(path, 3, 13, HOP))
    talk.pass_time(AGAIN - 120)
    assert len(asked(talk)) == 1
    for _ in range(30):
        talk.tell(IcmpReceived(path, 3, 13, HOP))
        talk.pass_time(20)
    again = [at for at, command in talk.done if isinstance(command, ExamineEgress)]
    assert len(again) <= 2
    assert all(at >= began + AGAIN - 60 for at in again[1:])


def test_one_at_a_time_and_never_in_a_burst():
    talk = quiet()
    talk.silence()
    for _ in range(30):
        talk.pass_time(10)
        if asked(talk) and talk.agent.situation.egress.asked is not None:
            answer_last(talk, Outcome.SILENT, **LOST)
    times = [at for at, command in talk.done if isinstance(command, ExamineEgress)]
    assert len(times) == 4
    assert all(later - earlier >= SPACING for earlier, later in pairwise(times))


def test_an_answer_that_never_comes_is_not_waited_for_for_ever():
    talk = quiet()
    talk.silence(sbc="primary")
    talk.pass_time(PATIENCE + 60)
    assert len({command.path for command in asked(talk)}) == 2


def test_nothing_is_examined_over_a_metered_wan():
    metered = site()
    wans = tuple(dataclasses.replace(wan, metered=wan.name == "lte") for wan in metered.wans)
    talk = Talk(dataclasses.replace(metered, wans=wans)).begin()
    for _ in range(6):
        talk.pass_time(QUIET)
        if asked(talk):
            answer_last(talk)
    talk.silence(wan="lte")
    talk.pass_time(300)
    assert {command.path.wan for command in asked(talk)} == {"fibre"}


def test_a_wan_without_a_carrier_needs_no_witness():
    talk = quiet()
    talk.tell(LinkChanged("wwan0", True, False, ()))
    talk.silence(wan="lte")
    talk.pass_time(300)
    assert asked(talk) == []


def test_a_reload_has_everything_examined_anew():
    talk = quiet()
    talk.tell(SiteChanged(site()))
    talk.pass_time(QUIET + 10)
    assert asked(talk)


def test_the_storm_guard_is_charged_with_what_was_sent():
    talk = quiet()
    talk.silence(wan="lte", sbc="primary")
    talk.pass_time(60)
    before = talk.agent.situation.allowance.sent
    answer_last(talk, Outcome.SILENT, packets=EXAMINATION.packets + 12, **LOST)
    assert talk.agent.situation.allowance.sent == before + 12


def test_what_a_diagnosis_found_counts_as_well():
    talk = quiet()
    talk.silence(wan="lte", sbc="primary")
    talk.pass_until(lambda: "path-down lte/primary/udp/192.0.2.1:5060" in talk.findings())
    path = next(path for path in talk.agent.situation.probes if (path.wan, path.sbc) == ("lte", "primary"))
    talk.tell(EgressExamined(EgressTrial(path, "wwan0", Outcome.SILENT, hops=(HOP,), packets=20)))
    assert talk.findings() == ["upstream-blocks primary over lte"]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_answer_about_a_path_that_is_gone_is_passed_over(outcome):
    talk = quiet()
    known = talk.agent.situation.egress.trials[0].trial
    gone = known.path._replace(sbc="nobody")
    talk.tell(EgressExamined(dataclasses.replace(known, path=gone, outcome=outcome)))
    assert all(row.sbc != "nobody" for row in talk.report.egress)
