"""The driver of a machine that does one job: one asyncio loop, one timer, and a result at the end.

The loop is that of docs/driving.md. What has arrived is handed over before any timer that is due, one deadline at a
time; a command may report its outcome at once, and it waits its turn, because the machine is never entered twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from tonekeeper.core.machine import DeadlineReached, Finished

MOST_AT_ONCE = 32
"""Timers served in one go; then the loop may look at its sockets before the next ones."""

Happening = TypeVar("Happening")
"""The events of the machine, beside the timer that has run out."""
Action = TypeVar("Action")
"""What an adapter carries out: its commands, without the end."""
Result = TypeVar("Result")

Happening_contra = TypeVar("Happening_contra", contravariant=True)
Action_co = TypeVar("Action_co", covariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Machine(Protocol[Happening_contra, Action_co, Result_co]):
    def handle(
        self, event: Happening_contra | DeadlineReached, now: float
    ) -> Sequence[Action_co | Finished[Result_co]]: ...
    def next_deadline(self) -> float | None: ...


class MeasureDriver(Generic[Happening, Action, Result]):
    """`token`: 32 fresh random hex digits for each timer. `execute` carries one command out."""

    def __init__(
        self,
        machine: Machine[Happening, Action, Result],
        *,
        token: Callable[[], str],
        execute: Callable[[Action], None],
    ) -> None:
        self._machine = machine
        self._token = token
        self._execute = execute
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[Result] = self._loop.create_future()
        self._queue: deque[Happening | DeadlineReached] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> Result:
        """Turn the crank until the machine has finished. Whatever the machine or an adapter raises is raised
        here; the driver is then at its end, too."""
        self._arm()
        try:
            return await self._finished
        finally:
            self._end()

    def feed(self, event: Happening) -> None:
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

    def _step(self, event: Happening | DeadlineReached) -> None:
        for command in self._machine.handle(event, self._loop.time()):
            if isinstance(command, Finished):
                self._finished.set_result(command.result)
                return
            self._execute(command)

    def _wake(self) -> None:
        self._timer = None
        for _ in range(MOST_AT_ONCE):
            deadline = self._machine.next_deadline()
            if self._finished.done() or deadline is None or deadline > self._loop.time():
                break
            self._queue.append(DeadlineReached(self._token()))
            self._drain()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = None if self._finished.done() else self._machine.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._wake)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._finished.cancel()
