"""Watching without a screen: a line for each change, for a terminal that cannot place its cursor."""

from __future__ import annotations

from tonekeeper.core.report import ChangeReport, Report
from tonekeeper.faces import wording
from tonekeeper.faces.watch.sight import Sight

_MOST_HISTORY = 5
"""Events from before the first look."""
_SAME_S = 0.005
"""Two looks put one event no further apart."""


class Paper:
    """What is new at each look."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self._verdict = ""
        self._latest = 0.0
        """Instant of the latest event that was told, in the agent's seconds."""

    def answered(self, report: Report, wall: float) -> list[str]:
        before = self.sight.report
        self.sight = self.sight.answered(report, wall)
        if before is None or report.agent.uptime_s < before.agent.uptime_s:
            history = report.changes[-_MOST_HISTORY - 1 :]
            self._latest = self._instant(history[0]) if len(history) > _MOST_HISTORY else -1.0
        news = [change for change in report.changes if self._instant(change) > self._latest + _SAME_S]
        if news:
            self._latest = self._instant(news[-1])
        verdict = wording.verdict(report)
        return [*map(self._event, news), *self._told(f"{verdict.word}  {verdict.sentence}")]

    def failed(self, problem: str, silent_s: float) -> list[str]:
        self.sight = self.sight.silent(silent_s, problem)
        return self._told(f"NO ANSWER  {problem}")

    def _told(self, verdict: str) -> list[str]:
        """A verdict that was not the latest one already."""
        if verdict == self._verdict:
            return []
        self._verdict = verdict
        return [wording.printable(f"{self.sight.time_of(0.0)}  {verdict}" if self.sight.report else verdict)]

    def _instant(self, change: ChangeReport) -> float:
        report = self.sight.report
        return (report.agent.uptime_s if report is not None else 0.0) - change.ago_s

    def _event(self, change: ChangeReport) -> str:
        why = f" ({change.reason})" if change.reason else ""
        told = f"{change.subject}: {change.before or 'new'} -> {change.after}{why}"
        return wording.printable(f"{self.sight.time_of(change.ago_s)}    {told}")
