"""Whether a phone has taken what was written for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.faces.reports import phones
from tonekeeper.core.reregistration import Taken, Wanted, verdict_on, wanted_of

BEFORE = phones()[0]
NEW = Wanted(expiry_s=300, keepalive_s=20.0)


def test_new_values_in_its_registers_are_taken():
    after = replace(BEFORE, expiry_s=300, keepalive_s=20.9)
    found = verdict_on(after, BEFORE, NEW)
    assert (found.taken, found.reason) == (Taken.YES, "its expiry is 300 s; its keepalive is 20.9 s")


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (None, "no REGISTER of it was seen"),
        (replace(BEFORE, transport=""), "no REGISTER of it was seen"),
        (BEFORE, "its expiry is 3600 s, not 300 s; its keepalive is 30 s, not 20 s"),
        (replace(BEFORE, expiry_s=300, keepalive_s=29.8), "its keepalive is 29.8 s, not 20 s"),
        (replace(BEFORE, expiry_s=300), "its keepalive is 30 s, not 20 s"),
        (replace(BEFORE, expiry_s=300, keepalive_s=None), "its keepalive was not seen"),
    ],
)
def test_a_phone_that_shows_the_old_values_or_nothing_is_waited_for(after, reason):
    found = verdict_on(after, BEFORE, NEW)
    assert (found.taken, found.reason) == (Taken.NOT_YET, reason)


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (replace(BEFORE, expiry_s=60), "its expiry is 60 s, not 300 s"),
        (replace(BEFORE, expiry_s=300, keepalive_s=60.0), "its keepalive is 60 s, not 20 s"),
    ],
)
def test_a_phone_that_does_something_else_has_not_taken_them(after, reason):
    found = verdict_on(after, BEFORE, NEW)
    assert (found.taken, found.reason) == (Taken.NO, reason)


def test_a_phone_that_is_refused_is_told_from_one_that_does_something_else():
    found = verdict_on(replace(BEFORE, expiry_s=300, keepalive_s=20.0, status=423), BEFORE, NEW)
    assert (found.taken, found.reason) == (Taken.REFUSED, "its REGISTER is refused with 423")


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (BEFORE, Wanted(expiry_s=300)),
        (None, Wanted(expiry_s=300)),
        (replace(BEFORE, expiry_s=300), Wanted(keepalive_s=20.0)),
        (replace(BEFORE, expiry_s=300, keepalive_s=None), Wanted(keepalive_s=20.0)),
        (replace(BEFORE, expiry_s=300, keepalive_s=20.9), Wanted()),
        (replace(BEFORE, expiry_s=300, transport="tcp"), Wanted()),
    ],
)
def test_only_what_the_phone_did_not_do_before_can_show_that_it_took_something(before, wanted):
    assert wanted_of(before, expiry_s=300.0, keepalive_s=20.0) == wanted


def test_where_nothing_was_changed_that_shows_nothing_is_waited_for():
    assert wanted_of(BEFORE) == Wanted()


def test_where_nothing_that_shows_was_set_registering_is_enough():
    assert verdict_on(BEFORE, BEFORE, Wanted()).taken is Taken.YES


def test_a_phone_that_was_not_known_before_is_judged_by_what_it_shows():
    assert verdict_on(replace(BEFORE, expiry_s=300, keepalive_s=20.0), None, NEW).taken is Taken.YES
    assert verdict_on(BEFORE, None, NEW).taken is Taken.NO
