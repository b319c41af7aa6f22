"""Everything Tonekeeper raises on purpose.

    TonekeeperError
      DecodeError        bytes or text from outside are not what they should be
      ConfigError        the configuration is wrong: file, key path, value, remedy
      EdgeError          the kernel, a socket or a file said no: errno is kept
      AgentUnreachableError
                         the running agent cannot be asked

Any other exception is a bug. A misbehaving network is never an exception: it reaches the core as an event.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass


class TonekeeperError(Exception):
    """The root of the family; the text is a sentence for a person."""


class DecodeError(TonekeeperError):
    """The only thing a decoder raises. `subject` names what was being read ("Via", "CSeq", "status line")."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"cannot decode {subject}: {reason}")
        self.subject = subject
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a configuration: `sbc[1].uri`, what stands there, why that cannot be, what to write."""

    key_path: str
    value: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        shown = f" = {self.value}" if self.value else ""
        return f"{self.key_path}{shown}: {self.reason}; {self.remedy}"


class ConfigError(TonekeeperError):
    """A configuration that cannot be used, with every mistake found in it (exit code 2)."""

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(f"{file}: {mistake}" for mistake in mistakes))
        self.file = file
        self.mistakes = tuple(mistakes)


class EdgeError(TonekeeperError):
    """An outside thing refused. `errno` is the kernel's number, or 0 where there is none."""

    def __init__(self, doing: str, error: OSError | None = None, *, remedy: str = "") -> None:
        self.errno = (error.errno or 0) if error is not None else 0
        reason = f": {os.strerror(self.errno)}" if self.errno else (f": {error}" if error is not None else "")
        super().__init__(f"cannot {doing}{reason}" + (f"; {remedy}" if remedy else ""))
        self.remedy = remedy


class AgentUnreachableError(TonekeeperError):
    """No agent answers at the URL that was asked (exit code 3)."""
