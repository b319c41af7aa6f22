"""The journal of the running agent: lines to disk, and a disk that fails to the core as an event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tonekeeper.core.agent import Agent
from tonekeeper.core.events import Event, Facility, FacilityFailed, FacilityRecovered
from tonekeeper.core.journal import Header, write_header
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

    def flush(self) -> None:
        self._attempt(self._files.flush)

    def close(self) -> None:
        self._attempt(self._files.close)

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
