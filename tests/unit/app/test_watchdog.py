"""The watchdog is fed while timers are served."""

from __future__ import annotations

import io
import math

import pytest

from tonekeeper.app import watchdog
from tonekeeper.app.watchdog import PATIENCE, Watchdog
from tonekeeper.faces.log import Log


@pytest.fixture
def fed(monkeypatch):
    told = []
    monkeypatch.setattr(watchdog.service, "tell_alive", lambda: told.append("alive"))
    return told


def look(out: io.StringIO, *overdue: float) -> None:
    waits = iter(overdue)
    dog = Watchdog(lambda: next(waits), Log(out, "text", "info"))
    for _ in overdue:
        dog.look()


@pytest.mark.parametrize("overdue", [0.0, PATIENCE])
def test_it_is_fed_while_the_next_timer_has_not_waited_long(fed, overdue):
    out = io.StringIO()
    look(out, overdue, overdue)
    assert (len(fed), out.getvalue()) == (2, "")


@pytest.mark.parametrize("overdue", [PATIENCE + 0.1, math.inf])
def test_it_is_not_fed_by_a_driver_that_serves_nothing_and_that_is_said_once(fed, overdue):
    out = io.StringIO()
    look(out, overdue, overdue)
    assert fed == []
    assert out.getvalue().count("not-serving") == 1


def test_it_is_fed_again_once_the_timers_are_served(fed):
    look(io.StringIO(), PATIENCE + 1, 0.0)
    assert len(fed) == 1


@pytest.mark.parametrize(("microseconds", "pause"), [("4000000", 2.0), ("", math.inf)])
def test_it_asks_to_be_looked_at_twice_as_often_as_the_service_manager_waits(monkeypatch, microseconds, pause):
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert Watchdog(lambda: 0.0, Log(io.StringIO(), "text", "info")).pause == pause
