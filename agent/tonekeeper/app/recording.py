"""The journal of the running agent: lines to disk, and a disk that fails to the core as an event.

What happens is on disk within a minute; a critical finding, with all that led to it, at once: whatever caused it may
well take the power away next. Only then the disk is waited for, in a thread, so that no probe is late.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tonekeeper.core.agent import Agent
from tonekeeper.core.commands import LogChange
from tonekeeper.core.events import Event, Facility, FacilityFailed, FacilityRecovered
from tonekeeper.core.findings import CATALOGUE
from tonekeeper.core.journal import Header, write_header
from tonekeeper.core.journal_reading import Since
from tonekeeper.core.report import Severity
from tonekeeper.edge.files import JournalFiles
from tonekeeper.errors import EdgeError


class Recording:
    """`now`: the clock that the driver hands to the core. What fails is reported, never raised."""

    def __init__(
        self, directory: Path, max_bytes: int, agent: Agent, now: Callable[[], float], report: Callable[[Event], None]
    ) -> None:
        self._agent = agent
        self._now = now
        self._report = report
        self._files = JournalFiles(directory, max_bytes=max_bytes, head=self._head)
        self._failing = False

    def begin(self) -> None:
        self._attempt(self._files.begin)

    def append(self, line: bytes) -> None:
        self._attempt(lambda: self._files.append(line))

    def look(self) -> None:
        """Writes what has waited long enough."""
        self._attempt(self._files.look)

    def note(self, change: LogChange) -> None:
        """A change that has just been appended."""
        kind, _, rest = change.subject.partition(" ")
        if kind != "finding" or change.after != "active":
            return
        entry = CATALOGUE.get(rest.partition(" ")[0])
        if entry is not None and entry.severity is Severity.CRITICAL:
            self._attempt(self._secure)

    def read(self, since: Since) -> Iterator[bytes]:
        """Lines and marks (core/journal_reading.py), to be walked over in a thread. `EdgeError` before the first."""
        from tonekeeper.edge.journal_reading import read_on

        return read_on(self._files.view(), since, time.time())

    def close(self) -> None:
        self._attempt(self._files.close)

    def _secure(self) -> None:
        file = self._files.secure()
        if file is not None:
            asyncio.get_running_loop().run_in_executor(None, _sync, file)

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except EdgeError as error:
            self._failing = True
            self._report(FacilityFailed(Facility.JOURNAL, error.errno, str(error)))
            return
        if self._failing and not self._files.failing:
            self._failing = False
            self._report(FacilityRecovered(Facility.JOURNAL))

    def _head(self) -> Iterable[bytes]:
        """All that the agent knows at this moment: what a segment begins with."""
        situation = self._agent.situation
        return [write_header(Header(situation.version, self._now(), time.time(), situation))]


def _sync(file: int) -> None:
    try:
        with suppress(OSError):  # the next write meets it, too, and tells
            os.fsync(file)
    finally:
        os.close(file)
