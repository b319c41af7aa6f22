"""Signals that end a command, kept from ending it in the middle of something.

Within `Interruptions` a SIGINT, SIGTERM or SIGHUP (the connection to the router broke) is only noted. Where the command
waits for others, `welcome` lets one through, as KeyboardInterrupt; after that they are noted again.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruptions:
    """For the main thread, where signals are heard."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._noted = False
        self._welcome = False

    def __enter__(self) -> Interruptions:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def welcome(self) -> Iterator[None]:
        """KeyboardInterrupt at once for one that was noted before."""
        self._welcome = True
        try:
            if self._noted:
                self._let_through()
            yield
        finally:
            self._welcome = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True
        if self._welcome:
            self._let_through()

    def _let_through(self) -> None:
        self._noted = self._welcome = False
        raise KeyboardInterrupt
