"""Single keys from the terminal, while a command is at work; nothing where standard input is none."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Keyboard:
    """A context inside the running loop: `pressed` gets each key. The terminal is left as it was found."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed
        self._loop = asyncio.get_running_loop()
        self._fd = -1
        self._before: list[Any] = []

    def __enter__(self) -> Keyboard:
        if sys.stdin is None or not sys.stdin.isatty():
            return self
        self._fd = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)
        self._loop.add_reader(self._fd, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd < 0:
            return
        self._loop.remove_reader(self._fd)
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def _read(self) -> None:
        keys = os.read(self._fd, 64)
        if not keys:  # the terminal is gone
            self._loop.remove_reader(self._fd)
        for key in keys.decode("ascii", "replace"):
            self._pressed(key)
