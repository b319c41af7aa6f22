"""A finding that holds: as it was observed, and as the agent remembers it."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.findings.catalogue import CATALOGUE
from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity


@dataclass(frozen=True, slots=True)
class Observation:
    """One finding that holds at this moment."""

    code: str
    subject: str
    evidence: dict[str, str]
    stated: Severity | None = None
    """Where what was measured makes it worse, or less bad, than the catalogue says."""

    @property
    def entry(self) -> Entry:
        return CATALOGUE[self.code]

    @property
    def severity(self) -> Severity:
        return self.stated or self.entry.severity


@dataclass(slots=True)
class ActiveFinding:
    code: str
    subject: str
    evidence: dict[str, str]
    since: float
    severity: Severity
