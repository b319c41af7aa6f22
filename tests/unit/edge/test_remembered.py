"""What is remembered of SBCs: through a restart, a full disk, a broken file, and a clock that jumps."""

from __future__ import annotations

import errno
import json
import os

import pytest

from tonekeeper.core.commands import RememberTargets
from tonekeeper.core.events import TargetsRecalled
from tonekeeper.core.site import Target, Transport
from tonekeeper.edge.remembered import MOST_SBCS, REFRESH, RememberedTargets
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

NOW = 1_790_000_000.0
TARGETS = (
    Target(Transport.TLS, Endpoint("2001:db8::1", 5061), 10, 60),
    Target(Transport.UDP, Endpoint("192.0.2.1", 5060), 1 << 16, 0),
)
OTHERS = (Target(Transport.UDP, Endpoint("192.0.2.2", 5060)),)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def remembered(tmp_path, clock):
    return RememberedTargets(tmp_path, clock)


def recalled(tmp_path, clock) -> list[TargetsRecalled]:
    """By the next run."""
    following = RememberedTargets(tmp_path, clock)
    events = following.recall()
    assert following.warning == ""
    return events


def test_the_next_run_recalls_what_was_proven_and_how_long_ago(remembered, tmp_path, clock):
    remembered.keep(RememberTargets("primary", TARGETS))
    clock.now += 60
    remembered.keep(RememberTargets("alternate", OTHERS))
    clock.now += 40
    assert recalled(tmp_path, clock) == [
        TargetsRecalled("primary", TARGETS, 100.0),
        TargetsRecalled("alternate", OTHERS, 40.0),
    ]


def test_the_first_run_recalls_nothing_and_complains_of_nothing(remembered):
    assert remembered.recall() == []
    assert remembered.warning == ""


def test_what_replaces_an_earlier_list_replaces_it_whole(remembered, tmp_path, clock):
    remembered.keep(RememberTargets("primary", TARGETS))
    remembered.keep(RememberTargets("primary", OTHERS))
    assert recalled(tmp_path, clock) == [TargetsRecalled("primary", OTHERS, 0.0)]


def test_what_an_earlier_run_knew_of_others_is_kept(remembered, tmp_path, clock):
    remembered.keep(RememberTargets("primary", TARGETS))
    following = RememberedTargets(tmp_path, clock)
    following.recall()
    following.keep(RememberTargets("alternate", OTHERS))
    assert [event.sbc for event in recalled(tmp_path, clock)] == ["primary", "alternate"]


def test_a_clock_that_jumped_back_makes_it_new_and_not_negative(remembered, tmp_path, clock):
    remembered.keep(RememberTargets("primary", TARGETS))
    clock.now = 0.0
    assert recalled(tmp_path, clock) == [TargetsRecalled("primary", TARGETS, 0.0)]


def test_the_same_again_is_written_once_an_hour(remembered, tmp_path, clock):
    written = tmp_path / "addresses.json"
    remembered.keep(RememberTargets("primary", TARGETS))
    first = written.stat().st_ino
    clock.now += REFRESH - 1
    remembered.keep(RememberTargets("primary", TARGETS))
    assert written.stat().st_ino == first
    clock.now += 1
    remembered.keep(RememberTargets("primary", TARGETS))
    assert recalled(tmp_path, clock) == [TargetsRecalled("primary", TARGETS, 0.0)]


def test_after_the_clock_was_set_back_the_same_is_written_again(remembered, tmp_path, clock):
    remembered.keep(RememberTargets("primary", TARGETS))
    clock.now -= 86400.0
    remembered.keep(RememberTargets("primary", TARGETS))
    clock.now += 10
    assert recalled(tmp_path, clock) == [TargetsRecalled("primary", TARGETS, 10.0)]


def test_names_that_are_not_proven_any_more_are_forgotten_in_the_end(remembered, tmp_path, clock):
    for number in range(MOST_SBCS + 3):
        clock.now += 1
        remembered.keep(RememberTargets(f"sbc{number}", OTHERS))
    names = [event.sbc for event in recalled(tmp_path, clock)]
    assert names == [f"sbc{number}" for number in range(3, MOST_SBCS + 3)]


def test_the_file_says_what_version_it_is_and_can_be_read_by_people(remembered, tmp_path):
    remembered.keep(RememberTargets("primary", OTHERS))
    text = (tmp_path / "addresses.json").read_text()
    assert json.loads(text) == {
        "schema": 1,
        "sbcs": {"primary": {"proven": NOW, "targets": [["udp", ["192.0.2.2", 5060], 0, 0]]}},
    }
    assert text.count("\n") > 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 4096,
        b'{"schema": 1, "sbcs": {"primary": {"proven": 1, "targets": [["udp", ["192.0.2.1", 50',
        b'{"schema": 1}',
        b'{"schema": 1, "sbcs": {"primary": {"proven": "yesterday", "targets": []}}}',
        b'{"schema": 1, "sbcs": {"primary": {"proven": 1, "targets": [["sctp", ["192.0.2.1", 5060]]]}}}',
        b'{"schema": 2, "sbcs": []}',
        b"[]",
        b"\xff",
        b'{"schema": 1, "x": ' + b"[" * 10000,
    ],
    ids=lambda content: repr(content[:40]),
)
def test_a_broken_file_is_put_aside_with_a_warning(tmp_path, clock, content):
    (tmp_path / "addresses.json").write_bytes(content)
    remembered = RememberedTargets(tmp_path, clock)
    assert remembered.recall() == []
    assert remembered.warning.startswith(f"cannot use '{tmp_path}/addresses.json': ")
    assert remembered.warning.endswith("; it is 'addresses.json.broken' now")
    assert (tmp_path / "addresses.json.broken").read_bytes() == content
    remembered.keep(RememberTargets("primary", TARGETS))
    assert recalled(tmp_path, clock) == [TargetsRecalled("primary", TARGETS, 0.0)]


def test_an_sbc_without_a_target_is_nothing_to_recall(tmp_path, clock):
    (tmp_path / "addresses.json").write_text('{"schema": 1, "sbcs": {"primary": {"proven": 1, "targets": []}}}')
    assert recalled(tmp_path, clock) == []


def test_a_file_that_cannot_be_read_is_left_where_it_is(tmp_path, clock):
    (tmp_path / "addresses.json").mkdir()
    remembered = RememberedTargets(tmp_path, clock)
    assert remembered.recall() == []
    assert remembered.warning == f"cannot read '{tmp_path}/addresses.json': Is a directory"


def test_a_disk_that_refuses_is_told_and_the_next_call_writes_all_of_it(remembered, tmp_path, clock, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    remembered.keep(RememberTargets("primary", TARGETS))
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(EdgeError, match=r"cannot write '.*addresses.json': No space left on device") as refusal:
            remembered.keep(RememberTargets("alternate", OTHERS))
        assert refusal.value.errno == errno.ENOSPC
        assert [event.sbc for event in recalled(tmp_path, clock)] == ["primary"]
    remembered.keep(RememberTargets("alternate", OTHERS))
    assert [event.sbc for event in recalled(tmp_path, clock)] == ["primary", "alternate"]


def test_a_state_directory_that_is_not_there_is_made(tmp_path, clock):
    there = tmp_path / "var" / "tonekeeper"
    RememberedTargets(there, clock).keep(RememberTargets("primary", TARGETS))
    assert recalled(there, clock) == [TargetsRecalled("primary", TARGETS, 0.0)]
