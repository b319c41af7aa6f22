"""A bundle is there whole, or not at all."""

from __future__ import annotations

import errno
import os
import tarfile
from pathlib import Path

import pytest

from tonekeeper.edge import whole_file
from tonekeeper.edge.bundle import write_bundle
from tonekeeper.edge.whole_file import write_text
from tonekeeper.errors import EdgeError


def test_every_file_is_in_it_under_one_directory(tmp_path: Path):
    write_bundle(tmp_path / "evidence.tar.gz", "site", {"report.json": b"{}", "journal/a.jsonl": b"line\n"})
    with tarfile.open(tmp_path / "evidence.tar.gz") as archive:
        assert archive.getnames() == ["site/report.json", "site/journal/a.jsonl"]
    assert (tmp_path / "evidence.tar.gz").stat().st_mode & 0o077 == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_leaves_no_half_file_and_the_old_one_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "evidence.tar.gz").write_bytes(b"old")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(whole_file.os, "fsync", full)
    with pytest.raises(EdgeError, match=r"cannot write .*No space left on device") as refused:
        write_bundle(tmp_path / "evidence.tar.gz", "site", {"report.json": b"{}"})
    assert refused.value.errno == errno.ENOSPC
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path):
    with pytest.raises(EdgeError, match="cannot write"):
        write_bundle(tmp_path / "nowhere" / "evidence.tar.gz", "site", {})


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(tmp_path / "pipe", "all is well")
        assert os.read(reader, 100) == b"all is well"
    finally:
        os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path):
    (tmp_path / "latest.html").symlink_to("today.html")
    write_text(tmp_path / "latest.html", "all is well")
    assert (tmp_path / "latest.html").is_symlink()
    assert (tmp_path / "today.html").read_text() == "all is well"
