"""The service manager is told the truth: ready, alive while probes run, stopping."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.lab.agent import Agent

pytestmark = pytest.mark.lab

WATCHDOG = 2.0
"""Seconds that this service manager would wait."""
BUSY, DEAF = "signal.pause()", "live.LiveDriver._arm = lambda driver: None"
"""What SIGUSR1 makes of the agent: a loop that turns no more, and a driver that arms its timer no more."""


class ServiceManager:
    """The socket at which it hears of its service."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def heard(self, word: bytes, within: float) -> bool:
        """Whether it hears `word` in time; what it hears before is dropped."""
        end = time.monotonic() + within
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                if self._socket.recv(256) == word:
                    return True
            except TimeoutError:
                break
        return False

    def forget(self) -> None:
        """What was said by now."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(256)
        except BlockingIOError:
            return

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceManager]:
    path = tmp_path / "notify"
    with closing(ServiceManager(path)) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG * 1e6)))
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield manager


def test_the_service_manager_hears_ready_then_alive_again_and_again_then_stopping(
    manager: ServiceManager, make_agent: Callable[..., Agent]
):
    agent = make_agent()
    agent.launch()
    assert manager.heard(b"READY=1", within=15)
    for _ in range(3):
        assert manager.heard(b"WATCHDOG=1", within=WATCHDOG)
    agent.process.signal(signal.SIGTERM)
    assert manager.heard(b"STOPPING=1", within=5)


@pytest.mark.parametrize("fault", [BUSY, DEAF])
def test_an_agent_that_probes_no_more_stops_feeding_the_watchdog(
    manager: ServiceManager, make_agent: Callable[..., Agent], fault: str
):
    agent = make_agent()
    become = f"def become(*_):\n    {fault}\nsignal.signal(signal.SIGUSR1, become)"
    agent.launch(prelude=f"import signal\nfrom tonekeeper.drivers import live\n{become}")
    agent.wait_ready()
    assert manager.heard(b"WATCHDOG=1", within=WATCHDOG * 2)
    agent.process.signal(signal.SIGUSR1)
    time.sleep(8.0)  # patience with a busy router, and one cadence
    manager.forget()
    assert not manager.heard(b"WATCHDOG=1", within=WATCHDOG * 2)
    assert agent.process.running


def test_a_site_whose_sbcs_are_all_silent_is_no_reason_to_start_the_agent_anew(
    manager: ServiceManager, make_agent: Callable[..., Agent]
):
    agent = make_agent(sbc=[{"name": "nobody", "uri": "sip:203.0.113.77:5060;transport=udp"}])
    agent.launch()
    assert manager.heard(b"READY=1", within=15)
    time.sleep(8.0)
    manager.forget()
    for _ in range(2):
        assert manager.heard(b"WATCHDOG=1", within=WATCHDOG)


def test_an_agent_that_crashes_again_and_again_observes_says_so_and_settles(make_steerer: Callable[..., Agent]):
    agent = make_steerer()
    fail = "def fail(*_):\n    raise KeyError('fibre')\ndef become(*_):\n    core.Agent.handle = fail"
    become = f"import signal\nfrom tonekeeper.core import agent as core\n{fail}\nsignal.signal(signal.SIGUSR1, become)"
    agent.start()
    agent.crash()
    agent.start()
    agent.crash()
    agent.launch(prelude=become)
    agent.wait_ready()
    assert not agent.status().has("crash-loop")
    agent.process.signal(signal.SIGUSR1)
    assert agent.process.wait(10.0) != 0
    agent.launch(prelude="from tonekeeper.app import crash_loop; crash_loop.QUIET = 4.0")
    agent.wait_served()
    careful = agent.wait_for(lambda now: now.has("crash-loop"), within=5)
    (finding,) = (one for one in careful["findings"] if one["code"] == "crash-loop")
    assert "3 times within 10 minutes; the last time with KeyError: 'fibre'" in finding["summary"]
    assert careful["agent"]["mode"] == "observe"
    settled = agent.wait_for(lambda now: not now.has("crash-loop"), within=15)
    assert settled["agent"]["mode"] == "steer"
    agent.wait_for(lambda now: now.active == ("fibre", "primary"), within=15)
    assert agent.stop() == 0
