from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.faces.watch.seen import ASCII, UTF8
from tonekeeper.faces.watch.cells import BLANK, Ink, Span, breadth, charset_of, frame_of

LINES = st.lists(
    st.lists(st.builds(Span, st.text(max_size=12), st.sampled_from(Ink)), max_size=4).map(tuple), max_size=5
)


def row(text: str, columns: int) -> list[str]:
    return [sign for sign, _ in frame_of([(Span(text),)], columns, 1, UTF8).rows[0]]


@given(LINES, st.integers(0, 20), st.integers(0, 6))
def test_a_frame_has_its_size_whatever_is_written_on_it(lines, columns, rows):
    frame = frame_of(lines, columns, rows, UTF8)

    assert frame.size == (columns if rows else 0, rows)
    assert all(len(row) == columns for row in frame.rows)
    assert all(sum(breadth(sign) for sign, _ in row) == columns for row in frame.rows)


@given(st.text(), st.integers(0, 30), st.sampled_from([UTF8, ASCII]))
def test_what_is_cut_fits_and_what_is_padded_fills(text, columns, charset):
    assert breadth(charset.cut(text, columns)) <= columns
    assert breadth(charset.padded(text, columns)) == columns


@given(st.text())
def test_what_is_shown_moves_no_cursor_and_is_in_the_encoding(text):
    shown = ASCII.shown(text)

    assert shown.isprintable()
    assert shown.isascii()
    assert ASCII.shown(shown) == shown


def test_what_is_cut_off_leaves_an_ellipsis():
    assert UTF8.cut("alternate", 5) == "alte…"
    assert ASCII.cut("alternate", 5) == "al..."
    assert UTF8.cut("alternate", 9) == "alternate"


def test_a_wide_sign_takes_two_cells_and_is_never_halved():
    assert row("漢字", 5) == ["漢", "", "字", "", " "]
    assert row("a漢", 2) == ["a", " "]
    assert UTF8.cut("漢字漢字", 4) == "漢…"


def test_what_combines_shares_the_cell_of_what_it_combines_with():
    assert row("e\u0301x", 3) == ["e\u0301", "x", " "]
    assert row("漢\u0301x", 3) == ["漢\u0301", "", "x"]


def test_what_is_not_written_on_is_blank():
    assert frame_of([], 2, 1, UTF8).rows == ((BLANK, BLANK),)


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp437"])
def test_a_terminal_without_the_signs_gets_ascii(encoding):
    charset = charset_of(encoding)

    assert (charset.rule, charset.arrow, charset.ellipsis, charset.keys) == ("-", "->", "...", "Up/Down")


def test_a_name_that_the_encoding_has_stays_a_name():
    assert charset_of("iso-8859-1").shown("büro 漢") == "büro \\u6f22"
