"""What an AgentX master is answered."""

from __future__ import annotations

from tests.unit.faces import reports
from tonekeeper.faces.snmp.answers import MOST_VARBINDS, answer
from tonekeeper.faces.snmp.definition import Served
from tonekeeper.faces.snmp.view import read_view
from tonekeeper.wire.agentx import pdus
from tonekeeper.wire.smi import END_OF_MIB_VIEW, NO_SUCH_INSTANCE, NO_SUCH_OBJECT, Value, Varbind

VIEW = read_view(Served(reports.large()), 32473)
ALL = list(VIEW)
FIRST, SECOND, *_ = ALL
LAST = ALL[-1]
ROOT = (1, 3, 6, 1, 4, 1, 32473)
BEHIND = (1, 3, 6, 1, 4, 1, 32474)


def test_what_is_asked_for_by_name_is_answered_in_the_same_order():
    absent = (*FIRST.oid[:-1], 9)
    response = answer(pdus.Get((SECOND.oid, absent, BEHIND, FIRST.oid)), VIEW)
    assert response == pdus.Response(
        varbinds=(SECOND, Varbind(absent, NO_SUCH_INSTANCE), Varbind(BEHIND, NO_SUCH_OBJECT), FIRST)
    )


def test_next_is_what_comes_behind_or_with_include_the_start_itself():
    ranges = (pdus.SearchRange(FIRST.oid, ()), pdus.SearchRange(FIRST.oid, (), include=True))
    assert answer(pdus.GetNext(ranges), VIEW).varbinds == (SECOND, FIRST)


def test_include_of_what_is_not_there_finds_the_next():
    ranges = (pdus.SearchRange(ROOT, (), include=True),)
    assert answer(pdus.GetNext(ranges), VIEW).varbinds == (FIRST,)


def test_nothing_at_or_behind_the_end_of_a_range_is_found():
    ranges = (pdus.SearchRange(FIRST.oid, SECOND.oid), pdus.SearchRange(LAST.oid, BEHIND))
    assert answer(pdus.GetNext(ranges), VIEW).varbinds == (
        Varbind(FIRST.oid, END_OF_MIB_VIEW),
        Varbind(LAST.oid, END_OF_MIB_VIEW),
    )


def test_bulk_answers_what_is_not_repeated_once_and_the_rest_in_turns():
    start = pdus.SearchRange(ROOT, ())
    response = answer(pdus.GetBulk(1, 3, (start, start, pdus.SearchRange(SECOND.oid, ()))), VIEW)
    assert response.varbinds == (FIRST, FIRST, ALL[2], SECOND, ALL[3], ALL[2], ALL[4])


def test_bulk_ends_with_the_view_and_not_with_the_repetitions():
    response = answer(pdus.GetBulk(0, 60000, (pdus.SearchRange(ALL[-3].oid, ()),)), VIEW)
    assert response.varbinds == (ALL[-2], LAST, Varbind(LAST.oid, END_OF_MIB_VIEW))


def test_bulk_has_a_bound_whatever_is_asked_for():
    start = pdus.SearchRange(ROOT, ())
    assert len(answer(pdus.GetBulk(0, 60000, (start,)), VIEW).varbinds) == MOST_VARBINDS
    assert len(answer(pdus.GetBulk(0, 60000, (start,) * 1000), VIEW).varbinds) == 0


def test_a_walk_by_bulk_meets_everything_once():
    met, oid = [], ROOT
    while True:
        found = answer(pdus.GetBulk(0, 25, (pdus.SearchRange(oid, BEHIND),)), VIEW).varbinds
        met += [one for one in found if one.value != END_OF_MIB_VIEW]
        if found[-1].value == END_OF_MIB_VIEW:
            break
        oid = found[-1].oid
    assert met == ALL


def test_nothing_can_be_set():
    value = Varbind(FIRST.oid, Value(FIRST.value.tag, b"other"))
    assert answer(pdus.TestSet((value,)), VIEW) == pdus.Response(pdus.Error.NOT_WRITABLE, 1)
    assert answer(pdus.CommitSet(), VIEW).error == pdus.Error.COMMIT_FAILED
    assert answer(pdus.UndoSet(), VIEW).error == pdus.Error.UNDO_FAILED
