"""What the service manager asks for, and that it is left alone where there is none."""

from __future__ import annotations

import os

import pytest

from tonekeeper.edge import service


@pytest.fixture(autouse=True)
def no_service_manager(monkeypatch):
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("address", [None, "", "relative", "vsock:2:1234"])
def test_without_a_service_manager_no_socket_is_opened(monkeypatch, address):
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setattr(service.socket, "socket", lambda *_: pytest.fail("a socket was opened"))
    service.tell_ready()
    service.tell_alive()
    service.tell_stopping()


def test_the_watchdog_says_how_long_it_waits(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    assert service.watchdog_seconds() == 10.0
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert service.watchdog_seconds() == 10.0


def test_a_watchdog_for_another_process_is_not_ours(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert service.watchdog_seconds() is None


@pytest.mark.parametrize("value", ["", "0", "-1", "soon", "1.5"])
def test_a_watchdog_that_says_no_time_does_not_watch(monkeypatch, value):
    monkeypatch.setenv("WATCHDOG_USEC", value)
    assert service.watchdog_seconds() is None
