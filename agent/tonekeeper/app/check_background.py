"""The checks beside the paths in the daemon: now and then, one at a time; what changed is told, and nothing else.

Each check is loaded when its time has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tonekeeper.core.beside.knowledge import Knowledge, knowledge_of
from tonekeeper.core.beside.timetable import Timetable, signs_of
from tonekeeper.core.chance import Chance
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.events import Checked, Event
from tonekeeper.core.site import Site
from tonekeeper.core.situation import Situation

if TYPE_CHECKING:
    from tonekeeper.core.beside.connection_table import TableSeen
    from tonekeeper.edge.time_servers import TimeServers

TICK = 5.0
"""Seconds between two looks at whether something brings a check forward."""

Look = Callable[[Check, Site, Knowledge], Awaitable[CheckResult]]


class BackgroundChecks:
    """To be made and closed inside the running loop. `situation` is what the agent knows at the moment."""

    def __init__(
        self, report: Callable[[Event], None], situation: Callable[[], Situation], seed: int, look: Look | None = None
    ) -> None:
        self._report = report
        self._situation = situation
        self._look = look or Looks().at
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._timetable = Timetable(Chance(seed), signs_of(situation(), self._known()), now)
        self._task = self._loop.create_task(self._watch())

    def close(self) -> None:
        """Nothing is reported from now on."""
        self._task.cancel()

    def look_again(self) -> None:
        """At everything soon: it is another site."""
        self._timetable.look_again(self._loop.time())

    async def _watch(self) -> None:
        while True:
            situation, known, now = self._situation(), self._known(), self._loop.time()
            self._timetable.notice(signs_of(situation, known), now)
            check, due = self._timetable.next(situation.site.role)
            if now < due:
                await asyncio.sleep(min(TICK, due - now))
                continue
            result = await self._result(check, situation.site, known)
            self._timetable.looked(check, result.outcome, self._loop.time())
            before = self._situation().checks.get(check)
            if before is None or before.result != result:
                self._report(Checked(result))

    def _known(self) -> Knowledge:
        return knowledge_of(self._situation(), self._loop.time())

    async def _result(self, check: Check, site: Site, known: Knowledge) -> CheckResult:
        try:
            return await self._look(check, site, known)
        except Exception as bug:  # the other checks go on
            return CheckResult(check, Outcome.NOT_CHECKED, f"cannot check: {type(bug).__name__}: {bug}")


class Looks:
    """What is looked at, and what one look remembers for the next."""

    def __init__(self) -> None:
        self._time_servers: TimeServers | None = None
        self._table: TableSeen | None = None

    async def at(self, check: Check, site: Site, known: Knowledge) -> CheckResult:
        match check:
            case Check.CLOCK:
                from tonekeeper.app.checks.clock import check_clock
                from tonekeeper.edge.time_servers import TimeServers

                self._time_servers = self._time_servers or TimeServers()
                return await check_clock(site, known, time_servers=self._time_servers)
            case Check.CONNTRACK:
                from tonekeeper.app.checks.conntrack import judged
                from tonekeeper.edge.connection_table import read_table

                before, self._table = self._table, read_table()
                return judged(self._table, before)
            case Check.PORTAL:
                from tonekeeper.app.checks.portal import check_portal

                return await check_portal(site, known, spare_metered=True)
            case Check.DOUBLE_NAT:
                from tonekeeper.app.checks.double_nat import check_double_nat

                return await check_double_nat(site, known, spare_metered=True)
            case _:
                from tonekeeper.app.checks import look

                return await look(check, site, known)
