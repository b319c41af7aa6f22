"""The session in a terminal that the kernel provides, with a person at its other end who reads and types."""

from __future__ import annotations

import asyncio
import os
import termios
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.unit.faces import reports
from tests.unit.faces.watch.seen import UTF8, Glass
from tonekeeper.core.report import Report
from tonekeeper.errors import AgentUnreachableError
from tonekeeper.faces.watch.full_screen import FullScreen
from tonekeeper.faces.watch.session import Session
from tonekeeper.faces.watch.sight import Sight

LONG_S = 30.0
"""No test takes as long, unless it fails."""
AWAY = AgentUnreachableError("cannot reach the agent at http://192.0.2.1: Connection refused")


class Agent:
    """Answers with what it is told to; `answering` holds an answer back."""

    def __init__(self, answer: Report | Exception) -> None:
        self.answer = answer
        self.asked = 0
        self.answering = threading.Event()
        self.answering.set()

    def __call__(self) -> Report:
        self.asked += 1
        self.answering.wait(LONG_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Person:
    """Sits before a terminal of 80 by 24 that a session runs in, and reads what it shows."""

    def __init__(self, agent: Agent, now: Callable[[], float]) -> None:
        self.agent = agent
        self.end, self.tty = os.openpty()
        termios.tcsetwinsize(self.tty, (24, 80))
        self.modes = termios.tcgetattr(self.tty)
        self.glass = Glass(80, 24)
        self.received = b""
        self.screen = FullScreen(self.tty, self.tty, UTF8, colour=True, environment={})
        self.session = Session(agent, self.screen, Sight("http://192.0.2.1:8642", 0.01, 0), now)
        self._news = asyncio.Event()

    def look(self) -> None:
        asyncio.get_running_loop().add_reader(self.end, self._receive)

    def look_away(self) -> None:
        asyncio.get_running_loop().remove_reader(self.end)

    def types(self, keys: bytes) -> None:
        os.write(self.end, keys)

    def resizes(self, columns: int, rows: int) -> None:
        termios.tcsetwinsize(self.tty, (rows, columns))
        self.glass.resize(columns, rows)
        self.session.redraw_all()

    async def sees(self, words: str) -> None:
        while words not in self.glass.text:
            self._news.clear()
            await self._news.wait()

    async def no_longer_sees(self, words: str) -> None:
        while words in self.glass.text:
            self._news.clear()
            await self._news.wait()

    def _receive(self) -> None:
        try:
            received = os.read(self.end, 4096)
        except OSError:  # the other end was closed
            return self.look_away()
        self.received += received
        self.glass.feed(received)
        self._news.set()
        return None

    def close(self) -> None:
        """After the session: reads what it left."""
        self.modes_after = termios.tcgetattr(self.tty) if self.end >= 0 else None
        os.close(self.tty)
        self.tty = -1
        before = -1
        while self.end >= 0 and len(self.received) > before:
            before = len(self.received)
            self._receive()
        self.leave()

    def leave(self) -> None:
        """Closes the window."""
        if self.end >= 0:
            self.look_away()
            os.close(self.end)
            self.end = -1


Script = Callable[[Person], Awaitable[None]]


def watch(
    script: Script, answer: Report | Exception, now: Callable[[], float] = time.monotonic
) -> tuple[Sight, Person]:
    """Plays `script` until the session ends; what was seen last, and the person."""

    async def play() -> tuple[Sight, Person]:
        person = Person(Agent(answer), now)
        person.look()
        async with asyncio.timeout(LONG_S):
            running = asyncio.create_task(person.session.run())
            try:
                await script(person)
                return await running, person
            finally:
                person.agent.answering.set()
                running.cancel()
                person.close()

    return asyncio.run(play())


def test_q_ends_it_and_the_terminal_is_as_it_was():
    async def script(person: Person) -> None:
        await person.sees("OK  Every path works")
        person.types(b"q")

    seen, person = watch(script, reports.healthy())

    assert seen.report == reports.healthy()
    assert person.received.startswith(b"\x1b[?1049h")
    assert person.received.endswith(b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l")
    assert person.modes_after == person.modes


def test_an_incident_is_shown_and_so_is_its_end():
    async def script(person: Person) -> None:
        await person.sees("OK  Every path works")
        person.agent.answer = reports.failed_over()
        await person.sees("PROBLEM  SBC primary does not answer")
        person.agent.answer = reports.healthy()
        await person.sees("OK  Every path works")
        person.types(b"q")

    watch(script, reports.healthy())


def test_an_agent_that_goes_away_is_missed_and_welcomed_back():
    now = [100.0]

    async def script(person: Person) -> None:
        await person.sees("OK  Every path works")
        person.agent.answer = AWAY
        await person.sees("NO ANSWER  What stands here is of")
        now[0] += 12.0
        await person.sees("no answer since 12 s")
        person.agent.answer = reports.healthy()
        await person.sees("OK  Every path works")
        await person.no_longer_sees("no answer")
        person.types(b"q")

    seen, _ = watch(script, reports.healthy(), lambda: now[0])
    assert seen.silent_s is None


def test_an_agent_that_keeps_its_caller_waiting_is_missed_before_the_call_fails():
    now = [100.0]

    async def script(person: Person) -> None:
        await person.sees("OK  Every path works")
        person.agent.answering.clear()
        now[0] += 6.0
        await person.sees("no answer since 6 s")
        person.types(b"q")

    seen, _ = watch(script, reports.healthy(), lambda: now[0])
    assert seen.silent_s == 6.0


def test_an_agent_that_was_never_there_is_asked_until_it_is():
    async def script(person: Person) -> None:
        await person.sees("cannot reach the agent at http://192.0.2.1")
        person.agent.answer = reports.healthy()
        await person.sees("OK  Every path works")
        person.types(b"q")

    watch(script, AWAY)


def test_while_paused_the_screen_stands_still():
    async def script(person: Person) -> None:
        await person.sees("OK  Every path works")
        person.types(b"p")
        await person.sees("paused")
        person.agent.answer = reports.failed_over()
        person.resizes(80, 20)
        await person.sees("p go on")
        assert "PROBLEM" not in person.glass.text
        person.types(b"p")
        await person.sees("PROBLEM")
        person.types(b"q")

    watch(script, reports.healthy())


def test_keys_open_a_finding_and_close_it():
    async def script(person: Person) -> None:
        await person.sees("PROBLEM")
        person.types(b"d")
        await person.sees("What to do")
        person.types(b"d")
        await person.sees("* alternate")
        person.types(b"q")

    watch(script, reports.failed_over())


def test_another_size_has_another_screen():
    async def script(person: Person) -> None:
        await person.sees("PROBLEM")
        person.resizes(60, 15)
        await person.sees("d evidence and")
        person.resizes(50, 10)
        await person.sees("This screen is 50x10; watching takes")
        person.resizes(80, 24)
        await person.sees("* alternate healthy *up")
        person.types(b"q")

    watch(script, reports.failed_over())


def test_ctrl_l_writes_everything_again():
    async def script(person: Person) -> None:
        await person.sees("PROBLEM")
        person.glass.feed(b"\x1b[1;1Hnoise on the line")
        person.types(b"\x0c")
        await person.sees("site-0042  router")
        person.types(b"q")

    watch(script, reports.failed_over())


def test_a_terminal_that_is_closed_ends_it():
    async def script(person: Person) -> None:
        await person.sees("OK  Every path works")
        person.leave()

    seen, _ = watch(script, reports.healthy())
    assert seen.report == reports.healthy()


def test_nobody_reads_and_keys_are_obeyed_all_the_same():
    """The line takes a few thousand bytes and then no more; what is shown afterwards is the latest, not the oldest."""

    async def script(person: Person) -> None:
        await person.sees("OK  Every path works")
        person.look_away()
        while not person.screen.is_busy:
            person.session.redraw_all()
        written = person.screen.written
        person.agent.answer = reports.offline()
        asked = person.agent.asked
        while person.agent.asked < asked + 3:
            await asyncio.sleep(0)
        assert person.screen.written == written
        person.look()
        await person.sees("PROBLEM  No SBC answers over any WAN")
        person.look_away()
        while not person.screen.is_busy:
            person.session.redraw_all()
        person.types(b"q")

    _, person = watch(script, reports.healthy())
    assert person.modes_after == person.modes


def test_while_it_sleeps_the_terminal_is_the_shells():
    modes = []

    async def script(person: Person) -> None:
        await person.sees("OK  Every path works")
        person.session.hand_back_while(lambda: modes.append(termios.tcgetattr(person.tty)))
        assert modes == [person.modes]
        person.agent.answer = reports.failed_over()
        await person.sees("PROBLEM")
        person.types(b"q")

    _, person = watch(script, reports.healthy())
    assert person.received.count(b"\x1b[?1049h") == 2


def test_a_bug_is_not_hidden_and_leaves_a_clean_terminal():
    async def script(person: Person) -> None:
        await person.sees("asking")

    with pytest.raises(ZeroDivisionError):
        watch(script, ZeroDivisionError())


def test_a_terminal_that_does_not_know_its_size_is_what_the_environment_says_or_80_by_24():
    end, tty = os.openpty()
    try:
        said = FullScreen(tty, None, UTF8, colour=False, environment={"COLUMNS": "100", "LINES": "30"})
        unsaid = FullScreen(tty, None, UTF8, colour=False, environment={"COLUMNS": "-1"})

        assert (said.size.columns, said.size.rows) == (100, 30)
        assert (unsaid.size.columns, unsaid.size.rows) == (80, 24)
    finally:
        os.close(end)
        os.close(tty)
