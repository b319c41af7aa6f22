"""A diagnosis: every check that this host allows, beside an agent that goes on probing.

    WAITING --its predecessor is done--> RUNNING --a result, its limit, skip or stop--> DONE

What the agent itself finds out is read from its report as soon as it is known; everything else is asked. Nothing is
asked twice, each check has a limit, and a check that fails by a bug is `not checked` with the reason: a technician gets
all the rest. Whoever stops a diagnosis keeps what is known by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import inf

from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.examination import NOT_BEGUN, CheckProgress, Examination, ExaminationState, Stage
from tonekeeper.core.report import Report
from tonekeeper.core.verdict import verdict_of

Note = Callable[[str], None]
"""Tells what is waited for."""
Ask = Callable[[Note], Awaitable[CheckResult]]


@dataclass(frozen=True, slots=True)
class Inquiry:
    check: Check
    limit: float
    """Seconds from its begin."""
    ask: Ask
    after: Check | None = None
    by: float = inf
    """Seconds from the begin of the diagnosis by which it must end, whenever it began."""


@dataclass(slots=True)
class _Course:
    inquiry: Inquiry
    stage: Stage = Stage.WAITING
    began: float = 0.0
    note: str = ""
    result: CheckResult | None = None
    task: asyncio.Task[None] | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Diagnosis:
    """One run. To be made and run inside the loop; `now` is that of the loop."""

    def __init__(self, inquiries: Sequence[Inquiry], report: Callable[[], Report], *, quick: bool = False) -> None:
        self._courses = {inquiry.check: _Course(inquiry) for inquiry in inquiries}
        self._report = report
        self._quick = quick
        self._loop = asyncio.get_running_loop()
        self._began = self._ended = self._loop.time()
        self._state = ExaminationState.RUNNING
        self._verdict = ""

    async def run(self) -> None:
        """Until every check is done, or somebody stops it."""
        for course in self._courses.values():
            course.task = self._loop.create_task(self._pursue(course))
        try:
            await asyncio.gather(*(course.done.wait() for course in self._courses.values()))
        except asyncio.CancelledError:
            self.stop()
            raise
        self._end(ExaminationState.DONE)

    def stop(self) -> None:
        """What has not ended is not checked."""
        for check in self._courses:
            self.skip(check, "the diagnosis was stopped before")
        self._end(ExaminationState.STOPPED)

    def skip(self, check: Check, why: str = "skipped") -> None:
        course = self._courses.get(check)
        if course is not None and course.result is None:
            self._finish(course, CheckResult(check, Outcome.NOT_CHECKED, why))

    def results(self) -> tuple[CheckResult, ...]:
        """Of the checks that are done."""
        return tuple(course.result for course in self._courses.values() if course.result is not None)

    def progress(self) -> Examination:
        now = self._loop.time()
        is_running = self._state is ExaminationState.RUNNING
        return Examination(
            self._state,
            self._quick,
            elapsed_s=round((now if is_running else self._ended) - self._began, 3),
            left_s=round(max((self._left(course, now) for course in self._courses.values()), default=0.0), 3)
            if is_running
            else None,
            checks=tuple(self._progress(course, now) for course in self._courses.values()),
            verdict=self._verdict,
        )

    async def _pursue(self, course: _Course) -> None:
        inquiry = course.inquiry
        before = self._courses.get(inquiry.after) if inquiry.after is not None else None
        if before is not None:
            await before.done.wait()
        course.stage, course.began = Stage.RUNNING, self._loop.time()
        limit = self._limit(course)
        try:
            async with asyncio.timeout(limit):
                result = await inquiry.ask(lambda note: setattr(course, "note", note))
        except TimeoutError:
            result = CheckResult(inquiry.check, Outcome.NOT_CHECKED, f"nothing was known within {limit:.0f} s")
        except Exception as bug:  # one check must not take the others down
            result = CheckResult(inquiry.check, Outcome.NOT_CHECKED, f"cannot check: {type(bug).__name__}: {bug}")
        self._finish(course, result)

    def _finish(self, course: _Course, result: CheckResult) -> None:
        if course.result is not None:
            return
        course.stage, course.result = Stage.DONE, result
        course.done.set()
        if course.task is not None and course.task is not asyncio.current_task():
            course.task.cancel()

    def _end(self, state: ExaminationState) -> None:
        if self._state is ExaminationState.RUNNING:
            self._state, self._ended = state, self._loop.time()
            self._verdict = verdict_of(self._report())

    def _limit(self, course: _Course) -> float:
        """Seconds that it may run, from its begin."""
        return max(0.0, min(course.inquiry.limit, self._began + course.inquiry.by - course.began))

    def _left(self, course: _Course, now: float) -> float:
        match course.stage:
            case Stage.DONE:
                return 0.0
            case Stage.RUNNING:
                return max(0.0, course.began + self._limit(course) - now)
            case Stage.WAITING:
                before = self._courses.get(course.inquiry.after) if course.inquiry.after is not None else None
                waits = self._left(before, now) if before is not None else 0.0
                return max(0.0, min(waits + course.inquiry.limit, self._began + course.inquiry.by - now))

    def _progress(self, course: _Course, now: float) -> CheckProgress:
        result = course.result
        return CheckProgress(
            str(course.inquiry.check),
            course.stage,
            outcome=str(result.outcome) if result is not None else "",
            detail=result.detail if result is not None else course.note,
            left_s=round(self._left(course, now), 3) if course.stage is Stage.RUNNING else None,
        )


class Diagnoses:
    """Those of one agent, one at a time. `plan` gives the inquiries; ValueError from it names what is asked wrongly."""

    def __init__(
        self, plan: Callable[[bool, tuple[str, ...]], Sequence[Inquiry]], report: Callable[[], Report]
    ) -> None:
        self._plan = plan
        self._report = report
        self._current: Diagnosis | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, *, quick: bool, only: tuple[str, ...] = ()) -> Examination | None:
        """None: one is running."""
        if self._task is not None and not self._task.done():
            return None
        self._current = Diagnosis(self._plan(quick, only), self._report, quick=quick)
        self._task = asyncio.get_running_loop().create_task(self._current.run())
        return self._current.progress()

    def progress(self) -> Examination:
        return self._current.progress() if self._current is not None else NOT_BEGUN

    def stop(self) -> Examination:
        """What is known stands."""
        if self._task is not None and self._current is not None and not self._task.done():
            self._current.stop()
        return self.progress()

    def close(self) -> None:
        self.stop()
        if self._task is not None:
            self._task.cancel()
