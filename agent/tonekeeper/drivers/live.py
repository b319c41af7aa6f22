"""The live driver: one agent, one asyncio loop, one timer.

Adapters report events, the driver hands them to the core in the order of their arrival, writes the journal line, then
carries the commands out. A command may report its outcome at once: it waits its turn in the queue, because the core is
never entered twice. See docs/driving.md.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

from tonekeeper.core.agent import Agent
from tonekeeper.core.commands import Command
from tonekeeper.core.events import DeadlineReached, Event
from tonekeeper.core.instants import NEVER
from tonekeeper.core.journal import write_entry
from tonekeeper.core.report import Report

MOST_AT_ONCE = 256
"""Timers served in one go; then the loop may look at its sockets before the next ones."""


class Journal(Protocol):
    def append(self, line: bytes) -> None:
        """Keep one line; never raises, a journal that cannot be written reports an event instead."""


class LiveDriver:
    """`token`: 32 fresh random hex digits for each timer. `execute` carries one command out.

    `on_bug`: the core or an adapter raised. The driver has closed itself; nothing it knows is to be trusted.
    """

    def __init__(
        self,
        agent: Agent,
        *,
        journal: Journal,
        token: Callable[[], str],
        execute: Callable[[Command], None],
        on_bug: Callable[[Exception], None],
    ) -> None:
        self._agent = agent
        self._journal = journal
        self._token = token
        self._execute = execute
        self._on_bug = on_bug
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Event] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = NEVER
        self._closed = False

    def now(self) -> float:
        return self._loop.time()

    def report(self) -> Report:
        return self._agent.report(self.now())

    def is_ready(self) -> bool:
        return self._agent.is_ready(self.now())

    def overdue(self) -> float:
        """Seconds for which the core's next timer has waited to be served; 0: it is not due. Infinite once closed."""
        if self._closed:
            return math.inf
        deadline = self._agent.next_deadline()
        return 0.0 if deadline is None else max(0.0, self.now() - deadline)

    def feed(self, event: Event) -> None:
        """An adapter has seen something."""
        if self._closed:
            return
        self._queue.append(event)
        if not self._busy:
            self._drain()

    def close(self) -> None:
        """No event is taken and no timer served from now on."""
        self._closed = True
        self._disarm()

    def _drain(self) -> None:
        self._busy = True
        try:
            while self._queue:
                self._step(self._queue.popleft())
        except Exception as bug:  # whatever it is: it must not be retried for ever by a timer that stays due
            self.close()
            self._on_bug(bug)
        finally:
            self._busy = False
        self._arm()

    def _step(self, event: Event) -> None:
        now = self.now()
        commands = self._agent.handle(event, now)
        self._journal.append(write_entry(now, event, commands))
        for command in commands:
            self._execute(command)

    def _wake(self) -> None:
        self._timer = None
        self._armed_for = NEVER
        for _ in range(MOST_AT_ONCE):
            deadline = self._agent.next_deadline()
            if self._closed or deadline is None or deadline > self.now():
                break
            self._queue.append(DeadlineReached(self._token()))
            self._drain()
        self._arm()

    def _arm(self) -> None:
        deadline = self._agent.next_deadline()
        wanted = NEVER if deadline is None else deadline
        if wanted == self._armed_for or self._closed:
            return
        self._disarm()
        if wanted < NEVER:
            self._timer = self._loop.call_at(wanted, self._wake)
            self._armed_for = wanted

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._armed_for = NEVER
