"""Daemons in quick succession: a process that has everything imported forks one whenever it is told to.

What runs is the whole daemon; only the interpreter's half second of start is saved. The nursery is the parent: it alone
ends its daemons and reaps them, and they die with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import socket
import sys
import time
from pathlib import Path

from tests.lab.agent import END, Agent
from tests.lab.namespace import LabError, Process, until
from tonekeeper.app.daemon import run_daemon
from tonekeeper.edge.recent_starts import NAME as STARTS

_PR_SET_PDEATHSIG = 1
_STARTED = " listening "
"""In the log of a daemon that has reconciled the kernel and takes signals."""


class Nursery:
    """At most one daemon at a time, each with the configuration of `agent`; closed by `with`."""

    def __init__(self, agent: Agent) -> None:
        self._config = agent.config
        self._log = agent.config.with_suffix(".nursery")
        self._where = agent.config.with_suffix(".socket")
        self._starts = agent.state_dir / STARTS
        self._namespace = agent.namespace

    def __enter__(self) -> Nursery:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._where))
            listener.listen()
            listener.settimeout(10.0)
            command = (sys.executable, "-m", "tests.lab.nursery", self._where, self._config, self._log)
            self._process: Process = self._namespace.popen(*map(str, command), log=self._log.name)
            self._line, _ = listener.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._process.kill()
        self._where.unlink()

    def start(self) -> None:
        """Fork a daemon, and go on at once."""
        self._ask("start")

    def wait_started(self) -> None:
        """Until it has reconciled the kernel and takes signals."""
        until(lambda: _STARTED in self.output, within=10.0, what=f"no daemon starts\n{self.output}", every=0.005)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone. It is no crash to those who start after it."""
        self._ask("kill")
        self._starts.unlink(missing_ok=True)

    def stop(self) -> None:
        """SIGTERM; returns when it is gone, LabError unless it ends well."""
        status = self._ask("stop")
        if status != "0":
            raise LabError(f"the daemon ended with {status}:\n{self.output}")

    @property
    def output(self) -> str:
        """What the latest daemon wrote so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _ask(self, order: str) -> str:
        self._line.settimeout(10.0)
        self._line.sendall(order.encode())
        return self._line.recv(64).decode()


def _keep(line: socket.socket, config: Path, log: Path) -> None:
    """Carry out one order after the other; the answer is the exit status of a daemon that was to end."""
    importlib.import_module("tonekeeper.edge.netlink")  # the daemon does so at its start
    daemon = 0
    while order := line.recv(64).decode():
        status = 0
        match order:
            case "start":
                log.write_text("")
                daemon = os.fork()
                if daemon == 0:
                    line.close()
                    _become(log)
                    os._exit(run_daemon(config))
            case "kill":
                os.kill(daemon, signal.SIGKILL)
                os.waitpid(daemon, 0)
            case "stop":
                os.kill(daemon, signal.SIGTERM)
                status = _reap(daemon)
        line.sendall(str(status).encode())


def _become(log: Path) -> None:
    """A process of its own, that ends when its parent does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with log.open("ab") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)


def _reap(daemon: int) -> int:
    deadline = time.monotonic() + END
    while time.monotonic() < deadline:
        ended, status = os.waitpid(daemon, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(daemon, signal.SIGKILL)
    os.waitpid(daemon, 0)
    return -signal.SIGTERM


if __name__ == "__main__":
    where, *files = map(Path, sys.argv[1:])
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.connect(str(where))
        _keep(connection, *files)
