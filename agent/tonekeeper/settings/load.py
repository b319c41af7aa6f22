"""From a file to `Settings`. Everything but `load_settings` is pure."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tonekeeper.errors import ConfigError, Mistake
from tonekeeper.settings.model import Settings
from tonekeeper.settings.schema import read_settings
from tonekeeper.settings.table import HIDDEN, looks_secret
from tonekeeper.settings.written import as_written

LONGEST_FILE = 1024 * 1024
"""Bytes; a configuration of a site is a hundredth of it."""

_LONGEST_LINE = 200
_BARE_VALUE = re.compile(r"([A-Za-z0-9_.-]+) *= *([A-Za-z0-9/_.:;=-]*[A-Za-z/:][A-Za-z0-9/_.:;=-]*)(?: *#.*)?")
_AT_LINE = re.compile(r" \(at (?:line (?P<line>[0-9]+), column [0-9]+|end of document)\)\Z")


def load_settings(path: Path) -> Settings:
    """The settings in the file at `path`; ConfigError with everything that is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        wrong = _wrong_file(f"cannot read it: {reason}", "give the path of a file that this user may read")
        raise ConfigError(str(path), [wrong]) from None
    return parse_settings(_decoded(content, str(path)), str(path))


def _decoded(content: bytes, file: str) -> str:
    if len(content) > LONGEST_FILE:
        wrong = _wrong_file(f"is longer than {LONGEST_FILE} bytes", "give the path of a configuration")
        raise ConfigError(file, [wrong])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        wrong = Mistake(f"line {line}", "", f"byte 0x{content[error.start]:02x} is not UTF-8", "save the file as UTF-8")
        raise ConfigError(file, [wrong]) from None


def parse_settings(text: str, file: str) -> Settings:
    """The settings in `text`; `file` names it in the ConfigError that says everything that is wrong with it."""
    try:
        values = tomllib.loads(text)
    except RecursionError:
        wrong = _wrong_file("nests too deeply", "write sections and keys as documented")
        raise ConfigError(file, [wrong]) from None
    except ValueError as error:
        # TOMLDecodeError is one; an integer of more than 4300 digits is the other.
        raise ConfigError(file, [_syntax_mistake(text, str(error))]) from None
    return settings_from(values, file)


def settings_from(values: dict[str, object], file: str) -> Settings:
    """The settings in a TOML document that is parsed already."""
    mistakes: list[Mistake] = []
    settings = read_settings(values, mistakes)
    if mistakes:
        raise ConfigError(file, mistakes)
    return settings


def _wrong_file(reason: str, remedy: str) -> Mistake:
    return Mistake("file", "", reason, remedy)


def _syntax_mistake(text: str, message: str) -> Mistake:
    place = _AT_LINE.search(message)
    if place is None:
        return _wrong_file("holds a number of thousands of digits", "look for a value that is far too long")
    number = int(place["line"] or text.rstrip().count("\n") + 1)
    line = text.split("\n")[number - 1].strip()[:_LONGEST_LINE]
    shown = HIDDEN if looks_secret(line) else as_written(line)
    reason, remedy = _explained(_AT_LINE.sub("", message), line)
    return Mistake(f"line {number}", shown, reason, remedy)


def _explained(message: str, line: str) -> tuple[str, str]:
    bare = _BARE_VALUE.fullmatch(line)
    if message.startswith("Cannot declare"):
        return "this section stands here a second time", "write [[wan]] and [[sbc]] with double brackets, others once"
    if message.startswith("Cannot overwrite"):
        return "this key has a value already", "give each key once"
    if message.startswith(("Illegal character '\\n'", "Unterminated")):
        return "a string has no closing quote", 'write it on one line: "..."'
    if bare and not looks_secret(line):
        return "is not TOML, a string needs quotes", f'write {bare[1]} = "{bare[2]}"'
    reason = message[:1].lower() + message[1:80]
    return f"is not TOML ({reason})", "write KEY = VALUE, strings in quotes, below a section such as [probe] or [[sbc]]"
