"""What becomes of an agent that crashes again and again: it goes on carefully, and says so.

The service manager starts it anew each time, which may be worse than the crash: routes that change with every start,
names and SBCs asked as at a first start. After CRASHES starts without an orderly end within WINDOW the next one is
careful: it observes and steers nothing, and probes at CAREFUL_INTERVAL. The finding `crash-loop` says why. Once it has
run for QUIET it takes up the configuration as it is written; a crash after that begins the count anew, so the site is
steered most of the time even where the fault stays.
"""

from __future__ import annotations

from dataclasses import replace

from tonekeeper.core.events import Facility, FacilityFailed
from tonekeeper.core.site import Mode, Site
from tonekeeper.edge.recent_starts import RecentStarts

CRASHES = 3
WINDOW = 600.0
QUIET = 600.0
CAREFUL_INTERVAL = 30.0
"""Seconds, all three."""


class CrashLoop:
    """Of the agent that begins now."""

    def __init__(self, starts: RecentStarts) -> None:
        self._starts = starts
        self._crashes = 0
        self._began = 0.0
        self.is_careful = False

    def begin(self, now: float) -> None:
        self._starts.begin()
        self._began = now
        self._crashes = self._starts.crashes_within(WINDOW)
        self.is_careful = self._crashes >= CRASHES

    @property
    def warning(self) -> str:
        """Why crashes are not counted; empty: they are."""
        return self._starts.warning

    def restrain(self, site: Site) -> Site:
        """`site` as it is watched: as it is configured, or with care."""
        if not self.is_careful:
            return site
        interval = max(site.probe.interval, CAREFUL_INTERVAL)
        return replace(
            site,
            failover=replace(site.failover, mode=Mode.OBSERVE),
            probe=replace(site.probe, interval=interval),
        )

    def failure(self) -> FacilityFailed:
        """What is to be said while it is careful."""
        last = f"; the last time with {self._starts.error}" if self._starts.error else ""
        return FacilityFailed(Facility.STARTS, 0, f"{self._crashes} times within {WINDOW / 60:.0f} minutes{last}")

    def settles(self, now: float) -> bool:
        """Whether care ends at this moment."""
        if not self.is_careful or now - self._began < QUIET:
            return False
        self.is_careful = False
        self._starts.forget()
        return True

    def fail(self, error: Exception) -> None:
        """The agent ends with this."""
        self._starts.fail(f"{type(error).__name__}: {error}")

    def end(self) -> None:
        """The agent ends in good order."""
        self._starts.end()
