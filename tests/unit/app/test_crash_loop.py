"""An agent that crashes again and again goes on with care, and settles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.core.talk import site

from tonekeeper.app.crash_loop import CAREFUL_INTERVAL, CRASHES, QUIET, WINDOW, CrashLoop
from tonekeeper.core.events import Facility
from tonekeeper.core.site import Mode
from tonekeeper.edge.recent_starts import RecentStarts

STEERED = replace(site(), failover=replace(site().failover, mode=Mode.STEER))


class Host:
    def __init__(self, directory):
        self.directory = directory
        self.now = 0.0

    def start(self) -> CrashLoop:
        loop = CrashLoop(RecentStarts(self.directory, lambda: self.now, lambda: "boot"))
        loop.begin(self.now)
        return loop

    def crash(self, times: int, error: Exception | None = None) -> None:
        for _ in range(times):
            loop = self.start()
            if error is not None:
                loop.fail(error)
            self.now += 10.0


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_until_the_third_crash_everything_is_as_configured(host):
    host.crash(CRASHES - 1)
    loop = host.start()
    assert not loop.is_careful
    assert loop.restrain(STEERED) is STEERED
    assert not loop.settles(QUIET * 2)


def test_after_it_nothing_is_steered_and_probes_are_rare(host):
    host.crash(CRASHES)
    loop = host.start()
    assert loop.is_careful
    watched = loop.restrain(STEERED)
    assert (watched.failover.mode, watched.probe.interval) == (Mode.OBSERVE, CAREFUL_INTERVAL)
    assert replace(watched, failover=STEERED.failover, probe=STEERED.probe) == STEERED


def test_a_cadence_that_is_slower_already_stays(host):
    host.crash(CRASHES)
    slow = replace(STEERED, probe=replace(STEERED.probe, interval=300.0))
    assert host.start().restrain(slow).probe.interval == 300.0


def test_it_is_said_with_the_last_error(host):
    host.crash(CRASHES, KeyError("fibre"))
    failed = host.start().failure()
    assert failed.facility is Facility.STARTS
    assert failed.reason == "3 times within 10 minutes; the last time with KeyError: 'fibre'"


def test_a_kill_leaves_no_error_to_tell(host):
    host.crash(CRASHES)
    assert host.start().failure().reason == "3 times within 10 minutes"


def test_crashes_that_are_far_apart_are_no_loop(host):
    for _ in range(2 * CRASHES):
        host.crash(1)
        host.now += WINDOW / 2
    assert not host.start().is_careful


def test_care_ends_after_a_quiet_time_once_and_the_count_begins_anew(host):
    host.crash(CRASHES)
    loop = host.start()
    began = host.now
    assert not loop.settles(began + QUIET - 1)
    assert loop.settles(began + QUIET)
    assert not loop.settles(began + QUIET + 1)
    assert loop.restrain(STEERED) is STEERED
    assert not host.start().is_careful


def test_an_agent_that_is_stopped_while_it_is_careful_is_careful_at_its_next_start(host):
    host.crash(CRASHES)
    host.start().end()
    assert host.start().is_careful
