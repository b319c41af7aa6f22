"""Starts that had no orderly end: `starts.json`.

A start is written down before anything else is done, and taken out at an orderly end; what is left was a crash, a kill
or a watchdog that was not fed. Only starts since this host booted count, by the clock since then: a power cut is no
crash, and the time of day may be anything after a cold start.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tonekeeper.edge.state_file import put_aside, replace_whole
from tonekeeper.errors import EdgeError

NAME = "starts.json"
SCHEMA = 1
MOST = 16
"""Starts that are kept."""
_MOST_BYTES = 16 * 1024
_MOST_ERROR = 200
"""Characters."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Schema(msgspec.Struct):
    schema: int


class _File(msgspec.Struct):
    schema: int
    boot: str
    starts: list[float]
    """Seconds since the boot, oldest first."""
    error: str = ""
    """What the last crash said, where it could say anything."""


class RecentStarts:
    """In `directory`. `now`: seconds since the boot that `boot` names. Nothing is raised: see `warning`."""

    def __init__(
        self, directory: Path, now: Callable[[], float] = time.monotonic, boot: Callable[[], str] | None = None
    ) -> None:
        self._path = directory / NAME
        self._now = now
        self._boot = boot or _boot_id
        self._known = _File(SCHEMA, "", [])
        self.warning = ""
        """Why crashes are not counted, a sentence; empty: they are."""

    def begin(self) -> None:
        boot = self._boot()
        known = self._recall()
        now = self._now()
        self._known = known if known.boot == boot else _File(SCHEMA, boot, [])
        self._known.starts = [*self._known.starts, now][-MOST:]
        self._keep()

    def crashes_within(self, seconds: float) -> int:
        """Starts before this one, so long ago at most, that had no orderly end."""
        *before, this = self._known.starts
        return sum(1 for start in before if 0.0 <= this - start <= seconds)

    @property
    def error(self) -> str:
        """What the last crash said; empty: nothing."""
        return self._known.error

    def fail(self, error: str) -> None:
        """This start ends with `error`, which the next one may want to tell."""
        self._known.error = error[:_MOST_ERROR]
        self._keep()

    def end(self) -> None:
        """In good order."""
        del self._known.starts[-1:]
        self._keep()

    def forget(self) -> None:
        """The crashes before this start."""
        self._known.starts = self._known.starts[-1:]
        self._known.error = ""
        self._keep()

    def _recall(self) -> _File:
        nothing = _File(SCHEMA, "", [])
        try:
            with self._path.open("rb") as file:
                return _decode(file.read(_MOST_BYTES))
        except FileNotFoundError:
            return nothing
        except OSError as error:
            self.warning = str(EdgeError(f"read '{self._path}'", error))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.warning = f"cannot use '{self._path}': {error}; {put_aside(self._path)}"
        return nothing

    def _keep(self) -> None:
        try:
            replace_whole(self._path, msgspec.json.encode(self._known) + b"\n")
        except OSError as error:
            self.warning = str(EdgeError(f"write '{self._path}'", error, remedy="a crash loop will not be noticed"))


def _decode(data: bytes) -> _File:
    schema = msgspec.json.decode(data, type=_Schema).schema
    if schema != SCHEMA:
        raise ValueError(f"it has schema {schema}, and only {SCHEMA} is known here")
    return msgspec.json.decode(data, type=_File)


def _boot_id() -> str:
    """Empty on systems that give their boots no names."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
