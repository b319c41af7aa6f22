"""How a value stood in the file: for messages, on one short line, whatever it is."""

from __future__ import annotations

import re
from datetime import date, datetime, time

_LONGEST = 60
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def as_written(value: object) -> str:
    """`value` as TOML; what is long is cut, what has parts is only named."""
    match value:
        case str():
            return _quoted(value)
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > 256:
            # Python refuses to print an integer of more than 4300 digits.
            return f"(an integer of {value.bit_length()} bits)"
        case int() | float():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case list():
            return "[" + _cut(", ".join(_part(each) for each in value[:8]), len(value) > 8) + "]"
        case _:
            return "{...}"


def a_toml_type(value: object) -> str:
    """The TOML type of `value`, with its article."""
    match value:
        case str():
            return "a string"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a float"
        case datetime() | date() | time():
            return "a date or time"
        case list():
            return "a list"
        case _:
            return "a table"


def as_key(key: str) -> str:
    """`key` as one part of a key path, quoted where TOML wants it."""
    return key if _BARE_KEY.fullmatch(key) and len(key) <= _LONGEST else _quoted(key)


def _part(value: object) -> str:
    return "[...]" if isinstance(value, list) else as_written(value)


def _quoted(value: str) -> str:
    cut = value[:_LONGEST]
    shown = "".join(_ESCAPES.get(c, c) if c.isprintable() or c in _ESCAPES else f"\\u{ord(c):04X}" for c in cut)
    return f'"{shown}"' + ("..." if len(value) > _LONGEST else "")


def _cut(written: str, more: bool) -> str:
    return f"{written[:_LONGEST]}..." if more or len(written) > _LONGEST else written
