"""YAML as a profile may use it: maps, lists and plain values, each with its line.

YAML 1.1 reads `no` as false, 12:30:00 as 45000 and 0755 as 493, and lets the last of two equal keys win. Here a word is
a word, a number is decimal, `true`, `false` and `null` are what they say (the core schema of YAML 1.2), and two equal
keys are a mistake. Anchors, tags and a second document are refused: a profile says what it means where it means it, and
a file of a kilobyte cannot grow into a gigabyte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from tonekeeper.errors import ConfigError, Mistake

DEEPEST = 20

_INTEGER = re.compile("[-+]?[0-9]{1,18}")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}\.[0-9]{0,18})(?:[eE][-+]?[0-9]{1,2})?|[-+]?[0-9]{1,18}[eE][-+]?[0-9]{1,2}"
)
_CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """`lines`: the line of every key path, counted from 1."""

    value: object
    lines: dict[str, int]

    def line_of(self, key_path: str) -> int:
        """The line of `key_path`, or of the nearest thing around it."""
        while key_path and key_path not in self.lines:
            key_path = key_path[: max(key_path.rfind("."), key_path.rfind("["), 0)]
        return self.lines.get(key_path, 1)


@dataclass(slots=True)
class _Open:
    """A map or list that is being read; `key` waits for its value."""

    path: str
    value: dict[str, object] | list[object]
    key: str | None = None
    seen: dict[str, int] = field(default_factory=dict)


def parse_yaml(text: str, file: str) -> YamlDocument:
    """The document in `text`; ConfigError, with the line, where it is not such a document."""
    try:
        return _Reading(file).read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _mistake(file, mark.line + 1 if mark else 1, "", error.problem or "is not YAML", _LOOK) from None
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0][:100]
        raise _mistake(file, 1, "", f"is not YAML ({reason})", "write printable characters only") from None


_LOOK = "look at this line and the one above: indentation, quotes, a blank after the colon"


def _mistake(file: str, line: int, value: str, reason: str, remedy: str) -> ConfigError:
    return ConfigError(file, [Mistake(f"line {line}", value, reason, remedy)])


class _Reading:
    """Puts the events of the parser together, without recursion."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: list[_Open] = []
        self._lines: dict[str, int] = {}
        self._documents = 0
        self._root: object = None

    def read(self, text: str) -> YamlDocument:
        for event in yaml.parse(text, _LOADER):
            self._take(event)
        return YamlDocument(self._root, self._lines)

    def _take(self, event: yaml.Event) -> None:
        assert event.start_mark is not None
        line = event.start_mark.line + 1
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _mistake(self._file, line, "", "begins a second document", "write one profile in a file")
            case yaml.AliasEvent():
                raise _mistake(self._file, line, f"*{event.anchor}", "is an alias", "write the value again")
            case yaml.ScalarEvent() | yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event, line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()
            case _:
                pass

    def _begin(self, event: yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent, line: int) -> None:
        if event.anchor is not None:
            raise _mistake(
                self._file, line, f"&{event.anchor}", "is an anchor", "write the value again where it is needed"
            )
        if event.tag is not None and not (isinstance(event, yaml.ScalarEvent) and event.tag == "!"):
            raise _mistake(self._file, line, event.tag[:60], "is a tag", "write the value alone")
        if len(self._open) >= DEEPEST:
            raise _mistake(self._file, line, "", "nests too deeply", "write keys as docs/profiles.md has them")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        else:
            self._collection({} if isinstance(event, yaml.MappingStartEvent) else [], line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        is_plain = event.implicit[0]
        value = self._plain(event.value, line) if is_plain else event.value
        if isinstance(value, str) and not value.isascii() and re.search("[\ud800-\udfff]", value):
            raise _mistake(
                self._file, line, "", "has half a character (a lone surrogate)", "write the character itself"
            )
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, value, line)
        else:
            self._put(value, line)

    def _plain(self, written: str, line: int) -> object:
        if written in _CONSTANTS:
            return _CONSTANTS[written]
        if _INTEGER.fullmatch(written):
            return int(written)
        if _FLOAT.fullmatch(written):
            return float(written)
        return written

    def _key(self, top: _Open, key: object, line: int) -> None:
        if not isinstance(key, str):
            raise _mistake(self._file, line, str(key)[:60], "is a key that is no text", "put it in quotes")
        if key in top.seen:
            path = f"{top.path}.{key}" if top.path else key
            where = f"stands here a second time; the first is on line {top.seen[key]}"
            raise _mistake(self._file, line, path[:120], where, "keep one of the two")
        top.seen[key] = line
        top.key = key

    def _collection(self, value: dict[str, object] | list[object], line: int) -> None:
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            raise _mistake(self._file, line, "", "has a key that is no text", "write KEY: VALUE")
        self._open.append(_Open(self._put(value, line), value))

    def _put(self, value: object, line: int) -> str:
        """The key path of what was put."""
        if not self._open:
            self._root = value
            return ""
        top = self._open[-1]
        if isinstance(top.value, list):
            path = f"{top.path}[{len(top.value)}]"
            top.value.append(value)
        else:
            assert top.key is not None
            path = f"{top.path}.{top.key}" if top.path else top.key
            top.value[top.key] = value
            line, top.key = top.seen[top.key], None
        self._lines[path] = line
        return path
