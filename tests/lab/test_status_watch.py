"""`status --watch` in a terminal, before the daemon and incidents on real lines."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.topology import Lab
from tests.lab.window import Window
from tonekeeper.faces.watch.difference import ENTER, LEAVE

pytestmark = pytest.mark.lab

ALL_WORKS = "OK  Every path works: calls go over fibre to primary."


@pytest.fixture
def open_window(lab: Lab, agent: Agent) -> Iterator[Callable[..., Window]]:
    with contextlib.ExitStack() as windows:

        def open_one(**settings: object) -> Window:
            arguments = ("status", "--watch", "--interval", "0.5")
            return windows.enter_context(Window(lab.cpe.namespace, *arguments, **settings))

        yield open_one


def test_a_dead_sbc_is_seen_looked_into_and_seen_to_return(lab: Lab, open_window: Callable[..., Window]):
    window = open_window()
    window.sees(ALL_WORKS)
    with lab.silence(lab.sbc("primary")):
        window.sees("PROBLEM  SBC primary does not answer")
        window.sees("* alternate")
        window.types(b"d")
        window.sees("What to do")
        window.types(b"d")
        window.sees("* alternate")
    window.sees("primary: down", within=20)
    window.sees(ALL_WORKS, within=30)
    window.types(b"q")
    assert window.ends() == 0
    assert window.is_as_it_was


def test_a_quiet_screen_costs_next_to_nothing(open_window: Callable[..., Window]):
    """rich would write two thousand bytes for each of these eight looks."""
    window = open_window()
    window.sees(ALL_WORKS)
    window.costs(1.0)
    assert window.costs(4.0) < 8 * 100


def test_an_agent_that_ends_is_missed_and_found_again(agent: Agent, open_window: Callable[..., Window]):
    window = open_window()
    window.sees(ALL_WORKS)
    agent.stop()
    window.sees("NO ANSWER  What stands here is of")
    window.sees("no answer since 3 s")
    agent.start()
    window.sees(ALL_WORKS)
    assert "no answer" not in window.glass.text
    window.types(b"\x03")
    assert window.ends() == 0
    assert window.is_as_it_was


def test_who_quits_while_the_agent_is_away_ends_with_3(agent: Agent, open_window: Callable[..., Window]):
    agent.stop()
    window = open_window()
    window.sees("cannot reach the agent at http://127.0.0.1:8642")
    window.types(b"q")
    assert window.ends() == 3
    assert window.is_as_it_was


def test_a_window_that_changes_its_size_is_filled_anew(open_window: Callable[..., Window]):
    window = open_window()
    window.sees("d evidence and remedy")
    window.resizes(60, 15)
    window.sees("d evidence and re… every 0.5 s")
    window.resizes(40, 10)
    window.sees("This screen is 40x10")
    window.resizes(132, 43)
    window.sees(" every 0.5 s\n")
    assert ALL_WORKS in window.glass.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_clean_terminal(number: signal.Signals, open_window: Callable[..., Window]):
    window = open_window()
    window.sees(ALL_WORKS)
    window.signals(number)
    assert window.ends() == 0
    assert window.is_as_it_was


def test_ctrl_z_lends_the_terminal_to_the_shell(open_window: Callable[..., Window]):
    """Nobody stops a process without a shell, so that it comes back at once."""
    window = open_window()
    window.gets(ENTER.encode())
    window.sees(ALL_WORKS)
    window.signals(signal.SIGTSTP)
    window.gets(LEAVE.encode())
    window.gets(ENTER.encode())
    window.sees(ALL_WORKS)
    window.types(b"q")
    assert window.ends() == 0
    assert window.is_as_it_was


def test_without_colour_and_without_utf_8_it_says_the_same(open_window: Callable[..., Window]):
    window = open_window(NO_COLOR="1", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    window.sees(ALL_WORKS)
    window.types(b"q")
    assert window.ends() == 0
    assert window.received.isascii()
    assert b"\x1b[0;1" not in window.received
    assert window.is_as_it_was


def test_a_terminal_that_can_only_print_gets_a_line_for_each_change(lab: Lab, open_window: Callable[..., Window]):
    window = open_window(TERM="dumb", columns=200)
    window.sees(ALL_WORKS)
    with lab.silence(lab.sbc("primary")):
        window.sees("sbc primary: healthy -> down")
        window.sees("PROBLEM  SBC primary does not answer")
    window.types(b"\x03")
    window.ends()
    assert b"\x1b" not in window.received
