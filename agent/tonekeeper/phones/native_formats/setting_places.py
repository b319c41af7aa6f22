"""A phone's settings file as text in which values have places: what every syntax below has to say of itself.

Text is what `latin-1` makes of the file's bytes, so that whatever is not touched comes out byte for byte as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting to write. `names`: what it may be called in a file; the first is the one to write."""

    names: tuple[str, ...]
    value: str
    account: int = 0
    """0: of the whole phone."""

    @property
    def name(self) -> str:
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: `text[start:end]`, and what must be written around it where the file has none yet."""

    name: str
    start: int
    end: int
    after: int
    """Where the whole setting ends; another one can follow."""
    account: int = 0
    """0 where the file does not say."""
    opening: str = ""
    closing: str = ""
    value_at: int = -1
    """Where the value begins, where that is behind `start`."""

    def raw(self, text: str) -> str:
        return "" if self.closing else text[max(self.start, self.value_at) : self.end]

    def holds(self, entry: Entry) -> bool:
        own = self.account in (0, entry.account) or (entry.account == 0 and self.account == 1)
        return own and self.name in entry.names


class Syntax(Protocol):
    """How one format writes settings. `fragment`: of all entries, as a file of its own, or what can be pasted."""

    def places(self, text: str) -> Iterator[Place]: ...

    def encoded(self, value: str) -> str: ...

    def decoded(self, raw: str) -> str: ...

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        """Where to write a setting that `text` does not have, and what; None where it has no place there."""

    def fragment(self, entries: Sequence[Entry]) -> str: ...


def after_the_last(places: Iterator[Place], text: str, written: Callable[[str], str]) -> tuple[int, str] | None:
    """An addition on a line of its own below the last setting there is; `written` makes it from the line's indent."""
    last = max(places, key=lambda place: place.after, default=None)
    if last is None:
        return None
    line = text[text.rfind("\n", 0, last.start) + 1 : last.start]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    return last.after, f"{newline_of(text)}{written(indent)}"


def newline_of(text: str, otherwise: str = "\n") -> str:
    """As the file ends its lines."""
    first = text.find("\n")
    if first < 0:
        return otherwise
    return "\r\n" if text[:first].endswith("\r") else "\n"
