"""The driver of a machine with one job, with a NAT measurement that follows a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tonekeeper.core.nat.messages import (
    Action,
    CloseSocket,
    Command,
    DeadlineReached,
    Event,
    Finished,
    OpenSocket,
    SocketOpened,
    WanChanged,
)
from tonekeeper.core.nat.result import Lifetimes, NatResult, SipAlg
from tonekeeper.drivers.measure import MOST_AT_ONCE, MeasureDriver
from tonekeeper.wire.endpoint import Endpoint

RESULT = NatResult("eth0", "", "", "", "", Lifetimes(), SipAlg.NO, 0.0)
HERE = Endpoint("192.0.2.10", 40000)


class Script:
    """`answers`: what to say to each event, in turn. Due at once, until it has nothing more to say."""

    def __init__(self, *answers: list[Command] | Exception) -> None:
        self._answers: Iterator[list[Command] | Exception] = iter(answers)
        self._left = len(answers)
        self.told: list[Event] = []
        self.depth = 0

    def next_deadline(self) -> float | None:
        return 0.0 if self._left else None

    def handle(self, event: Event, now: float) -> list[Command]:
        self.depth += 1
        assert self.depth == 1, "it was entered twice"
        self.told.append(event)
        self._left -= 1
        answer = next(self._answers)
        self.depth -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer


def drive(script: Script, execute: Callable[[MeasureDriver, Action], None] = lambda driver, action: None) -> NatResult:
    async def scenario() -> NatResult:
        driver = MeasureDriver(script, token=lambda: "0" * 32, execute=lambda action: execute(driver, action))
        async with asyncio.timeout(5.0):
            return await driver.run()

    return asyncio.run(scenario())


def test_the_result_is_that_of_finished():
    script = Script([Finished(RESULT)])

    assert drive(script) is RESULT
    assert script.told == [DeadlineReached("0" * 32)]


def test_the_outcome_of_a_command_waits_until_the_measurement_can_hear_it():
    script = Script([OpenSocket(1), OpenSocket(2)], [], [Finished(RESULT)])

    def open_at_once(driver: MeasureDriver, action: Action) -> None:
        assert isinstance(action, OpenSocket)
        driver.feed(SocketOpened(action.socket, HERE))

    assert drive(script, open_at_once) is RESULT
    assert script.told == [DeadlineReached("0" * 32), SocketOpened(1, HERE), SocketOpened(2, HERE)]


def test_commands_are_carried_out_in_their_order_and_none_after_the_end():
    done: list[Action] = []
    script = Script([OpenSocket(1), CloseSocket(1), Finished(RESULT), OpenSocket(2)])

    drive(script, lambda driver, action: done.append(action))

    assert done == [OpenSocket(1), CloseSocket(1)]


def test_more_deadlines_than_are_served_in_one_go_are_served_all_the_same():
    script = Script(*[[]] * (MOST_AT_ONCE * 2), [Finished(RESULT)])

    assert drive(script) is RESULT
    assert len(script.told) == MOST_AT_ONCE * 2 + 1


def test_what_the_measurement_raises_ends_it():
    with pytest.raises(ZeroDivisionError):
        drive(Script(ZeroDivisionError()))


def test_what_an_adapter_raises_ends_it():
    def fail(driver: MeasureDriver, action: Action) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(Script([OpenSocket(1)], []), fail)


def test_nothing_is_handed_over_after_the_end():
    script = Script([OpenSocket(1), Finished(RESULT)])

    def late(driver: MeasureDriver, action: Action) -> None:
        asyncio.get_running_loop().call_soon(driver.feed, WanChanged("too late"))

    drive(script, late)

    assert script.told == [DeadlineReached("0" * 32)]
