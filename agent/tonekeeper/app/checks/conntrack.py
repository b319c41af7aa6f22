"""How full the table of connections is, and whether connections are being lost."""

from __future__ import annotations

import asyncio

from tonekeeper.core.beside.connection_table import TableSeen, judge_table
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.edge.connection_table import has_table_files, read_table

BETWEEN = 1.0
"""Seconds between two looks, where nobody has looked before."""


async def check_conntrack() -> CheckResult:
    before = read_table()
    if before is not None:
        await asyncio.sleep(BETWEEN)
    return judged(read_table(), before)


def judged(seen: TableSeen | None, before: TableSeen | None) -> CheckResult:
    """Two looks at the table; None where there is none."""
    if seen is not None:
        return judge_table(seen, before)
    if has_table_files():
        return CheckResult(Check.CONNTRACK, Outcome.OK, "this host tracks no connections")
    return CheckResult(Check.CONNTRACK, Outcome.NOT_CHECKED, "only Linux shows its table of connections")
