"""A terminal window in a namespace: a command in it, and what a person before it sees and types."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import termios
import time
from types import TracebackType

from tests.lab.namespace import LabError, Namespace
from tests.unit.faces.watch.seen import Glass
from tonekeeper.faces.watch.difference import LEAVE


class Window:
    """`tonekeeper` with `arguments`, in a terminal of its own. Whatever happens, nothing of it outlives the `with`."""

    def __init__(
        self, namespace: Namespace, *arguments: str, columns: int = 80, rows: int = 24, **environment: str
    ) -> None:
        self._end, self._tty = os.openpty()
        termios.tcsetwinsize(self._tty, (rows, columns))
        self.modes = termios.tcgetattr(self._tty)
        self.glass = Glass(columns, rows)
        self.received = b""
        self._got = 0
        environment = {**os.environ, "TERM": "xterm", "PYTHONUTF8": "1", **environment}
        command = ["setsid", "--ctty", sys.executable, "-m", "tonekeeper", *arguments]
        self._popen = namespace.inside(
            lambda: subprocess.Popen(command, stdin=self._tty, stdout=self._tty, stderr=self._tty, env=environment)
        )

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._popen.kill()
        self._popen.wait(5.0)
        os.close(self._end)
        os.close(self._tty)

    def sees(self, words: str, within: float = 15.0) -> None:
        """Waits until `words` are on the screen; LabError with the screen when they do not come."""
        deadline = time.monotonic() + within
        while words not in self.glass.text:
            if not self._receive(deadline - time.monotonic()):
                raise LabError(f"{words!r} did not appear within {within:g} s:\n{self.glass.text}")

    def gets(self, written: bytes, within: float = 15.0) -> None:
        """Waits until `written` has come, since it was waited for last."""
        deadline = time.monotonic() + within
        while (found := self.received.find(written, self._got)) < 0:
            if not self._receive(deadline - time.monotonic()):
                raise LabError(f"{written!r} did not come within {within:g} s:\n{self.received[self._got :]!r}")
        self._got = found + len(written)

    def types(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def resizes(self, columns: int, rows: int) -> None:
        """As a window manager does: whoever runs in it is told by a signal."""
        self.glass.resize(columns, rows)
        termios.tcsetwinsize(self._end, (rows, columns))

    def costs(self, seconds: float) -> int:
        """Bytes that come in the next `seconds`."""
        before, deadline = len(self.received), time.monotonic() + seconds
        while self._receive(deadline - time.monotonic()):
            pass
        return len(self.received) - before

    def signals(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def ends(self, within: float = 5.0) -> int:
        """The exit code, when it has ended and all that it wrote was read."""
        code = self._popen.wait(within)
        while self._receive(0.0):
            pass
        return code

    @property
    def is_as_it_was(self) -> bool:
        """Modes, main screen and cursor."""
        return termios.tcgetattr(self._tty) == self.modes and self.received.endswith(LEAVE.encode())

    def _receive(self, within: float) -> bool:
        """Takes what has come, or comes; False: nothing did."""
        readable, _, _ = select.select([self._end], [], [], max(within, 0.0))
        if not readable:
            return False
        received = os.read(self._end, 65536)
        self.received += received
        self.glass.feed(received)
        return True
