"""What a diagnosis asks for beside the paths, as far as that takes no network."""

from __future__ import annotations

import asyncio

import pytest

from tonekeeper.app import checks
from tonekeeper.app.checks.conntrack import judged
from tonekeeper.core.beside.connection_table import TableSeen
from tonekeeper.core.checks import Check, Outcome
from tonekeeper.core.site import Site

NOWHERE = Site("site-0042", (), ())


def look(check: Check):
    return asyncio.run(checks.look(check, NOWHERE))


@pytest.mark.parametrize("check", [Check.CLOCK, Check.PORTAL, Check.DHCP, Check.DOUBLE_NAT])
def test_a_site_that_names_nothing_is_checked_for_nothing_and_never_called_fine(check):
    result = look(check)
    assert result.check is check
    assert result.outcome is not Outcome.OK or check is Check.CLOCK
    assert result.detail


def test_every_check_has_a_limit_and_only_those_beside_the_paths_are_here():
    assert all(0 < seconds < 30 for seconds in checks.AT_MOST.values())
    with pytest.raises(ValueError, match="the agent itself knows"):
        look(Check.SBCS)


def test_a_host_without_a_table_cannot_have_a_full_one_where_tables_are_shown(monkeypatch):
    monkeypatch.setattr("tonekeeper.app.checks.conntrack.has_table_files", lambda: True)
    assert judged(None, None).outcome is Outcome.OK
    monkeypatch.setattr("tonekeeper.app.checks.conntrack.has_table_files", lambda: False)
    assert judged(None, None).outcome is Outcome.NOT_CHECKED


def test_two_looks_at_the_table_tell_what_was_lost_between_them():
    before, seen = TableSeen(100, 1000, evicted=5), TableSeen(100, 1000, evicted=9)
    assert judged(seen, before).outcome is Outcome.PROBLEM
