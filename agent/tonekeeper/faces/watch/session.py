"""One person watching one agent: asks it, counts the seconds of its silence, and obeys keys."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

from tonekeeper.core.report import Report
from tonekeeper.errors import AgentUnreachableError
from tonekeeper.faces.watch.controls import pressed
from tonekeeper.faces.watch.full_screen import FullScreen
from tonekeeper.faces.watch.keys import Key, decode_keys
from tonekeeper.faces.watch.screen import draw
from tonekeeper.faces.watch.sight import Sight
from tonekeeper.faces.watch.view import View

Ask = Callable[[], Report]
"""Gives the report, or raises AgentUnreachableError; may take seconds."""

_PATIENCE_S = 3.0
"""Beyond the interval: an answer that takes longer is missed."""


class Session:
    """`now`: monotonic seconds."""

    def __init__(self, ask: Ask, screen: FullScreen, sight: Sight, now: Callable[[], float] = time.monotonic) -> None:
        self.sight = sight
        self._ask = ask
        self._screen = screen
        self._now = now
        self._heard_at = now()
        self._view = View()
        self._half_a_key = b""
        self._is_stale = False
        self._going_on = asyncio.Event()
        self._going_on.set()
        self._ended = asyncio.Event()

    async def run(self) -> Sight:
        """Until the person quits; what was seen last."""
        self._screen.enter(self._typed, self._drained)
        tasks = [asyncio.create_task(work) for work in (self._ended.wait(), self._follow(), self._count())]
        try:
            self.redraw()
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            self._screen.leave()
        return self.sight

    def stop(self) -> None:
        self._ended.set()

    def redraw(self) -> None:
        """Not while a line is busy: then when it is not."""
        self._is_stale = self._screen.is_busy
        if not self._is_stale:
            self._screen.show(draw(self.sight, self._view, self._screen.size, self._screen.charset))

    def redraw_all(self) -> None:
        """What is on the screen is not what was written there: another size, another program, noise."""
        self._screen.forget()
        self.redraw()

    def hand_back_while(self, asleep: Callable[[], None]) -> None:
        """The terminal is as it was found until `asleep` returns."""
        self._screen.leave()
        asleep()
        self._screen.enter(self._typed, self._drained)
        self.redraw_all()

    def _drained(self) -> None:
        if self._is_stale:
            self.redraw()

    def _typed(self, typed: bytes) -> None:
        if not typed:
            return self.stop()
        keys, self._half_a_key = decode_keys(self._half_a_key + typed)
        for key in keys:
            self._press(key)
        return self.redraw()

    def _press(self, key: Key) -> None:
        if key is Key.QUIT:
            self.stop()
        elif key is Key.REDRAW:
            self._screen.forget()
        self._view = pressed(self._view, key, self.sight, self._screen.size, self._screen.charset)
        if self._view.is_paused:
            self._going_on.clear()
        elif not self._going_on.is_set():
            self._heard_at = self._now()
            self._going_on.set()

    async def _follow(self) -> None:
        while True:
            began = self._now()
            try:
                report = await self._answer()
            except AgentUnreachableError as error:
                if not self._view.is_paused:
                    self.sight = self.sight.silent(self._now() - self._heard_at, str(error))
            else:
                self._heard_at = self._now()
                self.sight = self.sight.answered(report, time.time())
            self.redraw()
            await asyncio.sleep(max(self.sight.interval_s - (self._now() - began), 0.0))
            await self._going_on.wait()

    async def _count(self) -> None:
        """The seconds of silence, as they pass."""
        while True:
            await asyncio.sleep(1.0)
            silent_s = self._now() - self._heard_at
            is_missed = self.sight.silent_s is not None or silent_s > self.sight.interval_s + _PATIENCE_S
            if is_missed and not self._view.is_paused:
                self.sight = self.sight.silent(silent_s, self.sight.problem)
                self.redraw()

    async def _answer(self) -> Report:
        """From a thread of its own, which nobody waits for who quits."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Report] = loop.create_future()

        def settle(report: Report | None, error: BaseException | None) -> None:
            if answer.done():
                return
            if report is not None:
                answer.set_result(report)
            elif error is not None:
                answer.set_exception(error)

        def work() -> None:
            report, failure = None, None
            try:
                report = self._ask()
            except Exception as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, report, failure)

        threading.Thread(target=work, daemon=True).start()
        return await answer
