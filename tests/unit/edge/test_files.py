"""The lock on the state directory."""

from __future__ import annotations

import errno
import os

import pytest

from tonekeeper.edge.files import LOCK_NAME, SingleInstance
from tonekeeper.errors import EdgeError


def test_a_second_agent_on_one_state_directory_is_told_who_has_it(tmp_path):
    with (
        SingleInstance(tmp_path),
        pytest.raises(
            EdgeError, match=rf"cannot run a second agent on '.*': .*; process {os.getpid()} has it"
        ) as caught,
        SingleInstance(tmp_path),
    ):
        pass
    assert caught.value.errno == errno.EWOULDBLOCK


def test_the_directory_is_free_again_when_the_first_agent_has_left(tmp_path):
    with SingleInstance(tmp_path):
        pass
    with SingleInstance(tmp_path) as alone:
        assert alone.failure is None


def test_the_lock_of_an_agent_that_was_killed_keeps_nobody_out(tmp_path):
    (tmp_path / LOCK_NAME).write_text("4194304\n")
    with SingleInstance(tmp_path) as alone:
        assert alone.failure is None
    assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"


def test_a_state_directory_is_made_where_there_is_none(tmp_path):
    with SingleInstance(tmp_path / "var" / "lib") as alone:
        assert alone.failure is None


def test_a_directory_that_takes_no_lock_is_a_failure_and_keeps_nobody_out(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with SingleInstance(tmp_path / "file" / "state") as alone:
        assert alone.failure is not None
        assert alone.failure.errno == errno.ENOTDIR
