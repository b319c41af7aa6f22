"""What managers are told of, and what not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.faces import reports
from tonekeeper.core.report import PathState, SbcState, Severity, WanState
from tonekeeper.faces.snmp.definition import Served
from tonekeeper.faces.snmp.notifications import AT_ONCE, SPACING, Teller
from tonekeeper.faces.snmp.numbers import FindingNumbers
from tonekeeper.wire.smi import Tag, Value, Varbind

MIB = (1, 3, 6, 1, 4, 1, 32473, 5060)
KINDS = {1: "wan", 2: "sbc", 3: "path", 4: "active", 5: "raised", 6: "cleared"}
WALL = 1_795_392_000.5
"""2026-11-23 00:00:00.5 UTC"""


class Talk:
    """A teller that is shown one report after the other."""

    def __init__(self):
        self.now = 100.0
        self.teller = Teller(32473, self.now)
        self.numbers = FindingNumbers()

    def tell(self, report, after=60.0):
        self.now += after
        return self.teller.tell(Served(report, self.numbers.number(report.findings)), self.now, WALL)

    def kinds(self, report, after=60.0):
        return [kind_of(one) for one in self.tell(report, after)]


def kind_of(notification):
    first = notification[0]
    assert first.oid == (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
    assert first.value.content[:-1] == (*MIB, 0)
    return KINDS[first.value.content[-1]]


def carried(notification):
    """By OID below the MIB, without what every notification has."""
    return {one.oid[len(MIB) :]: one.value.content for one in notification[4:]}


def with_wan(report, **changes):
    return replace(report, wans=(replace(report.wans[0], **changes), *report.wans[1:]))


def with_path(report, **changes):
    sbc = report.sbcs[0]
    return replace(
        report, sbcs=(replace(sbc, paths=(replace(sbc.paths[0], **changes), *sbc.paths[1:])), *report.sbcs[1:])
    )


HEALTHY = reports.healthy()
FINDING = replace(reports.failed_over().findings[0], code="wan-flapping", severity=Severity.WARNING, subject="fibre")
FIBRE = (5, *b"fibre")


@pytest.fixture
def talk():
    talk = Talk()
    talk.tell(HEALTHY)
    return talk


@pytest.mark.parametrize("report", [HEALTHY, reports.at_start()])
def test_what_is_well_from_the_start_is_not_told(report):
    assert Talk().tell(report) == []


def test_what_nobody_knows_at_the_start_and_then_is_well_is_not_told():
    talk = Talk()
    assert talk.tell(reports.at_start()) == []
    assert talk.tell(HEALTHY) == []
    assert talk.kinds(with_wan(HEALTHY, state=WanState.UNKNOWN)) == ["wan"]


def test_what_is_wrong_from_the_start_is_told():
    assert "raised" in Talk().kinds(reports.failed_over())
    assert Talk().kinds(with_wan(HEALTHY, state=WanState.DOWN)) == ["wan"]


def test_the_same_report_once_more_is_no_news(talk):
    assert talk.tell(HEALTHY) == []
    talk.tell(with_wan(HEALTHY, state=WanState.DOWN))
    assert talk.tell(with_wan(HEALTHY, state=WanState.DOWN, since_s=99.0, penalty=5.0)) == []


def test_a_notification_says_who_which_and_when(talk):
    [told] = talk.tell(with_wan(HEALTHY, state=WanState.DOWN))
    assert told[1] == Varbind((*MIB, 1, 1, 1, 0), Value(Tag.OCTET_STRING, b"site-0042"))
    assert told[2] == Varbind((*MIB, 1, 30, 1, 0), Value(Tag.GAUGE32, 1))
    assert told[3] == Varbind((*MIB, 1, 30, 2, 0), Value(Tag.OCTET_STRING, bytes.fromhex("07ea0b17000000052b0000")))
    [next_one] = talk.tell(HEALTHY)
    assert next_one[2].value.content == 2


def test_a_wan_that_goes_down_and_up_is_told_with_its_row(talk):
    [down] = talk.tell(with_wan(HEALTHY, state=WanState.DOWN))
    assert kind_of(down) == "wan"
    assert carried(down) == {(1, 10, 1, 3, *FIBRE): 2, (1, 10, 1, 2, *FIBRE): b"eth0"}
    [up] = talk.tell(HEALTHY)
    assert carried(up)[1, 10, 1, 3, *FIBRE] == 1


def test_an_sbc_in_another_state_is_told_with_the_reason(talk):
    primary, *others = HEALTHY.sbcs
    degraded = replace(primary, state=SbcState.DEGRADED, reason="answers 500")
    [told] = talk.tell(replace(HEALTHY, sbcs=(degraded, *others)))
    assert kind_of(told) == "sbc"
    assert b"answers 500" in carried(told).values()


def test_a_path_is_told_of_when_it_is_down_and_not_while_there_is_doubt(talk):
    assert talk.tell(with_path(HEALTHY, state=PathState.SUSPECT)) == []
    assert talk.kinds(with_path(HEALTHY, state=PathState.DOWN)) == ["path"]
    assert talk.tell(with_path(HEALTHY, state=PathState.UNKNOWN)) == []
    assert talk.kinds(HEALTHY) == ["path"]


def test_the_paths_of_a_wan_or_an_sbc_that_is_down_are_not_told_of_one_by_one(talk):
    down = with_path(HEALTHY, state=PathState.DOWN)
    assert talk.kinds(with_wan(down, state=WanState.DOWN)) == ["wan"]
    assert talk.kinds(HEALTHY) == ["wan"]
    primary, *others = down.sbcs
    assert talk.kinds(replace(down, sbcs=(replace(primary, state=SbcState.DOWN), *others))) == ["sbc"]
    assert talk.kinds(down) == ["sbc", "path"]  # the SBC is back, and this path is not


def test_a_move_of_the_site_is_told(talk):
    moved = replace(HEALTHY, active=replace(HEALTHY.active, sbc="alternate", reason="primary is down"))
    [told] = talk.tell(moved)
    assert kind_of(told) == "active"
    assert carried(told) == {(1, 2, 1, 0): b"fibre", (1, 2, 2, 0): b"alternate", (1, 2, 4, 0): b"primary is down"}


def test_a_finding_is_told_when_it_is_raised_when_it_gets_worse_and_when_it_is_gone(talk):
    raised = replace(HEALTHY, findings=(FINDING,))
    [told] = talk.tell(raised)
    assert kind_of(told) == "raised"
    assert carried(told)[1, 25, 1, 2, 1] == b"wan-flapping"
    assert talk.tell(replace(raised, findings=(replace(FINDING, evidence={"losses": "4"}),))) == []
    assert talk.kinds(replace(raised, findings=(replace(FINDING, severity=Severity.CRITICAL),))) == ["raised"]
    [gone] = talk.tell(HEALTHY)
    assert kind_of(gone) == "cleared"
    assert carried(gone) == {(1, 25, 1, 2, 1): b"wan-flapping", (1, 25, 1, 3, 1): 1, (1, 25, 1, 4, 1): b"fibre"}


def test_what_is_taken_out_of_the_configuration_is_not_told_of(talk):
    talk.tell(with_wan(HEALTHY, state=WanState.DOWN))
    assert talk.tell(replace(HEALTHY, wans=HEALTHY.wans[1:], sbcs=HEALTHY.sbcs[:1])) == []
    assert talk.tell(HEALTHY) == []  # and new again, and well


def many_findings(count):
    return replace(HEALTHY, findings=tuple(replace(FINDING, subject=f"wan-{n}") for n in range(count)))


def test_in_one_go_only_so_many_leave_and_the_rest_follows_slowly(talk):
    report = many_findings(AT_ONCE + 5)
    assert len(talk.tell(report)) == AT_ONCE
    assert talk.tell(report, after=SPACING / 2) == []
    assert len(talk.tell(report, after=SPACING / 2)) == 1
    assert len(talk.tell(report, after=3 * SPACING)) == 3
    assert len(talk.tell(report, after=10 * SPACING)) == 1  # that is all


def test_what_came_and_went_while_nothing_could_be_told_is_not_told(talk):
    talk.tell(many_findings(AT_ONCE))
    flapping = with_wan(many_findings(AT_ONCE), state=WanState.DOWN)
    assert talk.tell(flapping, after=0.0) == []
    assert talk.tell(many_findings(AT_ONCE), after=SPACING) == []


STATES = st.sampled_from(
    [
        HEALTHY,
        with_wan(HEALTHY, state=WanState.DOWN),
        with_wan(HEALTHY, state=WanState.SUPPRESSED),
        with_path(HEALTHY, state=PathState.DOWN),
        replace(HEALTHY, findings=(FINDING,)),
        reports.offline(),
        reports.failed_over(),
        reports.proven(),
        reports.hostile("\x00"),
    ]
)


@given(st.lists(st.tuples(STATES, st.floats(0, 100))))
def test_whatever_happens_the_managers_end_up_with_what_is_and_no_faster_than_they_may(happenings):
    talk, began, sent = Talk(), 100.0, 0
    for report, after in happenings:
        sent += len(talk.tell(report, after))
        assert sent <= AT_ONCE + (talk.now - began) / SPACING
    last = happenings[-1][0] if happenings else HEALTHY
    while talk.tell(last, 1000.0):
        pass
    assert talk.tell(last, 1000.0) == []
    told = {key: subject.word for key, subject in talk.teller._told.items()}
    assert {("finding", one.code, one.subject) for one in last.findings} == {key for key in told if key[0] == "finding"}
    assert {key[1]: word for key, word in told.items() if key[0] == "wan"} == {w.name: w.state for w in last.wans}
