"""The daemon's looks beside the paths, with what is looked at made up."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.core.talk import Talk

from tonekeeper.app.check_background import BackgroundChecks
from tonekeeper.core.beside import timetable
from tonekeeper.core.beside.timetable import PACES, Pace
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.events import Checked


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Everything is due at the start, and then not for an hour."""
    monkeypatch.setattr(timetable, "PACES", {check: Pace(0.0, 3600.0, 3600.0, 0.0) for check in PACES})


def looked(look, talk: Talk | None = None, times: int = len(PACES)) -> list[CheckResult]:
    """What is told to the agent once `look` was asked so many times."""
    talk = talk or Talk()
    told: list[CheckResult] = []

    async def run() -> None:
        enough, asked = asyncio.Event(), 0

        async def counted(check, site, known):
            nonlocal asked
            asked += 1
            if asked == times:
                asyncio.get_running_loop().call_soon(enough.set)
            return await look(check)

        def hear(event) -> None:
            told.append(event.result)
            talk.tell(event)

        background = BackgroundChecks(hear, lambda: talk.agent.situation, 7, counted)
        await enough.wait()
        background.close()

    asyncio.run(run())
    return told


async def fine(check: Check) -> CheckResult:
    return CheckResult(check, Outcome.OK, "as it should be")


def test_every_check_is_told_once():
    assert {result.check for result in looked(fine)} == set(PACES)


def test_what_is_as_it_was_is_not_told_again():
    talk = Talk()
    looked(fine, talk)
    assert looked(fine, talk) == []


def test_what_somebody_else_found_meanwhile_is_put_right():
    talk = Talk()
    looked(fine, talk)
    talk.tell(Checked(CheckResult(Check.CLOCK, Outcome.PROBLEM, "found by a diagnosis")))
    assert looked(fine, talk) == [CheckResult(Check.CLOCK, Outcome.OK, "as it should be")]


def test_a_check_that_fails_by_a_bug_is_not_checked_and_the_others_go_on():
    async def look(check: Check) -> CheckResult:
        if check is Check.PORTAL:
            raise ZeroDivisionError("division by zero")
        return await fine(check)

    told = {result.check: result for result in looked(look)}
    assert told[Check.PORTAL].outcome is Outcome.NOT_CHECKED
    assert "ZeroDivisionError" in told[Check.PORTAL].detail
    assert {check for check, result in told.items() if result.outcome is Outcome.OK} == set(PACES) - {Check.PORTAL}
