"""The kernel's word about its clock."""

from __future__ import annotations

import sys

import pytest

from tonekeeper.edge.kernel_clock import kernel_clock


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="adjtimex(2) is Linux'")
def test_the_kernel_tells_everybody_and_changes_nothing():
    first, second = kernel_clock(), kernel_clock()
    assert first is not None
    assert second is not None
    assert first.kept == second.kept
    assert 0.0 <= first.error <= 3600.0


def test_another_system_is_not_asked(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert kernel_clock() is None
