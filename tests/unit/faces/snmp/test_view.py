"""Reports as a manager sees them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.faces import reports
from tonekeeper.core.report import CheckReport, FirewallReport, RuleReport
from tonekeeper.faces.snmp.definition import Served
from tonekeeper.faces.snmp.numbers import FindingNumbers
from tonekeeper.faces.snmp.objects.phones import PHONES
from tonekeeper.faces.snmp.view import View, read_view
from tonekeeper.wire.smi import NO_SUCH_INSTANCE, NO_SUCH_OBJECT, Tag, Value, Varbind

ROOT = (1, 3, 6, 1, 4, 1, 32473, 5060, 1)
FIBRE = (5, *b"fibre")
PRIMARY = (7, *b"primary")


def served(report, **others):
    return Served(report, FindingNumbers().number(report.findings), **others)


def view(report, **others):
    return read_view(served(report, **others), 32473)


def value(report, *oid):
    found = view(report).get((*ROOT, *oid))
    return found if found.content is None else found.content


def walk(over: View, below=()):
    """As a manager does it."""
    oid, seen = tuple(below), []
    while (found := over.after(oid)) is not None and found.oid[: len(below)] == tuple(below):
        seen.append(found)
        oid = found.oid
    return seen


EVERYTHING = replace(
    reports.proven(),
    nat=reports.behind_nat().nat,
    phones=reports.phones(),
    checks=(CheckReport("clock", "ok", "2 servers agree", 61.0),),
    firewall=(
        FirewallReport(
            "lan",
            "alternate",
            "fibre",
            "udp",
            "198.51.100.20:5060",
            "out",
            "drop",
            RuleReport("inet", "fw", "forward", 0, "policy drop", ""),
            "",
            "",
            "br-lan",
        ),
        FirewallReport("self", "", "lte", "dns", "[2001:db8::53]:53", "out", "not checked", None, "no address", ""),
    ),
)


def test_a_scalar_is_found_under_its_number_and_0():
    assert value(reports.healthy(), 1, 1, 0) == b"site-0042"
    assert value(reports.healthy(), 1, 5, 0) == 1153220  # hundredths of a second


def test_a_row_is_found_by_the_names_that_the_configuration_gives():
    assert value(reports.healthy(), 10, 1, 2, *FIBRE) == b"eth0"
    assert value(reports.healthy(), 11, 1, 3, *PRIMARY) == 1


def test_a_path_is_found_by_wan_sbc_transport_and_address():
    path = (*FIBRE, *PRIMARY, 1, 1, 4, 198, 51, 100, 10, 5060)
    assert value(reports.healthy(), 12, 1, 5, *path) == 1
    assert value(reports.healthy(), 12, 1, 8, *path) == 21300  # microseconds


def test_a_name_keeps_its_oid_when_others_come_and_go():
    before = {one.oid for one in view(reports.healthy())}
    more = reports.healthy()
    more = replace(more, wans=(replace(more.wans[0], name="another"), *more.wans))
    assert before < {one.oid for one in view(more)}


def test_what_is_not_known_has_no_instance_and_what_is_no_object_is_none():
    assert value(reports.at_start(), 12, 1, 8, *FIBRE, *PRIMARY, 1, 1, 4, 198, 51, 100, 10, 5060) is NO_SUCH_INSTANCE
    assert value(reports.healthy(), 1, 1) is NO_SUCH_INSTANCE
    assert value(reports.healthy(), 1, 99, 0) is NO_SUCH_OBJECT
    assert value(reports.healthy(), 10, 1, 1, *FIBRE) is NO_SUCH_OBJECT  # the index itself cannot be asked for
    assert view(reports.healthy()).get((1, 3, 6, 1, 2, 1, 1, 1, 0)) is NO_SUCH_OBJECT


def test_what_other_modules_have_is_answered_beside_ours():
    name = (1, 3, 6, 1, 2, 1, 1, 5, 0)
    both = read_view(served(reports.healthy()), 32473, {name: Value(Tag.OCTET_STRING, b"here")})
    assert both.get(name) == Value(Tag.OCTET_STRING, b"here")
    assert both.after(()) == Varbind(name, Value(Tag.OCTET_STRING, b"here"))
    assert len(both) == len(view(reports.healthy())) + 1


@pytest.mark.parametrize("report", [EVERYTHING, reports.large(), reports.offline(), reports.hostile("\x00\u202e'\n")])
def test_a_walk_meets_every_instance_once_in_the_order_of_the_oids(report):
    met = walk(view(report))
    assert met == list(view(report))
    assert [one.oid for one in met] == sorted({one.oid for one in met})
    assert all(len(one.oid) <= 128 for one in met)


def test_every_table_shows_in_a_report_that_has_everything():
    tables = {one.oid[len(ROOT)] for one in view(EVERYTHING)}
    assert tables == {1, 2, 3, 4, 5, *range(10, 17), *range(20, 26), 30}


@given(st.lists(st.integers(0, 2**32 - 1), max_size=20).map(tuple))
def test_after_any_oid_comes_the_next_larger_one(oid):
    over = view(EVERYTHING)
    assert over.after(oid) == next((one for one in over if one.oid > oid), None)
    assert over.after((*ROOT, *oid)) == next((one for one in over if one.oid > (*ROOT, *oid)), None)


@given(st.text(max_size=300))
def test_text_from_anywhere_becomes_text_that_managers_can_show(text):
    for varbind in view(reports.hostile(text)):
        if varbind.value.tag is Tag.OCTET_STRING:
            assert len(varbind.value.content) <= 1024
    assert value(reports.hostile(text), 1, 1, 0).decode().isprintable()


@pytest.mark.parametrize("number", [-5.0, 0.4, 5e9, 1e300, float("inf"), float("nan")])
def test_a_number_stays_within_its_syntax(number):
    report = reports.healthy()
    strange = replace(report, wans=tuple(replace(wan, since_s=number, transitions=-3) for wan in report.wans))
    for varbind in view(strange):
        if varbind.value.tag in (Tag.GAUGE32, Tag.COUNTER32, Tag.TIME_TICKS):
            assert 0 <= varbind.value.content < 2**32


def test_a_firewall_shows_what_is_stopped_before_what_passes():
    [blocked, unknown] = EVERYTHING.firewall
    many = tuple(
        replace(blocked, verdict="accept", rule=None, address=f"192.0.2.{n % 250}:{5000 + n}") for n in range(300)
    )
    rows = walk(view(replace(EVERYTHING, firewall=(*many, blocked, unknown))), (*ROOT, 22, 1, 10))
    verdicts = [one.value.content for one in rows]
    assert len(rows) == 256
    assert verdicts.count(2) == 1
    assert verdicts.count(4) == 1


def test_strangers_cannot_make_a_table_grow_without_end():
    [phone, *_] = reports.phones()
    many = tuple(replace(phone, address=f"192.168.{n // 250}.{n % 250}") for n in range(1000))
    rows = walk(view(replace(reports.healthy(), phones=many)), (*ROOT, 23, 1, 16))
    assert len(rows) == PHONES.most


def test_a_remedy_of_several_commands_keeps_its_lines():
    finding = replace(reports.failed_over().findings[0], remedy="first\nsecond\x1b[0m")
    report = replace(reports.failed_over(), findings=(finding,))
    assert value(report, 25, 1, 7, 1) == b"first\nsecond\\x1b[0m"


def test_a_finding_keeps_its_number_while_it_lasts_and_nobody_gets_it_afterwards():
    [one] = reports.failed_over().findings
    other, third = replace(one, subject="lte"), replace(one, subject="both")
    numbers = FindingNumbers()
    assert [each.number for each in numbers.number([one, other])] == [1, 2]
    assert [each.number for each in numbers.number([other, other, third])] == [2, 3]
    assert [each.number for each in numbers.number([one, third])] == [4, 3]


def test_how_notifications_fare_is_told():
    assert view(reports.healthy(), queued=3, lost=2).get((*ROOT, 30, 3, 0)) == Value(Tag.GAUGE32, 3)
    assert view(reports.healthy(), queued=3, lost=2).get((*ROOT, 30, 4, 0)) == Value(Tag.COUNTER32, 2)
    assert view(reports.healthy()).get((*ROOT, 30, 1, 0)) is NO_SUCH_OBJECT  # in notifications only
