"""An SNMP engine remembers who it is, and never counts its starts backwards."""

from __future__ import annotations

import json

import pytest

from tonekeeper.edge.engine_identity import MOST_BOOTS, NAME, begin_engine


def test_the_first_start_draws_an_identity_and_the_next_ones_keep_it(tmp_path):
    first = begin_engine(tmp_path)
    assert first.boots == 1
    assert first.engine_id[:5] == bytes.fromhex("80007ed905")
    assert len(first.engine_id) == 17
    again = [begin_engine(tmp_path) for _ in range(3)]
    assert {one.engine_id for one in again} == {first.engine_id}
    assert [one.boots for one in again] == [2, 3, 4]
    assert not any(one.warning for one in (first, *again))


def test_two_agents_are_two_engines(tmp_path):
    assert begin_engine(tmp_path / "one").engine_id != begin_engine(tmp_path / "two").engine_id


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema": 2, "engine_id": "80007ed9050102030405060708090a0b0c", "boots": 4}',
        b'{"schema": 1, "engine_id": "8000", "boots": 4}',
        b'{"schema": 1, "engine_id": "no hexadecimal digits", "boots": 4}',
        b'{"schema": 1, "engine_id": "80007ed9050102030405060708090a0b0c", "boots": -1}',
        b'{"schema": 1, "engine_id": "80007ed9050102030405060708090a0b0c", "boots": %d}' % MOST_BOOTS,
        b"\xff\xfe",
    ],
)
def test_a_file_that_cannot_be_used_makes_a_new_engine_and_says_so(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    fresh = begin_engine(tmp_path)
    assert fresh.boots == 1
    assert fresh.engine_id.hex() != "80007ed9050102030405060708090a0b0c"
    assert "cannot use" in fresh.warning
    assert (tmp_path / f"{NAME}.broken").read_bytes() == content
    assert begin_engine(tmp_path).boots == 2


def test_where_nothing_can_be_written_each_start_is_a_new_engine(tmp_path):
    begin_engine(tmp_path)
    (tmp_path / NAME).with_suffix(".new").mkdir()  # whoever runs the tests may write anywhere
    one, two = begin_engine(tmp_path), begin_engine(tmp_path)
    assert (one.boots, two.boots) == (1, 1)
    assert one.engine_id != two.engine_id
    assert "managers meet a new engine at each start" in one.warning


def test_the_file_says_what_it_is(tmp_path):
    identity = begin_engine(tmp_path)
    assert json.loads((tmp_path / NAME).read_text()) == {
        "schema": 1,
        "engine_id": identity.engine_id.hex(),
        "boots": 1,
    }
