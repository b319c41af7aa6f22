"""The driver of a NAT measurement: one measurement, one asyncio loop, one timer, and a result at the end.

The loop is that of docs/driving.md. What has arrived is handed over before any timer that is due, one deadline at a
time; a command may report its outcome at once, and it waits its turn, because the measurement is never entered twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from tonekeeper.core.nat.messages import (
    CloseSocket,
    Command,
    DeadlineReached,
    Event,
    Finished,
    OpenSocket,
    SendSip,
    SendStun,
)
from tonekeeper.core.nat.result import NatResult

MOST_AT_ONCE = 32
"""Timers served in one go; then the loop may look at its sockets before the next ones."""

Action = OpenSocket | CloseSocket | SendStun | SendSip
"""What an adapter carries out."""


class Measurement(Protocol):
    def handle(self, event: Event, now: float) -> Sequence[Command]: ...
    def next_deadline(self) -> float | None: ...


class MeasureDriver:
    """`token`: 32 fresh random hex digits for each timer. `execute` carries one command out."""

    def __init__(
        self, measurement: Measurement, *, token: Callable[[], str], execute: Callable[[Action], None]
    ) -> None:
        self._measurement = measurement
        self._token = token
        self._execute = execute
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[NatResult] = self._loop.create_future()
        self._queue: deque[Event] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> NatResult:
        """Turn the crank until the measurement has finished. Whatever the measurement or an adapter raises is raised
        here; the driver is then at its end, too."""
        self._arm()
        try:
            return await self._finished
        finally:
            self._end()

    def feed(self, event: Event) -> None:
        """An adapter has seen something."""
        if self._finished.done():
            return
        self._queue.append(event)
        if not self._busy:
            self._drain()
            self._arm()

    def _drain(self) -> None:
        self._busy = True
        try:
            while self._queue and not self._finished.done():
                self._step(self._queue.popleft())
        except Exception as bug:  # it must not be retried for ever by a timer that stays due
            self._finished.set_exception(bug)
        finally:
            self._busy = False

    def _step(self, event: Event) -> None:
        for command in self._measurement.handle(event, self._loop.time()):
            if isinstance(command, Finished):
                self._finished.set_result(command.result)
                return
            self._execute(command)

    def _wake(self) -> None:
        self._timer = None
        for _ in range(MOST_AT_ONCE):
            deadline = self._measurement.next_deadline()
            if self._finished.done() or deadline is None or deadline > self._loop.time():
                break
            self._queue.append(DeadlineReached(self._token()))
            self._drain()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = None if self._finished.done() else self._measurement.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._wake)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._finished.cancel()
