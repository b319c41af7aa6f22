"""What is known of the agent, and since when it is silent.

Instants are shown as times of the day, not as ages: an age would be another one at every look, and cost bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tonekeeper.core.report import Report

_SAME_START_S = 10.0
"""Two looks that put the agent's start no further apart see the same start, over lines of different delay."""
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Sight:
    url: str
    interval_s: float
    utc_offset_s: int
    report: Report | None = None
    """The latest; None before there is one."""
    started_at: float = 0.0
    """When the agent started, in seconds since 1970 by the clock of who watches."""
    silent_s: float | None = None
    """Seconds without an answer; None while the agent answers."""
    problem: str = ""
    """Why the latest question had no answer, or what was wrong with it."""

    def answered(self, report: Report, wall: float) -> Sight:
        started_at = wall - report.agent.uptime_s
        if self.report is not None and abs(started_at - self.started_at) < _SAME_START_S:
            started_at = self.started_at
        return replace(self, report=report, started_at=started_at, silent_s=None, problem="")

    def silent(self, seconds: float, problem: str) -> Sight:
        return replace(self, silent_s=float(int(seconds)), problem=problem)

    def time_of(self, ago_s: float) -> str:
        """`14:04:31`, or `3 d ago`: when it was `ago_s` ago at the latest answer; below zero: when it will be."""
        if ago_s >= _DAY_S:
            return f"{ago_s // _DAY_S:.0f} d ago"
        uptime_s = self.report.agent.uptime_s if self.report is not None else 0.0
        second = int(self.started_at + uptime_s - ago_s + self.utc_offset_s) % _DAY_S
        return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
