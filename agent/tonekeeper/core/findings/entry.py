"""What the catalogue says of one kind of finding.

`depends_on`: a finding stays quiet while one of these is active, because that one explains it.
`visible_after`: seconds a finding must last before it is shown; a short-lived one is nobody's business.
`{subject}` and the evidence's keys may be used in `summary` and `remedy`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.report import Severity


@dataclass(frozen=True, slots=True)
class Entry:
    code: str
    severity: Severity
    summary: str
    remedy: str
    depends_on: tuple[str, ...] = ()
    visible_after: float = 0.0
