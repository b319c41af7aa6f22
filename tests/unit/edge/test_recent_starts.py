"""Which starts had no orderly end, whatever the file of them has been through."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.edge.recent_starts import MOST, NAME, SCHEMA, RecentStarts

MINUTE = 60.0


class Host:
    """Whose clock is moved by hand."""

    def __init__(self, directory):
        self.directory = directory
        self.now = 1000.0
        self.boot = "first"

    def start(self) -> RecentStarts:
        starts = RecentStarts(self.directory, lambda: self.now, lambda: self.boot)
        starts.begin()
        return starts

    def crash(self, error: str = "") -> None:
        starts = self.start()
        if error:
            starts.fail(error)
        self.now += MINUTE


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "state")


def test_a_first_start_follows_no_crash(host):
    starts = host.start()
    assert (starts.crashes_within(10 * MINUTE), starts.error, starts.warning) == (0, "", "")


def test_an_orderly_end_is_no_crash(host):
    host.start().end()
    assert host.start().crashes_within(10 * MINUTE) == 0


def test_each_start_without_an_end_is_one_and_the_last_error_is_known(host):
    host.crash("KeyError: 'x'")
    host.crash("ValueError: y")
    starts = host.start()
    assert (starts.crashes_within(10 * MINUTE), starts.error) == (2, "ValueError: y")


def test_what_is_longer_ago_does_not_count(host):
    host.crash()
    host.crash()
    assert host.start().crashes_within(1.5 * MINUTE) == 1


def test_a_power_cut_is_no_crash(host):
    host.crash()
    host.boot, host.now = "second", 5.0
    assert host.start().crashes_within(10 * MINUTE) == 0


def test_what_is_forgotten_is_forgotten_by_the_next_start_too(host):
    host.crash("KeyError: 'x'")
    host.start().forget()
    starts = host.start()
    assert (starts.crashes_within(10 * MINUTE), starts.error) == (1, "")


def test_the_file_does_not_grow_for_ever_nor_does_an_error(host):
    for _ in range(3 * MOST):
        host.crash("E" * 10_000)
    assert len((host.directory / NAME).read_bytes()) < 1024
    assert host.start().crashes_within(1e9) == MOST - 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"\xff", b"[" * 10_000, json.dumps({"schema": SCHEMA, "boot": 1, "starts": []}).encode()],
)
def test_a_broken_file_is_put_aside_and_said_and_the_count_begins_anew(host, content):
    host.directory.mkdir()
    (host.directory / NAME).write_bytes(content)
    starts = host.start()
    assert "cannot use" in starts.warning
    assert starts.crashes_within(10 * MINUTE) == 0
    assert (host.directory / f"{NAME}.broken").read_bytes() == content


def test_a_file_of_a_later_release_is_put_aside_and_kept(host):
    later = json.dumps({"schema": SCHEMA + 1, "all": "different"}).encode()
    host.directory.mkdir()
    (host.directory / NAME).write_bytes(later)
    assert f"it has schema {SCHEMA + 1}" in host.start().warning
    assert (host.directory / f"{NAME}.broken").read_bytes() == later


def test_a_directory_that_takes_no_file_is_said_and_nothing_is_raised(host):
    host.directory.write_text("in the way")
    starts = host.start()
    starts.fail("KeyError: 'x'")
    starts.forget()
    starts.end()
    assert starts.warning.startswith("cannot ")


@given(st.binary(max_size=200))
def test_whatever_is_in_the_file_the_agent_starts(tmp_path_factory, content):
    host = Host(tmp_path_factory.mktemp("state"))
    (host.directory / NAME).write_bytes(content)
    host.start().end()
