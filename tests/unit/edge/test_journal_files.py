"""The journal on disk: bounded, in segments, honest about gaps."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.edge import files
from tonekeeper.edge.files import JournalFiles, TornLine, read_segment, segments_in
from tonekeeper.errors import EdgeError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Disk:
    """`os.write` on a disk with `free` bytes left; like a real one it takes what fits and refuses the next call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free: int | None = None
        self._write = os.write
        monkeypatch.setattr(files.os, "write", self.write)

    def write(self, file: int, data: bytes) -> int:
        if self.free is None:
            return self._write(file, data)
        if self.free == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(file, data[: self.free])
        self.free -= written
        return written


class Heads:
    """Numbers the heads it is asked for."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> list[bytes]:
        self.count += 1
        return [b"head %d" % self.count]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_journal(tmp_path, clock):
    """Journals in one directory, closed at the end."""
    made = []

    def make(max_bytes: int = 80_000, directory: Path = tmp_path / "journal") -> JournalFiles:
        made.append(JournalFiles(directory, max_bytes=max_bytes, head=Heads(), clock=clock))
        return made[-1]

    yield make
    for journal in made:
        journal.close()


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "journal"


def lines_in(directory: Path) -> list[list[bytes | TornLine]]:
    return [list(read_segment(path)) for path in segments_in(directory)]


def names_in(directory: Path) -> list[str]:
    return [path.name for path in segments_in(directory)]


def test_nothing_is_written_before_the_journal_begins(make_journal, directory):
    make_journal()
    assert not directory.exists()


def test_the_first_segment_is_there_with_its_head_as_soon_as_the_journal_has_begun(make_journal, directory):
    make_journal().begin()
    assert names_in(directory) == ["journal-00000001.jsonl.gz"]
    assert lines_in(directory) == [[b"head 1"]]


def test_a_restart_begins_the_segment_after_the_highest(make_journal, directory):
    directory.mkdir()
    (directory / "journal-00000009.jsonl").write_bytes(b"old\n")
    (directory / "journal-00000010.jsonl").write_bytes(b"old\n")
    make_journal().begin()
    assert names_in(directory)[-1] == "journal-00000011.jsonl.gz"


def test_what_is_not_a_segment_is_neither_read_nor_removed(make_journal, directory):
    directory.mkdir()
    for name in ("journal-1.jsonl", "journal-00000001.jsonl.bak", "notes"):
        (directory / name).write_bytes(b"x" * 1000)
    make_journal(max_bytes=100).begin()
    assert names_in(directory) == ["journal-00000001.jsonl.gz"]
    assert len(list(directory.iterdir())) == 4


def test_lines_wait_in_memory_until_they_are_flushed(make_journal, directory):
    journal = make_journal()
    journal.begin()
    journal.append(b"one")
    assert lines_in(directory) == [[b"head 1"]]
    journal.flush()
    assert lines_in(directory) == [[b"head 1", b"one"]]


def test_a_line_that_waited_long_enough_is_written_with_the_next_one(make_journal, directory, clock):
    journal = make_journal()
    journal.begin()
    journal.append(b"one")
    clock.now += files.FLUSH_AFTER
    journal.append(b"two")
    assert lines_in(directory) == [[b"head 1", b"one", b"two"]]


def test_many_lines_are_written_without_waiting(make_journal, directory):
    journal = make_journal(max_bytes=8_000_000)
    journal.begin()
    for _ in range(65):
        journal.append(b"x" * 1023)
    assert len(lines_in(directory)[0]) == 1 + 64


def test_closing_writes_what_still_waited(make_journal, directory):
    journal = make_journal()
    journal.begin()
    journal.append(b"one")
    journal.close()
    assert lines_in(directory) == [[b"head 1", b"one"]]


def noise(number: int, size: int) -> bytes:
    """A line that does not shrink."""
    return Random(number).randbytes(size).replace(b"\n", b" ")


def test_a_segment_begins_after_the_line_that_filled_the_one_before_with_a_head_of_that_moment(tmp_path):
    kept = []
    journal = JournalFiles(tmp_path, max_bytes=8 * 1000, head=lambda: [b"after %d" % len(kept)], clock=Clock())
    journal.begin()
    lines = [noise(number, 600) for number in range(5)]
    for line in lines:
        kept.append(line)
        journal.append(line)
    journal.close()
    assert lines_in(tmp_path) == [
        [b"after 0", *lines[:2]],
        [b"after 2", *lines[2:4]],
        [b"after 4", lines[4]],
    ]


@given(
    sizes=st.lists(st.integers(0, 400), max_size=120), max_bytes=st.integers(1000, 4000), before=st.integers(0, 5000)
)
def test_the_segments_never_take_more_than_they_may(tmp_path_factory, sizes, max_bytes, before):
    directory = tmp_path_factory.mktemp("journal")
    (directory / "journal-00000001.jsonl").write_bytes(b"x" * before)
    journal = JournalFiles(directory, max_bytes=max_bytes, head=lambda: [b"head"], clock=Clock())
    journal.begin()
    for number, size in enumerate(sizes):
        journal.append(noise(number, size))
        assert sum(path.stat().st_size for path in segments_in(directory)) <= max_bytes
    journal.close()
    assert sum(path.stat().st_size for path in segments_in(directory)) <= max_bytes


def test_the_oldest_segments_go_first(make_journal, directory):
    journal = make_journal(max_bytes=8 * 100)
    journal.begin()
    lines = [noise(number, 60) for number in range(40)]
    for line in lines:
        journal.append(line)
    journal.close()
    numbers = [int(name[8:16]) for name in names_in(directory)]
    assert numbers[0] > 1
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert lines[-1] in [line for lines in lines_in(directory) for line in lines]


def test_a_full_disk_is_raised_once_with_the_number_of_the_kernel(make_journal, monkeypatch):
    disk = Disk(monkeypatch)
    journal = make_journal()
    journal.begin()
    disk.free = 0
    journal.append(b"one")
    with pytest.raises(
        EdgeError, match=r"cannot write the journal in .*: No space left on device; make room"
    ) as caught:
        journal.flush()
    assert caught.value.errno == errno.ENOSPC
    assert journal.failing
    journal.append(b"two")
    journal.flush()
    journal.close()


def test_a_full_disk_is_tried_again_only_after_a_pause(make_journal, monkeypatch, clock, directory):
    disk = Disk(monkeypatch)
    journal = make_journal()
    disk.free = 0
    with pytest.raises(EdgeError):
        journal.begin()
    disk.free = None
    journal.append(b"too early")
    assert journal.failing
    assert names_in(directory) == []
    clock.now += files.FLUSH_AFTER
    journal.append(b"one")
    assert not journal.failing
    assert names_in(directory) == ["journal-00000001.jsonl.gz"]


def test_the_write_that_succeeds_after_a_failure_begins_a_segment_so_that_no_gap_is_hidden(
    make_journal, monkeypatch, clock, directory
):
    disk = Disk(monkeypatch)
    journal = make_journal()
    journal.begin()
    disk.free = 5
    journal.append(b"lost in the middle")
    with pytest.raises(EdgeError):
        journal.flush()
    journal.append(b"lost")
    disk.free = None
    clock.now += files.FLUSH_AFTER
    journal.append(b"covered by the head")
    journal.append(b"kept")
    journal.flush()
    assert lines_in(directory) == [[b"head 1", TornLine(5)], [b"head 2", b"kept"]]


def test_a_disk_that_stays_full_collects_no_empty_segments(make_journal, monkeypatch, clock, directory):
    disk = Disk(monkeypatch)
    journal = make_journal()
    disk.free = 3
    with pytest.raises(EdgeError):
        journal.begin()
    for _ in range(5):
        clock.now += files.FLUSH_AFTER
        journal.append(b"one")
    assert names_in(directory) == []


def test_a_failure_after_a_recovery_is_raised_again(make_journal, monkeypatch, clock):
    disk = Disk(monkeypatch)
    journal = make_journal()
    journal.begin()
    for _ in range(2):
        disk.free = 0
        journal.append(b"one")
        with pytest.raises(EdgeError):
            journal.flush()
        disk.free = None
        clock.now += files.FLUSH_AFTER
        journal.append(b"two")
        assert not journal.failing


def test_a_place_that_takes_no_directory_is_a_failure_and_not_the_end(make_journal, clock, tmp_path):
    place = tmp_path / "not-yet"
    place.write_bytes(b"")
    journal = make_journal(directory=place / "journal")
    with pytest.raises(EdgeError) as caught:
        journal.begin()
    assert caught.value.errno == errno.ENOTDIR
    place.unlink()
    clock.now += files.FLUSH_AFTER
    journal.append(b"one")
    assert names_in(place / "journal") == ["journal-00000001.jsonl.gz"]


def block(*lines: bytes) -> bytes:
    return gzip.compress(b"".join(line + b"\n" for line in lines))


@given(
    blocks=st.lists(
        st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b" ")), min_size=1), max_size=4
    ),
    cut=st.integers(0),
)
def test_any_prefix_of_a_segment_reads_as_its_whole_blocks_and_a_note_about_the_torn_one(segment, blocks, cut):
    written = [block(*lines) for lines in blocks]
    whole = b"".join(written)
    left = cut % (len(whole) + 1)
    squeezed = segment.with_suffix(".jsonl.gz")
    squeezed.write_bytes(whole[:left])
    ends = [sum(map(len, written[: count + 1])) for count in range(len(written))]
    complete = sum(end <= left for end in ends)
    torn = left - (ends[complete - 1] if complete else 0)
    lines = [line for lines in blocks[:complete] for line in lines]
    assert list(read_segment(squeezed)) == lines + ([TornLine(torn)] if torn else [])


@given(st.binary(max_size=400))
def test_whatever_stands_in_a_segment_is_read_or_dropped(segment, content):
    squeezed = segment.with_suffix(".jsonl.gz")
    squeezed.write_bytes(block(b"one") + content)
    lines = list(read_segment(squeezed))
    assert lines[0] == b"one"
    assert sum(isinstance(line, TornLine) for line in lines) <= 1


def test_zeros_that_a_power_cut_left_behind_a_block_are_dropped_and_told(segment):
    squeezed = segment.with_suffix(".jsonl.gz")
    squeezed.write_bytes(block(b"one", b"two") + bytes(100_000))
    assert list(read_segment(squeezed)) == [b"one", b"two", TornLine(100_000)]


def test_a_reader_sees_no_further_than_it_is_told(segment):
    squeezed = segment.with_suffix(".jsonl.gz")
    first = block(b"one")
    squeezed.write_bytes(first + block(b"two"))
    assert list(read_segment(squeezed, len(first))) == [b"one"]


def test_zcat_reads_a_segment(make_journal, directory):
    journal = make_journal()
    journal.begin()
    for line in (b"one", b"two"):
        journal.append(line)
        journal.flush()
    assert gzip.decompress((directory / names_in(directory)[0]).read_bytes()) == b"head 1\none\ntwo\n"


def test_segments_of_an_earlier_release_are_read_and_followed(make_journal, directory):
    directory.mkdir()
    (directory / "journal-00000004.jsonl").write_bytes(b"old\n")
    make_journal().begin()
    assert lines_in(directory) == [[b"old"], [b"head 1"]]


def test_lines_wait_for_a_minute_and_no_longer_although_none_follows(make_journal, directory, clock):
    journal = make_journal()
    journal.begin()
    journal.append(b"one")
    clock.now += files.FLUSH_AFTER - 1
    journal.look()
    assert lines_in(directory) == [[b"head 1"]]
    clock.now += 1
    journal.look()
    assert lines_in(directory) == [[b"head 1", b"one"]]


def test_what_must_not_be_lost_is_written_at_once_with_all_before_it(make_journal, directory):
    journal = make_journal()
    journal.begin()
    journal.append(b"one")
    file = journal.secure()
    assert file is not None
    os.close(file)
    assert lines_in(directory) == [[b"head 1", b"one"]]


@pytest.fixture(scope="module")
def segment(tmp_path_factory):
    return tmp_path_factory.mktemp("segment") / "journal-00000001.jsonl"


@given(lines=st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b" "))), cut=st.integers(0))
def test_any_prefix_of_a_segment_reads_as_its_complete_lines_and_a_note_about_the_torn_one(segment, lines, cut):
    whole = b"".join(line + b"\n" for line in lines)
    left = whole[: cut % (len(whole) + 1)]
    segment.write_bytes(left)
    complete = left.count(b"\n")
    torn = left.rpartition(b"\n")[2]
    assert list(read_segment(segment)) == lines[:complete] + ([TornLine(len(torn))] if torn else [])


def test_zeros_that_a_power_cut_left_at_the_end_are_a_torn_line(segment):
    segment.write_bytes(b"one\n" + bytes(4096))
    assert list(read_segment(segment)) == [b"one", TornLine(4096)]


def test_a_segment_that_is_gone_cannot_be_read(tmp_path):
    with pytest.raises(EdgeError, match=r"cannot read the journal '.*gone': No such file"):
        list(read_segment(tmp_path / "gone"))


def test_a_directory_that_is_not_there_has_no_segments(tmp_path):
    assert segments_in(tmp_path / "gone") == []


def test_a_journal_that_is_removed_underneath_is_told_once_and_begun_anew(tmp_path):
    now = 0.0
    directory = tmp_path / "state"
    journal = JournalFiles(directory, max_bytes=1 << 20, head=lambda: [b"head"], clock=lambda: now)
    journal.begin()
    for segment in directory.iterdir():
        segment.unlink()
    directory.rmdir()
    journal.append(b"lost")
    with pytest.raises(EdgeError, match="No such file or directory"):
        journal.flush()
    now = 60.0
    journal.append(b"covered by the head")
    journal.append(b"kept")
    journal.close()
    assert list(read_segment(segments_in(directory)[-1])) == [b"head", b"kept"]
