"""Jumps of the wall clock."""

from __future__ import annotations

import pytest

from tonekeeper.edge.clock import JumpDetector

YEAR = 365 * 86400.0


class Clocks:
    def __init__(self) -> None:
        self.wall = 1_764_000_000.0
        self.monotonic = 500.0
        self.detector = JumpDetector(lambda: self.wall, lambda: self.monotonic)

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def clocks():
    return Clocks()


def test_clocks_that_run_together_do_not_jump(clocks):
    clocks.run(3600.0)
    assert clocks.detector.check() is None


@pytest.mark.parametrize("by", [YEAR, -YEAR, 2.5, -2.5])
def test_a_jump_is_told_once(clocks, by):
    clocks.run(5.0)
    clocks.wall += by
    assert clocks.detector.check() == pytest.approx(by)
    assert clocks.detector.check() is None


def test_a_little_at_a_time_is_drift(clocks):
    for _ in range(100):
        clocks.run(5.0)
        clocks.wall += 1.9
        assert clocks.detector.check() is None
