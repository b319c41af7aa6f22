"""Small files that are replaced whole, and put aside where they cannot be used."""

from __future__ import annotations

import pytest

from tonekeeper.edge.state_file import put_aside, replace_whole


def test_a_file_is_replaced_whole_and_its_directory_is_made(tmp_path):
    path = tmp_path / "state" / "some.json"
    replace_whole(path, b"one")
    replace_whole(path, b"two")
    assert [(file.name, file.read_bytes()) for file in path.parent.iterdir()] == [("some.json", b"two")]


def test_where_the_new_one_cannot_be_written_the_old_one_stays(tmp_path):
    path = tmp_path / "some.json"
    replace_whole(path, b"one")
    path.with_suffix(".new").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_whole(path, b"two")
    assert path.read_bytes() == b"one"


def test_what_is_put_aside_is_kept_under_another_name(tmp_path):
    path = tmp_path / "some.json"
    path.write_bytes(b"of a later release")
    assert put_aside(path) == "it is 'some.json.broken' now"
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        ("some.json.broken", b"of a later release")
    ]


def test_what_cannot_be_put_aside_stays_and_that_is_said(tmp_path):
    path = tmp_path / "some.json"
    path.write_bytes(b"x")
    (tmp_path / "some.json.broken" / "full").mkdir(parents=True)
    assert put_aside(path) == "and it stays there (Is a directory)"
    assert path.exists()
