from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.faces.watch.keys import Key, decode_keys

TYPED = st.lists(st.sampled_from([b"q", b"p", b"d", b"\x1b[A", b"\x1bOB", b"\x1b[5~", b"\x1b[6~", b"\x1b[1;5C", b"z"]))


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (b"q", Key.QUIT),
        (b"P", Key.PAUSE),
        (b"d", Key.DETAIL),
        (b"\r", Key.DETAIL),
        (b"\x1b[A", Key.UP),
        (b"\x1bOA", Key.UP),
        (b"j", Key.DOWN),
        (b"\x1b[5~", Key.PAGE_UP),
        (b"\x1b[6~", Key.PAGE_DOWN),
        (b"\x0c", Key.REDRAW),
    ],
)
def test_a_key_is_known_by_what_a_terminal_sends_for_it(typed, key):
    assert decode_keys(typed) == ([key], b"")


@pytest.mark.parametrize("typed", [b"\x1b[1;5C", b"\x1b[15~", b"x", b"\xff", b"\x1bOP", b"\x1b[200~"])
def test_other_keys_do_nothing(typed):
    assert decode_keys(typed) == ([], b"")


def test_an_escape_before_a_key_is_not_part_of_it():
    assert decode_keys(b"\x1b\x1bq") == ([Key.QUIT], b"")


def test_a_sequence_that_breaks_off_swallows_nothing():
    assert decode_keys(b"\x1b[1\x1b[Aq") == ([Key.UP, Key.QUIT], b"")


@given(TYPED, st.lists(st.integers(0, 60)))
def test_where_the_line_cuts_the_bytes_does_not_matter(typed, cuts):
    whole = b"".join(typed)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    keys, rest = [], b""
    for begin, end in pairwise(edges):
        more, rest = decode_keys(rest + whole[begin:end])
        keys += more

    assert (keys, rest) == decode_keys(whole)


@given(st.binary(max_size=300))
def test_any_bytes_are_keys_or_nothing_and_little_of_them_is_kept(typed):
    keys, rest = decode_keys(typed)

    assert all(isinstance(key, Key) for key in keys)
    assert len(rest) <= 16
    assert typed.endswith(rest)


def test_a_sequence_without_an_end_is_forgotten():
    assert decode_keys(b"\x1b[" + b"1" * 5000) == ([], b"")
