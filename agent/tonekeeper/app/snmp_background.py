"""SNMP beside the probing: managers are answered from the report, and told what has changed in it.

What cannot be served is a finding and is tried again; what cannot be delivered waits, on disk if it takes long. A
report becomes a view when somebody asks, and not again within a second unless something has changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path

from tonekeeper.app.snmp_servers import Server, StandAlone, ThroughSnmpd
from tonekeeper.core.events import Event, Facility, FacilityFailed, FacilityRecovered
from tonekeeper.core.report import Report
from tonekeeper.edge.notification_queue import NotificationQueue
from tonekeeper.errors import EdgeError
from tonekeeper.faces.log import Log
from tonekeeper.faces.snmp.definition import Served
from tonekeeper.faces.snmp.notifications import Teller
from tonekeeper.faces.snmp.numbers import FindingNumbers
from tonekeeper.faces.snmp.system import system_group
from tonekeeper.faces.snmp.view import View, read_view
from tonekeeper.settings.model import SnmpSettings

FRESH = 1.0
"""Seconds for which a view may be shown although nothing is known to have changed."""
SETTLED = 0.2
"""Seconds from a change until managers are told, with what else changes at the same moment."""
LOOK_EVERY = 5.0
"""Seconds between two looks for what ripens by itself, and between two attempts to begin."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds until a target that could not be told is told again, doubling."""


class BackgroundSnmp:
    """To be made, used and closed inside the running loop. `server`: other than the settings say, for tests."""

    def __init__(
        self,
        settings: SnmpSettings,
        state_dir: Path,
        report: Callable[[], Report],
        feed: Callable[[Event], None],
        log: Log,
        *,
        server: Server | None = None,
    ) -> None:
        self._enterprise = settings.enterprise
        self._report = report
        self._feed = feed
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._numbers = FindingNumbers()
        self._teller = Teller(settings.enterprise, self._loop.time())
        self._queue = NotificationQueue(state_dir, self._loop.time)
        self._is_own_agent = settings.agentx is None
        self._server = server or self._make_server(settings, state_dir)
        self._view: View | None = None
        self._viewed_at = 0.0
        self._soon: asyncio.TimerHandle | None = None
        self._something_waits = {target: asyncio.Event() for target in self._server.targets}
        self._tasks: list[asyncio.Task[None]] = []
        self._failed = ""
        self._is_disk_failing = False

    async def start(self) -> None:
        """Before the first probe: what has to be loaded would hold its answer up."""
        is_open = await self._open(beside_probes=False)
        self._begin(self._run(is_open))

    def changed(self) -> None:
        """Something of the report is not what it was."""
        self._view = None
        if self._soon is None:
            self._soon = self._loop.call_later(SETTLED, self._tell)

    async def close(self) -> None:
        """Nothing is answered, told or fed from now on; what waits is on disk."""
        if self._soon is not None:
            self._soon.cancel()
            self._tell()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._keep(at_once=True)
        await self._server.close()

    def _make_server(self, settings: SnmpSettings, state_dir: Path) -> Server:
        if settings.agentx is not None:
            return ThroughSnmpd(settings, self._read_view, self._note)
        return StandAlone(settings, state_dir, self._read_view, self._log)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """None of them ends by itself but by a bug, and nobody waits for it."""
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._loop.call_exception_handler({"message": "SNMP has stopped", "exception": bug, "task": task})

    async def _run(self, is_open: bool) -> None:
        while not is_open:
            await asyncio.sleep(LOOK_EVERY)
            is_open = await self._open(beside_probes=True)
        self._recall()
        for target in self._server.targets:
            self._begin(self._deliver(target))
        while True:
            self._tell()
            await asyncio.sleep(LOOK_EVERY)

    async def _open(self, *, beside_probes: bool) -> bool:
        try:
            await self._server.open(beside_probes=beside_probes)
        except EdgeError as error:
            self._note(error)
            return False
        if self._is_own_agent:
            self._note(None)
        return True

    def _note(self, error: EdgeError | None) -> None:
        """Whether managers are answered; each change of that once."""
        why = "" if error is None else str(error)
        if error is not None and why != self._failed:
            self._feed(FacilityFailed(Facility.SNMP, error.errno, why))
        elif error is None and self._failed:
            self._feed(FacilityRecovered(Facility.SNMP))
        if error is None and not self._is_own_agent:
            self._log.info("answering-snmp-through-snmpd")
        self._failed = why

    # --- what is answered

    def _read_view(self) -> View:
        now = self._loop.time()
        if self._view is None or now >= self._viewed_at + FRESH:
            served = self._serve()
            beyond = system_group(served.report, self._enterprise) if self._is_own_agent else {}
            self._view, self._viewed_at = read_view(served, self._enterprise, beyond), now
        return self._view

    def _serve(self) -> Served:
        report = self._report()
        return Served(report, self._numbers.number(report.findings), len(self._queue), self._queue.lost)

    # --- what is told

    def _tell(self) -> None:
        self._soon = None
        if not self._something_waits:
            return
        for notification in self._teller.tell(self._serve(), self._loop.time(), time.time()):
            self._queue.add(notification, self._something_waits)
        for waiting in self._something_waits.values():
            waiting.set()

    async def _deliver(self, target: str) -> None:
        """One after the other, so that a manager hears of things in the order of their coming."""
        pause = FIRST_PAUSE
        while True:
            waiting = self._queue.next_for(target)
            if waiting is None:
                self._something_waits[target].clear()
                await self._something_waits[target].wait()
            elif await self._server.notify(target, waiting.varbinds):
                pause = FIRST_PAUSE
                self._on_disk(partial(self._queue.delivered, waiting, target))
            else:
                self._keep()
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _recall(self) -> None:
        self._on_disk(partial(self._queue.recall, self._server.targets))

    def _keep(self, *, at_once: bool = False) -> None:
        self._on_disk(partial(self._queue.save, at_once=at_once))

    def _on_disk(self, do: Callable[[], None]) -> None:
        """A disk that refuses is told of once, until it takes something again."""
        try:
            do()
        except EdgeError as error:
            if not self._is_disk_failing:
                self._log.error("notifications-not-kept", reason=str(error))
            self._is_disk_failing = True
        else:
            self._is_disk_failing = False
