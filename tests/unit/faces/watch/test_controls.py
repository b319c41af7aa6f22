from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.faces import reports
from tests.unit.faces.watch.seen import UTF8, crowded, sight, text
from tonekeeper.core.report import FindingReport, Report, Severity
from tonekeeper.core.verdict import folded
from tonekeeper.faces.watch.controls import pressed
from tonekeeper.faces.watch.keys import Key
from tonekeeper.faces.watch.screen import Size, draw, last_scroll, page
from tonekeeper.faces.watch.sight import Sight
from tonekeeper.faces.watch.view import View

SIZE = Size(80, 24)


def troubled(count: int) -> Report:
    """A report with `count` findings, each about a thing of its own."""
    named = (
        FindingReport(f"code-{n}", Severity.WARNING, f"subject-{n}", f"Sentence {n}. " * 40, {}, "Mend it. " * 60, 1.0)
        for n in range(count)
    )
    return replace(reports.healthy(), findings=tuple(named))


def after(report: Report, *keys: Key, size: Size = SIZE) -> View:
    return reduce(lambda view, key: pressed(view, key, sight(report), size, UTF8), keys, View())


def chosen(view: View) -> str:
    assert view.chosen is not None
    return view.chosen.finding.code


def test_arrows_choose_a_finding_and_stop_at_both_ends():
    report = troubled(3)

    assert chosen(after(report, Key.DOWN)) == "code-1"
    assert chosen(after(report, *[Key.DOWN] * 5)) == "code-2"
    assert chosen(after(report, *[Key.DOWN] * 5, Key.UP)) == "code-1"
    assert chosen(after(report, *[Key.UP] * 5)) == "code-0"


def test_a_page_is_what_the_list_shows():
    report = troubled(60)
    shown = page(sight(report), View(), SIZE, UTF8)

    assert chosen(after(report, Key.PAGE_DOWN)) == f"code-{shown}"
    assert chosen(after(report, Key.PAGE_DOWN, Key.PAGE_DOWN, Key.PAGE_UP)) == f"code-{shown}"
    assert text(draw(sight(report), View(), SIZE, UTF8)).count(" warning   ") == shown


def test_the_chosen_finding_is_always_on_the_screen():
    report = troubled(60)
    for presses in range(60):
        lines = text(draw(sight(report), after(report, *[Key.DOWN] * presses), SIZE, UTF8)).splitlines()
        assert [line for line in lines if line.startswith("> ") and f"Sentence {presses}." in line]


def test_the_choice_stays_with_its_finding_when_others_come_and_go():
    view = after(troubled(3), Key.DOWN, Key.DOWN)
    fewer = replace(troubled(3), findings=troubled(3).findings[1:])

    lines = text(draw(sight(fewer), view, SIZE, UTF8)).splitlines()

    assert [line[:30] for line in lines if line.startswith(">")] == ["> warning   00:59:59  Sentence"]
    assert chosen(pressed(view, Key.UP, sight(fewer), SIZE, UTF8)) == "code-1"


def test_a_finding_opens_scrolls_as_far_as_it_goes_and_closes():
    report = troubled(3)
    opened = after(report, Key.DOWN, Key.DETAIL)
    most = last_scroll(sight(report), opened, Size(60, 15), UTF8)

    assert opened.is_open
    assert chosen(opened) == "code-1"
    assert after(report, Key.DETAIL, *[Key.PAGE_DOWN] * 9, size=Size(60, 15)).scrolled == most > 0
    assert after(report, Key.DETAIL, *[Key.PAGE_DOWN] * 9, Key.UP, size=Size(60, 15)).scrolled == most - 1
    assert after(report, Key.DETAIL, Key.UP).scrolled == 0
    assert not after(report, Key.DETAIL, Key.DETAIL).is_open


def test_an_open_finding_stays_on_a_screen_that_grows():
    report = troubled(1)
    scrolled = after(report, Key.DETAIL, *[Key.PAGE_DOWN] * 9, size=Size(60, 15))

    assert "What to do" in text(draw(sight(report), scrolled, Size(120, 40), UTF8))


def test_where_there_is_no_finding_nothing_opens_and_nothing_is_chosen():
    keys = (Key.DETAIL, Key.DOWN, Key.PAGE_UP)
    unseen = Sight("http://127.0.0.1:8642", 2.0, 0)

    assert after(reports.healthy(), *keys) == View()
    assert reduce(lambda view, key: pressed(view, key, unseen, SIZE, UTF8), keys, View()) == View()


def test_an_open_finding_that_is_over_says_so():
    view = after(reports.failed_over(), Key.DETAIL)
    shown = text(draw(sight(reports.healthy()), view, SIZE, UTF8))

    assert "It is over" in shown
    assert "What to do\n  Report it to the SBC's operator; nothing on this site will mend it." in shown


def test_pause_is_a_switch():
    assert after(reports.healthy(), Key.PAUSE).is_paused
    assert not after(reports.healthy(), Key.PAUSE, Key.PAUSE).is_paused


SITES = {"healthy": reports.healthy(), "crowded": crowded(), "troubled": troubled(60), "new": reports.at_start()}


@pytest.mark.parametrize("site", SITES)
@given(keys=st.lists(st.sampled_from(Key), max_size=12), columns=st.integers(1, 120), rows=st.integers(1, 50))
def test_any_keys_on_any_screen_leave_something_to_draw(site, keys, columns, rows):
    report = SITES[site]
    view = after(report, *keys, size=Size(columns, rows))

    assert draw(sight(report), view, Size(columns, rows), UTF8).size == (columns, rows)
    assert view.chosen is None or view.chosen in folded(report)
    assert view.scrolled >= 0
