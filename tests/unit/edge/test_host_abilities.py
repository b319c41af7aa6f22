"""What the host allows, tried without leaving anything behind."""

from __future__ import annotations

import pytest

from tonekeeper.edge.host_abilities import missing_clock, missing_writable

DAY = 86_400.0
YEAR = 365.25 * DAY


def test_a_directory_that_can_be_written_stays_as_it_was(tmp_path):
    (tmp_path / "kept").write_text("x")
    assert missing_writable(tmp_path) == ""
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_one_that_is_not_there_yet_is_not_made(tmp_path):
    assert missing_writable(tmp_path / "one" / "two") == ""
    assert list(tmp_path.iterdir()) == []


def test_one_that_takes_no_file_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    assert missing_writable(tmp_path / "file").startswith(f"cannot write in '{tmp_path / 'file'}': ")


@pytest.mark.parametrize("age", [-DAY / 2, 0.0, 10 * YEAR])
def test_a_clock_at_or_after_the_installation_is_sane(tmp_path, age):
    assert missing_clock(tmp_path, tmp_path.stat().st_mtime + age) == ""


@pytest.mark.parametrize("age", [-2 * DAY, -30 * YEAR, 200 * YEAR])
def test_a_clock_before_it_or_a_hundred_years_after_it_is_not(tmp_path, age):
    assert "which cannot be" in missing_clock(tmp_path, tmp_path.stat().st_mtime + age)
