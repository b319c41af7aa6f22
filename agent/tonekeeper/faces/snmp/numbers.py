"""Numbers for findings, which have names too long for an OID: given when one appears, kept while it is there, and never
given again."""

from __future__ import annotations

from collections.abc import Iterable

from tonekeeper.core.report import FindingReport
from tonekeeper.faces.snmp.definition import Numbered

Key = tuple[str, str]
"""Code and subject."""


class FindingNumbers:
    def __init__(self) -> None:
        self._given: dict[Key, int] = {}
        self._next = 1

    def number(self, findings: Iterable[FindingReport]) -> tuple[Numbered, ...]:
        """All that are active now; what is not among them has lost its number."""
        before, self._given = self._given, {}
        numbered = []
        for finding in findings:
            key = (finding.code, finding.subject)
            if key in self._given:
                continue
            number = before.get(key, 0)
            if not number:
                number, self._next = self._next, self._next + 1
            self._given[key] = number
            numbered.append(Numbered(number, finding))
        return tuple(numbered)
