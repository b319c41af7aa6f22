"""A phone's settings file is replaced whole or not at all, and the one before stays."""

from __future__ import annotations

import os

import pytest

from tonekeeper.edge.provisioning import BEFORE, LONGEST, deliver, read_settings_file, take_back, write_settings_file
from tonekeeper.errors import EdgeError

NAME = "001565000001.cfg"


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


def test_what_was_there_before_is_kept_beside_it_with_its_mode(tmp_path):
    (tmp_path / NAME).write_bytes(b"old")
    (tmp_path / NAME).chmod(0o640)
    delivered = deliver(tmp_path, NAME, b"new")
    assert (tmp_path / NAME).read_bytes() == b"new"
    assert delivered.before == tmp_path / f"{NAME}{BEFORE}"
    assert delivered.before.read_bytes() == b"old"
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o640
    assert names_in(tmp_path) == [NAME, f"{NAME}{BEFORE}"]


def test_it_can_be_taken_back(tmp_path):
    (tmp_path / NAME).write_bytes(b"old")
    take_back(deliver(tmp_path, NAME, b"new"))
    assert (tmp_path / NAME).read_bytes() == b"old"
    assert names_in(tmp_path) == [NAME]


def test_a_file_that_was_not_there_is_for_its_owner_alone_and_gone_when_it_is_taken_back(tmp_path):
    delivered = deliver(tmp_path, NAME, b"new")
    assert delivered.before is None
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    take_back(delivered)
    assert names_in(tmp_path) == []


def test_a_second_delivery_keeps_what_the_first_one_wrote(tmp_path):
    (tmp_path / NAME).write_bytes(b"first")
    deliver(tmp_path, NAME, b"second")
    delivered = deliver(tmp_path, NAME, b"third")
    assert delivered.before.read_bytes() == b"second"
    assert names_in(tmp_path) == [NAME, f"{NAME}{BEFORE}"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x.cfg", "a/b", "a\x00b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(EdgeError, match="without a directory"):
        deliver(tmp_path, name, b"new")


def test_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"old")
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EdgeError, match="symbolic link"):
        deliver(tmp_path, NAME, b"new")
    assert (tmp_path / "elsewhere").read_bytes() == b"old"


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / NAME).write_bytes(b"old")

    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(EdgeError, match="No space left"):
        write_settings_file(tmp_path / NAME, b"new")
    assert (tmp_path / NAME).read_bytes() == b"old"
    assert names_in(tmp_path) == [NAME]


def test_what_is_no_file_or_too_long_is_not_read(tmp_path):
    with pytest.raises(EdgeError, match="cannot read"):
        read_settings_file(tmp_path)
    with pytest.raises(EdgeError, match="cannot read"):
        read_settings_file(tmp_path / "none")
    (tmp_path / NAME).write_bytes(b"x" * (LONGEST + 1))
    with pytest.raises(EdgeError, match="longer than"):
        read_settings_file(tmp_path / NAME)
