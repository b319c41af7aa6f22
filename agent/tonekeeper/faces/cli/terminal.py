"""Where a command prints: answers on standard output, prose on standard error, colour only where it is wanted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

import msgspec


class Terminal:
    """`out` and `err` of a command; `environment` is asked for NO_COLOR, TERM and COLUMNS."""

    def __init__(self, out: TextIO, err: TextIO, environment: Mapping[str, str] | None = None) -> None:
        self._out = out
        self._err = err
        self._environment = os.environ if environment is None else environment
        self._progress_lines = 0

    @property
    def is_interactive(self) -> bool:
        return self._out.isatty()

    @property
    def is_dumb(self) -> bool:
        """It can do no more than print, or nobody knows what it can."""
        return self._environment.get("TERM", "") in ("", "dumb")

    @property
    def encoding(self) -> str:
        return self._out.encoding or "ascii"

    @property
    def descriptor(self) -> int:
        return self._out.fileno()

    @property
    def wants_colour(self) -> bool:
        """On a terminal that can, unless NO_COLOR is set to anything (no-color.org)."""
        return self.is_interactive and self._colour_is_welcome

    @property
    def wants_progress(self) -> bool:
        """Standard error is a terminal, and one that can rewrite what it shows."""
        return self._err.isatty() and self._environment.get("TERM") != "dumb"

    @property
    def wants_progress_colour(self) -> bool:
        return self.wants_progress and self._colour_is_welcome

    @property
    def _colour_is_welcome(self) -> bool:
        return not self._environment.get("NO_COLOR") and self._environment.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """Columns; 100 where nobody knows, as in a pipe."""
        columns = self._environment.get("COLUMNS", "")
        if columns.isascii() and columns.isdigit():
            return int(columns)
        try:
            return os.get_terminal_size(self._out.fileno()).columns
        except OSError:
            return 100

    def show(self, text: str) -> None:
        """Prints an answer, with escapes for what the terminal's encoding does not have."""
        self._out.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        self._out.flush()

    def show_json(self, document: object) -> None:
        """Prints the one JSON document of `--json`: pure ASCII would be longer, so it is UTF-8 whatever the locale."""
        self.show_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")

    def show_bytes(self, content: bytes) -> None:
        self._out.flush()
        binary = getattr(self._out, "buffer", None)
        if binary is None:
            self._out.write(content.decode())
        else:
            binary.write(content)
        self._out.flush()

    def say(self, text: str) -> None:
        """A line of prose."""
        self._err.write(f"{text}\n")
        self._err.flush()

    def show_progress(self, text: str) -> None:
        """Writes `text`, whole lines, over the progress shown before; empty: takes that away. Nothing in a pipe."""
        if not self.wants_progress:
            return
        back = f"\x1b[{self._progress_lines}A\r\x1b[J" if self._progress_lines else ""
        self._progress_lines = text.count("\n")
        self._err.write(back + text)
        self._err.flush()
