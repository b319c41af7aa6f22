"""Capabilities as /proc/PID/status shows them."""

from __future__ import annotations

import pytest

from tonekeeper.edge.capabilities import has_net_admin


@pytest.mark.parametrize(
    ("effective", "has"),
    [("000001ffffffffff", True), ("0000000000001000", True), ("0000000000000000", False), ("000001ffffffefff", False)],
    ids=["root", "just this one", "ordinary user", "root without it"],
)
def test_only_the_effective_set_counts(tmp_path, effective, has):
    status = tmp_path / "status"
    status.write_text(f"Name:\tpython\nCapPrm:\t000001ffffffffff\nCapEff:\t{effective}\nCapBnd:\t000001ffffffffff\n")
    assert has_net_admin(status) is has
