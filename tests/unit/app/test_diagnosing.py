"""A diagnosis: every check ends with a result, whatever becomes of it, and who stops it keeps what is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.unit.faces import reports

from tonekeeper.app.diagnosing import Ask, Diagnoses, Diagnosis, Inquiry, Note
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.examination import ExaminationState, Stage

FINE = CheckResult(Check.DNS, Outcome.OK, "2 names resolved")


def answering(result: CheckResult) -> Ask:
    async def ask(note: Note) -> CheckResult:
        return result

    return ask


def waiting(until: asyncio.Event, check: Check) -> Ask:
    async def ask(note: Note) -> CheckResult:
        note("the other side")
        await until.wait()
        return CheckResult(check, Outcome.OK, "it came")

    return ask


async def failing(note: Note) -> CheckResult:
    raise LookupError("no such thing")


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(body())  # type: ignore[arg-type]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_what_fails_by_a_bug_is_not_checked_and_the_rest_is():
    async def body() -> None:
        diagnosis = Diagnosis(
            (Inquiry(Check.DNS, 5.0, answering(FINE)), Inquiry(Check.CLOCK, 5.0, failing)), reports.healthy
        )
        await diagnosis.run()
        fine, failed = diagnosis.results()
        assert fine == FINE
        assert (failed.outcome, failed.detail) == (
            Outcome.NOT_CHECKED,
            "cannot check: LookupError: no such thing",
        )
        assert diagnosis.progress().state is ExaminationState.DONE
        assert diagnosis.progress().verdict.startswith("Every path works")

    run(body)


def test_a_check_that_comes_to_no_end_is_given_up_at_its_limit():
    async def body() -> None:
        diagnosis = Diagnosis((Inquiry(Check.NAT, 0.0, waiting(asyncio.Event(), Check.NAT)),), reports.healthy)
        await diagnosis.run()
        assert diagnosis.results() == (CheckResult(Check.NAT, Outcome.NOT_CHECKED, "nothing was known within 0 s"),)

    run(body)


def test_one_that_follows_another_waits_for_it_and_says_so():
    async def body() -> None:
        first = asyncio.Event()
        diagnosis = Diagnosis(
            (
                Inquiry(Check.NAT, 60.0, waiting(first, Check.NAT)),
                Inquiry(Check.DOUBLE_NAT, 5.0, answering(FINE), after=Check.NAT),
            ),
            reports.healthy,
        )
        work = asyncio.create_task(diagnosis.run())
        await turns()
        running, later = diagnosis.progress().checks
        assert (running.stage, running.detail, later.stage) == (Stage.RUNNING, "the other side", Stage.WAITING)
        assert 60.0 < (diagnosis.progress().left_s or 0.0) <= 65.0
        first.set()
        await work
        assert [one.outcome for one in diagnosis.progress().checks] == ["ok", "ok"]

    run(body)


def test_who_stops_it_keeps_what_is_known():
    async def body() -> None:
        diagnoses = Diagnoses(
            lambda quick, only: (
                Inquiry(Check.DNS, 5.0, answering(FINE)),
                Inquiry(Check.NAT, 500.0, waiting(asyncio.Event(), Check.NAT)),
            ),
            reports.healthy,
        )
        assert diagnoses.progress().state is ExaminationState.NEVER
        assert diagnoses.begin(quick=False) is not None
        await turns()
        assert diagnoses.begin(quick=False) is None, "one is running"
        stopped = diagnoses.stop()
        assert stopped.state is ExaminationState.STOPPED
        assert [(one.outcome, one.detail) for one in stopped.checks] == [
            ("ok", "2 names resolved"),
            ("not checked", "the diagnosis was stopped before"),
        ]
        await turns()
        assert diagnoses.begin(quick=True) is not None
        diagnoses.close()

    run(body)


def test_a_check_that_is_skipped_does_not_hold_up_what_follows_it():
    async def body() -> None:
        diagnosis = Diagnosis(
            (
                Inquiry(Check.NAT, 500.0, waiting(asyncio.Event(), Check.NAT)),
                Inquiry(Check.DOUBLE_NAT, 5.0, answering(FINE), after=Check.NAT),
            ),
            reports.healthy,
        )
        work = asyncio.create_task(diagnosis.run())
        await turns()
        diagnosis.skip(Check.NAT)
        await work
        assert [one.outcome for one in diagnosis.progress().checks] == ["not checked", "ok"]

    run(body)


def test_one_that_began_late_ends_with_the_others():
    async def body() -> None:
        first = asyncio.Event()
        diagnosis = Diagnosis(
            (
                Inquiry(Check.SBCS, 60.0, waiting(first, Check.SBCS), by=60.0),
                Inquiry(Check.CLOCK, 60.0, waiting(asyncio.Event(), Check.CLOCK), after=Check.SBCS, by=60.0),
            ),
            reports.healthy,
        )
        work = asyncio.create_task(diagnosis.run())
        await turns()
        assert (diagnosis.progress().left_s or 0.0) <= 60.0
        first.set()
        await turns()
        assert all((one.left_s or 0.0) <= 60.0 for one in diagnosis.progress().checks)
        diagnosis.stop()
        await work

    run(body)
