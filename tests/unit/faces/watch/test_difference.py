from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.faces import reports
from tests.unit.faces.watch.seen import ONE_O_CLOCK, UTF8, Glass, crowded, later, sight, text
from tonekeeper.faces.watch.cells import Frame, Ink, Span, frame_of
from tonekeeper.faces.watch.difference import ENTER, repaint
from tonekeeper.faces.watch.screen import Size, draw
from tonekeeper.faces.watch.view import View

COLUMNS, ROWS = 14, 4
SIGNS = st.text(st.sampled_from("ab  漢ü"), max_size=COLUMNS)
LINES = st.lists(st.lists(st.builds(Span, SIGNS, st.sampled_from(Ink)), max_size=3).map(tuple), max_size=ROWS)
FRAMES = LINES.map(lambda lines: frame_of(lines, COLUMNS, ROWS, UTF8))


def frame(*lines: str, ink: Ink = Ink.PLAIN) -> Frame:
    return frame_of([(Span(line, ink),) for line in lines], COLUMNS, ROWS, UTF8)


@given(st.lists(FRAMES, min_size=1, max_size=5), st.booleans())
def test_after_any_frames_the_terminal_shows_the_last_one(frames, colour):
    glass, before = Glass(COLUMNS, ROWS), None
    glass.feed(ENTER.encode())
    for after in frames:
        glass.feed(repaint(before, after, colour=colour).encode())
        before = after
        assert glass.text == text(after)


@given(FRAMES, FRAMES)
def test_colours_end_up_where_they_belong(before, after):
    glass = Glass(COLUMNS, ROWS)
    glass.feed((repaint(None, before, colour=True) + repaint(before, after, colour=True)).encode())

    colours = {Ink.GOOD: "green", Ink.WARNING: "brown", Ink.BAD: "red", Ink.UNKNOWN: "cyan"}
    for row, cells in enumerate(after.rows):
        for column, (sign, ink) in enumerate(cells):
            if sign.strip():
                assert glass.colour(row, column) == colours.get(ink, "default")


@given(FRAMES)
def test_what_did_not_change_costs_nothing(unchanged):
    assert repaint(unchanged, unchanged, colour=True) == ""


def test_one_sign_costs_its_place_and_itself():
    assert repaint(frame("", "abc"), frame("", "abd"), colour=True) == "\x1b[2;3Hd"


def test_a_short_gap_is_written_again_and_a_long_one_is_jumped_over():
    assert repaint(frame("ab----cd"), frame("xb----cx"), colour=True) == "\x1b[1;1Hx\x1b[6Cx"
    assert repaint(frame("abcd"), frame("xbcx"), colour=True) == "\x1b[1;1Hxbcx"


def test_a_line_that_became_shorter_is_erased_to_its_end():
    assert repaint(frame("a long line"), frame("a"), colour=True) == "\x1b[1;2H\x1b[K"


def test_another_ink_is_another_cell_but_not_without_colour():
    assert repaint(frame("up"), frame("up", ink=Ink.GOOD), colour=True) == "\x1b[1;1H\x1b[0;1;32mup\x1b[0m"
    assert repaint(frame("up"), frame("up", ink=Ink.GOOD), colour=False) == ""


def test_without_colour_no_ink_is_ever_written():
    assert "m" not in repaint(None, frame("uP", ink=Ink.BAD), colour=False).removeprefix("\x1b[0m")


def test_another_size_is_written_whole():
    larger = frame_of([(Span("abc"),)], COLUMNS + 1, ROWS, UTF8)

    assert repaint(frame("abc"), larger, colour=True) == "\x1b[0m\x1b[2J\x1b[1;1Habc"


@pytest.mark.parametrize("report", [reports.healthy(), reports.failed_over(), reports.behind_nat(), crowded()])
def test_a_look_at_which_nothing_happened_costs_some_digits_of_the_clock(report):
    seen = sight(report)
    before = draw(seen, View(), Size(80, 24), UTF8)
    after = draw(seen.answered(later(report, 2.0), ONE_O_CLOCK + 2.3), View(), Size(80, 24), UTF8)

    assert repaint(before, after, colour=True) == "\x1b[1;80H2"
