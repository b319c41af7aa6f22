"""A journal that is read on, while it is written and while its oldest part goes."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.journal_reading import Place, read_since
from tonekeeper.edge import journal_reading
from tonekeeper.edge.files import JournalFiles
from tonekeeper.edge.journal_reading import read_on
from tonekeeper.errors import DecodeError


class Site:
    """A journal whose lines are numbers and noise; a segment's head says when it began: a second a line."""

    def __init__(self, directory, max_bytes: int = 80_000) -> None:
        self.written = 0
        self.files = JournalFiles(directory, max_bytes=max_bytes, head=self._head, clock=lambda: 0.0)
        self.files.begin()

    def _head(self) -> list[bytes]:
        return [json.dumps({"journal": 3, "wall": 1000.0 + self.written}).encode()]

    def write(self, lines: int) -> None:
        for _ in range(lines):
            self.written += 1
            noise = Random(self.written).randbytes(100).hex()
            self.files.append(json.dumps({"at": self.written, "noise": noise}).encode())

    def read(self, since: str) -> Answer:
        lines = read_on(self.files.view(), read_since(since), 1000.0 + self.written)
        return Answer([json.loads(line) for line in lines])


class Answer:
    def __init__(self, lines: list[dict[str, object]]) -> None:
        self.first, self.last, self.lines = lines[0], lines[-1], lines[1:-1]

    @property
    def numbers(self) -> list[int]:
        return [line["at"] for line in self.lines if "at" in line]

    @property
    def next(self) -> str:
        return self.last["cursor"]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "journal")


def test_the_whole_journal_is_read_with_what_is_still_in_memory(site):
    site.write(3)
    answer = site.read("")
    assert answer.first == {"cursor": "1:0", "older_gone": False}
    assert answer.lines[0]["wall"] == 1000.0
    assert answer.numbers == [1, 2, 3]
    assert answer.last == {"cursor": "1:4", "more": False}


def test_what_is_new_is_read_from_the_cursor_and_nothing_twice(site):
    site.write(3)
    cursor = site.read("").next
    assert site.read(cursor).lines == []
    site.write(2)
    site.files.flush()
    site.write(1)
    assert site.read(cursor).numbers == [4, 5, 6]


@given(steps=st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=12))
def test_a_reader_who_comes_back_in_time_misses_nothing_over_any_change_of_segments(tmp_path_factory, steps):
    site = Site(tmp_path_factory.mktemp("journal") / "journal")
    cursor, seen = "1:0", []
    for lines, is_flushed in steps:
        site.write(lines)
        if is_flushed:
            site.files.flush()
        answer = site.read(cursor)
        assert not answer.first["older_gone"]
        seen += answer.numbers
        cursor = answer.next
    assert seen == list(range(1, site.written + 1))


def test_a_long_journal_comes_in_answers_of_bounded_length(site, monkeypatch):
    monkeypatch.setattr(journal_reading, "MOST_BYTES", 2000)
    site.write(100)
    cursor, seen, answers = "", [], 0
    while True:
        answer = site.read(cursor)
        assert sum(len(json.dumps(line)) for line in answer.lines) < 2000 + 300
        seen += answer.numbers
        cursor, answers = answer.next, answers + 1
        if not answer.last["more"]:
            break
    assert seen == list(range(1, 101))
    assert answers > 10


def test_who_comes_too_late_is_told_that_older_lines_are_gone(site):
    site.write(1)
    cursor = site.read("").next
    site.write(4000)
    answer = site.read(cursor)
    assert answer.first["older_gone"]
    assert answer.numbers[0] > 2
    assert site.read("").first["older_gone"]


def test_a_cursor_of_another_journal_begins_with_what_is_left(site):
    site.write(3)
    answer = site.read("77:5")
    assert answer.first == {"cursor": "1:0", "older_gone": True}
    assert answer.numbers == [1, 2, 3]


def test_seconds_begin_with_the_head_of_the_segment_that_holds_that_moment(site):
    site.write(300)
    answer = site.read("50")
    assert "wall" in answer.lines[0]
    assert answer.lines[0]["wall"] <= 1000.0 + 250
    assert not answer.first["older_gone"]
    assert answer.numbers == list(range(answer.numbers[0], 301))
    later = [line["wall"] for line in answer.lines[1:] if "wall" in line]
    assert all(wall > 1000.0 + 250 for wall in later)


def test_a_young_journal_has_lost_nothing_however_far_back_is_asked(site):
    site.write(3)
    assert site.read("86400").first == {"cursor": "1:0", "older_gone": False}


def test_a_view_is_not_changed_by_what_is_written_after_it(site):
    site.write(3)
    view = site.files.view()
    site.write(2)
    site.files.flush()
    numbers = [json.loads(line).get("at") for line in itertools.islice(read_on(view, None, 2000.0), 2, None)]
    assert numbers == [1, 2, 3, None]


def test_a_segment_that_goes_while_it_is_read_is_told(site):
    site.write(1500)
    view = site.files.view()
    view.segments[0].path.unlink()
    lines = [json.loads(line) for line in read_on(view, None, 9999.0)]
    assert lines[1] == {"dropped": view.segments[0].size, "segment": view.segments[0].number}
    assert lines[-1]["more"] is False
    assert lines[-2]["at"] == 1500


def test_the_broken_end_of_a_segment_is_told_and_the_next_one_read(site, tmp_path):
    site.write(2)
    site.files.close()
    segment = next((tmp_path / "journal").glob("journal-*"))
    segment.write_bytes(segment.read_bytes()[:-3])
    site.files.begin()
    site.write(1)
    answer = site.read("")
    assert [line for line in answer.lines if "dropped" in line] == [
        {"dropped": answer.lines[1]["dropped"], "segment": 1}
    ]
    assert answer.numbers == [3]


def test_no_journal_is_an_empty_answer(tmp_path):
    files = JournalFiles(tmp_path / "none", max_bytes=80_000, head=list)
    lines = [json.loads(line) for line in read_on(files.view(), None, 0.0)]
    assert lines == [{"cursor": "1:0", "older_gone": False}, {"cursor": "1:0", "more": False}]


@pytest.mark.parametrize(
    ("text", "since"), [("", None), ("3600", 3600.0), ("0.5", 0.5), ("8:512", Place(8, 512)), ("0:0", Place(0, 0))]
)
def test_since_is_seconds_or_a_cursor(text, since):
    assert read_since(text) == since


@given(st.text())
def test_any_text_is_a_moment_a_place_or_refused(text):
    with suppress(DecodeError):
        read_since(text)
