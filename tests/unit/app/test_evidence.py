"""The journal in the bundle: readable as it is, and no more of it than memory takes."""

from __future__ import annotations

import gzip

from tonekeeper.app import evidence
from tonekeeper.app.evidence import journal_files


def test_segments_are_plain_lines_in_the_bundle_the_oldest_first_without_a_torn_end(tmp_path):
    (tmp_path / "journal-00000001.jsonl").write_bytes(b'{"a":1}\n')
    (tmp_path / "journal-00000002.jsonl.gz").write_bytes(gzip.compress(b'{"b":1}\n') + gzip.compress(b'{"c":1}\n')[:-3])
    missing: list[str] = []

    found = journal_files(tmp_path, missing)

    assert list(found.items()) == [
        ("journal/journal-00000001.jsonl", '{"a":1}\n'),
        ("journal/journal-00000002.jsonl", '{"b":1}\n'),
    ]
    assert missing == []


def test_what_is_too_much_is_left_out_from_the_oldest_on_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "MOST_JOURNAL", 100)
    for number in range(1, 6):
        (tmp_path / f"journal-{number:08}.jsonl.gz").write_bytes(gzip.compress(b"x" * 45 + b"\n"))
    missing: list[str] = []

    found = journal_files(tmp_path, missing)

    assert list(found) == ["journal/journal-00000004.jsonl", "journal/journal-00000005.jsonl"]
    assert [line.split()[1] for line in missing] == ["journal-00000003.jsonl.gz"]
