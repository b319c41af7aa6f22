"""Examinations of the daemon: one task at a time, out of the way of the probing. When, is for the core to say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tonekeeper.app.egress import examine_path
from tonekeeper.core.commands import ExamineEgress
from tonekeeper.core.events import EgressExamined, Event


class BackgroundEgress:
    """`report` gets one EgressExamined for each ExamineEgress, unless another one comes before."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self._report = report
        self._running: asyncio.Task[None] | None = None

    def execute(self, command: ExamineEgress) -> None:
        """To be called inside the running loop."""
        self.close()
        self._running = asyncio.get_running_loop().create_task(self._answer(command))

    def close(self) -> None:
        """Nothing more is reported."""
        if self._running is not None:
            self._running.cancel()

    async def _answer(self, command: ExamineEgress) -> None:
        self._report(EgressExamined(await examine_path(command)))
