"""The log: one line per change, on standard error, as text or as JSON.

    2026-11-17T09:12:33.123Z warning changed subject="wan fibre" before=up after=down reason="every SBC is silent"

The standard library's logging does the work: asyncio loads it anyway, and what asyncio has to complain about then
comes out in the same form. Nothing from the network can end a line or move a terminal's cursor.
"""

from __future__ import annotations

import logging
import time
from typing import TextIO

import msgspec

from tonekeeper.core.commands import LogChange
from tonekeeper.core.findings import CATALOGUE
from tonekeeper.core.report import Severity
from tonekeeper.faces.wording import Tone, printable, tone_of

Fields = dict[str, str | int | float]


class Log:
    """Where the agent's lines go. `form` is text or json; `level` is the least that is written.

    Others' lines, through the standard root logger, join them after `adopt_others`.
    """

    def __init__(self, stream: TextIO, form: str = "text", level: str = "info") -> None:
        self._handler = logging.StreamHandler(stream)
        self._handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
        self._logger = logging.Logger("tonekeeper", level.upper())
        self._logger.addHandler(self._handler)

    def adopt_others(self) -> None:
        """Writes warnings and errors of the libraries in the same form, at the same place."""
        logging.getLogger().handlers[:] = [self._handler]

    def change(self, change: LogChange) -> None:
        """The line of one change of state: a warning if it is for the worse, or a finding of more than information."""
        fields: Fields = {"subject": change.subject, "before": change.before, "after": change.after}
        if change.reason:
            fields["reason"] = change.reason
        self._logger.log(_level(change), "changed", extra={"fields": fields})

    def info(self, event: str, **fields: str | int | float) -> None:
        """A line of the agent's own life: `started`, `reloaded`, `stopped`, in the past tense."""
        self._logger.info(event, extra={"fields": fields})

    def error(self, event: str, **fields: str | int | float) -> None:
        """Something the operator has to mend."""
        self._logger.error(event, extra={"fields": fields})


class TextFormatter(logging.Formatter):
    """`time level event key=value`; values with blanks or quotes are quoted."""

    def format(self, record: logging.LogRecord) -> str:
        shown = "".join(f" {key}={quoted(str(value))}" for key, value in _fields(self, record).items())
        return f"{timestamp(record.created)} {record.levelname.lower()} {_event(record)}{shown}"


class JsonFormatter(logging.Formatter):
    """One object a line: `time`, `level`, `event`, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        head = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "event": _event(record),
        }
        fields = {key: _encodable(value) for key, value in _fields(self, record).items()}
        return msgspec.json.encode({**head, **fields}).decode()


def _level(change: LogChange) -> int:
    kind, _, rest = change.subject.partition(" ")
    entry = CATALOGUE.get(rest.partition(" ")[0]) if kind == "finding" and change.after == "active" else None
    if entry is not None:
        return logging.INFO if entry.severity is Severity.INFO else logging.WARNING
    return logging.WARNING if tone_of(change.after) is Tone.BAD else logging.INFO


def timestamp(unix_time: float) -> str:
    """UTC with milliseconds (RFC 3339)."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix_time))
    return f"{whole}.{int(unix_time * 1000) % 1000:03}Z"


def quoted(text: str) -> str:
    """`text` as a logfmt value: bare where that is unambiguous, else in double quotes."""
    if text and text.isprintable() and not set(text) & set(' "=\\'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(escaped)}"'


def _event(record: logging.LogRecord) -> str:
    """Our own records name an event; those of a library are sentences, which become a field."""
    return str(record.msg) if hasattr(record, "fields") else "complained"


def _fields(formatter: logging.Formatter, record: logging.LogRecord) -> Fields:
    fields: Fields | None = getattr(record, "fields", None)
    if fields is not None:
        return fields
    said: Fields = {"library": record.name, "message": record.getMessage()}
    if record.exc_info:
        said["traceback"] = formatter.formatException(record.exc_info)
    return said


def _encodable(value: str | int | float) -> str | int | float:
    """JSON escapes control characters itself; only what is no Unicode text needs help."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
