"""The terminal while it is ours: alternate screen, keys as they are pressed, and every byte given back at the end.

It is written to through an open file of our own, so that not waiting for a slow line is no business of the shell that
shares the other one. While a frame is still on its way, no other one is begun: the latest is shown when there is room.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import termios
import tty
from collections.abc import Callable, Mapping
from typing import Any

from tonekeeper.faces.watch.cells import Charset, Frame
from tonekeeper.faces.watch.difference import ENTER, LEAVE, repaint
from tonekeeper.faces.watch.screen import Size

_READ_BYTES = 1024
_LAST_WAIT_S = 1.0
"""For a line that was stopped; then it is not told any more."""
_UNKNOWN_SIZE = Size(80, 24)
"""What a serial line has that tells nobody how large the screen at its end is."""


class FullScreen:
    """`out` is a terminal. `keys` is one as well, or None: then nothing is read."""

    def __init__(
        self, out: int, keys: int | None, charset: Charset, *, colour: bool, environment: Mapping[str, str]
    ) -> None:
        self._out = out
        self._keys = keys
        self.charset = charset
        self._colour = colour
        self._environment = environment
        self._line = -1
        self._modes: list[Any] | None = None
        self._shown: Frame | None = None
        self._pending = b""
        self._drained: Callable[[], None] = lambda: None
        self.written = 0
        """Bytes, so far."""

    @property
    def size(self) -> Size:
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(self._out)
            if columns and rows:
                return Size(columns, rows)
        columns_said, rows_said = (self._environment.get(name, "") for name in ("COLUMNS", "LINES"))
        if columns_said.isdecimal() and rows_said.isdecimal():
            return Size(int(columns_said), int(rows_said))
        return _UNKNOWN_SIZE

    @property
    def is_busy(self) -> bool:
        """The line has not taken the latest frame yet."""
        return bool(self._pending)

    def enter(self, typed: Callable[[bytes], None], drained: Callable[[], None]) -> None:
        """`typed` gets what is typed, nothing when the terminal is gone; `drained` is called when a line that was busy
        is not busy any more."""
        self._drained = drained
        self._line = _own_file(self._out)
        if self._keys is not None:
            self._modes = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys, termios.TCSANOW)
            asyncio.get_running_loop().add_reader(self._keys, _read, self._keys, typed)
        self._write(ENTER)

    def show(self, frame: Frame) -> None:
        """Writes what is not on the screen yet."""
        self._write(repaint(self._shown, frame, colour=self._colour))
        self._shown = frame

    def forget(self) -> None:
        """Nobody knows what is on the screen: the next frame is written whole."""
        self._shown = None

    def leave(self) -> None:
        """Gives the terminal back as it was found; what a slow line has not taken is not waited for."""
        loop = asyncio.get_running_loop()
        loop.remove_writer(self._line)
        if self._keys is not None:
            loop.remove_reader(self._keys)
        with contextlib.suppress(OSError, termios.error):  # a terminal that was closed
            if self._pending:
                termios.tcflush(self._line, termios.TCOFLUSH)
            select.select([], [self._line], [], _LAST_WAIT_S)
            os.write(self._line, LEAVE.encode())
        with contextlib.suppress(termios.error):
            if self._keys is not None and self._modes is not None:
                termios.tcsetattr(self._keys, termios.TCSANOW, self._modes)
        os.close(self._line)
        self._pending, self._shown = b"", None

    def _write(self, text: str) -> None:
        if not text:
            return
        was_busy = self.is_busy
        self._pending += text.encode(self.charset.encoding)
        if not was_busy:
            self._flush()
            if self._pending:
                asyncio.get_running_loop().add_writer(self._line, self._go_on)

    def _go_on(self) -> None:
        self._flush()
        if not self._pending:
            asyncio.get_running_loop().remove_writer(self._line)
            self._drained()

    def _flush(self) -> None:
        try:
            count = os.write(self._line, self._pending)
        except BlockingIOError:
            return
        except OSError:  # the terminal is gone; whoever reads the keys is told
            count = len(self._pending)
        self.written += count
        self._pending = self._pending[count:]


def _own_file(descriptor: int) -> int:
    """The same terminal, opened once more; where that is not allowed, the same file, and a slow line is waited for."""
    try:
        return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return os.dup(descriptor)


def _read(keys: int, typed: Callable[[bytes], None]) -> None:
    try:
        received = os.read(keys, _READ_BYTES)
    except OSError:
        received = b""
    typed(received)
