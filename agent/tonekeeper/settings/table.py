"""One TOML table while it is read: takes keys out, one kind each, and remembers every mistake.

A table learns which keys it knows from what is taken; whatever is left when it closes is unknown. What is missing is
reported at the close too, because a key that is missing and one that is unknown are often one key, mistyped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import TracebackType
from typing import TypeVar

from tonekeeper.errors import Mistake
from tonekeeper.settings.kinds import Kind, Refusal
from tonekeeper.settings.suggestion import nearest
from tonekeeper.settings.written import a_toml_type, as_key, as_written

T = TypeVar("T")

HIDDEN = "(not shown)"

_SECRET = re.compile("key|pass|secret|token|community", re.IGNORECASE)


def looks_secret(key: str) -> bool:
    """Whether what stands behind `key`, known or not, is better not repeated in a message that a log may keep."""
    return _SECRET.search(key) is not None


class Table:
    """`path` is the key path of the table, empty for the whole file; `mistakes` is shared by all tables of a file."""

    def __init__(self, path: str, values: dict[str, object], mistakes: list[Mistake], *, usable: bool = True) -> None:
        self.path = path
        self.usable = usable
        """False where the file has something else than a table here, and has been told so."""
        self.sound = True
        """Nothing in it has been refused so far, so that its values can be judged together."""
        self._values = values
        self._mistakes = mistakes
        self._known: dict[str, None] = {}
        self._missing: dict[str, str] = {}
        self._secrets: set[str] = set()

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._close()

    def has(self, key: str) -> bool:
        return key in self._values

    def optional(self, key: str, kind: Kind[T], default: T, *, secret: bool = False) -> T:
        """The value of `key`, or `default` where it is absent or wrong. A secret is never shown in a mistake."""
        self._known[key] = None
        if secret:
            self._secrets.add(key)
        if key not in self._values:
            return default
        read = kind(self._values[key])
        if not isinstance(read, Refusal):
            return read
        self.refuse(key, read.reason, read.remedy)
        return default

    def required(self, key: str, kind: Kind[T], stand_in: T, *, example: str) -> T:
        """As `optional`, but absence is a mistake too; nobody sees the stand-in, the file is refused."""
        if key not in self._values and self.usable:
            self._missing[key] = example
        return self.optional(key, kind, stand_in)

    def table(self, key: str) -> Table:
        """The table under `key`; an empty one where it is absent."""
        self._known[key] = None
        value = self._values.get(key, {})
        if isinstance(value, dict):
            return Table(self._path_of(key), value, self._mistakes)
        self.refuse(key, f"is {a_toml_type(value)}, not a table", f"write it as a section: [{self._path_of(key)}]")
        return Table(self._path_of(key), {}, self._mistakes, usable=False)

    def table_if_present(self, key: str) -> Table | None:
        self._known[key] = None
        return self.table(key) if key in self._values else None

    def tables(self, key: str, *, at_most: int, if_none: str = "") -> Iterator[Table]:
        """The tables of the list under `key`, in order. `if_none` says why there has to be one, if there has to."""
        self._known[key] = None
        value = self._values.get(key, [])
        remedy = f"write each as a section with double brackets: [[{self._path_of(key)}]]"
        if value == [] and if_none:
            self.refuse(key, if_none, f"add a section [[{self._path_of(key)}]]")
        if not isinstance(value, list):
            self.refuse(key, f"is {a_toml_type(value)}, not a list of tables", remedy)
            return
        if len(value) > at_most:
            self._add(self._path_of(key), f"({len(value)} sections)", f"are more than {at_most}", "leave some out")
        for index, each in enumerate(value[:at_most]):
            path = f"{self._path_of(key)}[{index}]"
            if isinstance(each, dict):
                yield Table(path, each, self._mistakes)
            else:
                self._add(path, as_written(each), f"is {a_toml_type(each)}, not a table", remedy)

    def refuse(self, key: str, reason: str, remedy: str) -> None:
        """Note a mistake at `key`, with what stands there."""
        self.sound = False
        shown = as_written(self._values[key]) if key in self._values else ""
        self._add(self._path_of(key), HIDDEN if key in self._secrets else shown, reason, remedy)

    def _close(self) -> None:
        unknown = {key: nearest(key.lower(), self._known) for key in self._values if key not in self._known}
        for key, example in self._missing.items():
            if key not in unknown.values():
                self._add(self._path_of(key), "", "is missing", f"write {key} = {example}")
        for key, meant in unknown.items():
            what = "unknown section" if not self.path and isinstance(self._values[key], dict | list) else "unknown key"
            remedy = f"did you mean {meant}?" if meant else f"known here: {', '.join(self._known)}"
            shown = HIDDEN if self._secrets or looks_secret(key) else as_written(self._values[key])
            self._add(self._path_of(as_key(key)), shown, what, remedy)

    def _path_of(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _add(self, path: str, value: str, reason: str, remedy: str) -> None:
        self._mistakes.append(Mistake(path, value, reason, remedy))
