"""One finding on the whole screen: what was measured, what to do, what follows from it."""

from __future__ import annotations

from tonekeeper.core.report import FindingReport
from tonekeeper.core.verdict import FoldedFinding
from tonekeeper.faces.watch.cells import Charset, Ink, Line, Span
from tonekeeper.faces.watch.lines import plain, prose, rule, state
from tonekeeper.faces.watch.sight import Sight

_ENDLESS = 1000
"""Lines; whoever reads this scrolls."""


def detail(sight: Sight, folded: FoldedFinding, is_over: bool, columns: int, charset: Charset) -> list[Line]:
    """All lines of it, however many there is room for."""
    finding = folded.finding
    lines = [rule([(2, "It is over; this is what it was" if is_over else "Finding")], columns, charset)]
    lines.append(_head(sight, finding, is_over, charset))
    lines += _paragraph(finding.summary, columns, charset)
    if finding.evidence:
        lines += [(), (Span("Measured", Ink.STRONG),)]
        for name, value in finding.evidence.items():
            lines += _paragraph(f"{name}: {value}", columns, charset)
    if finding.remedy:
        lines += [(), (Span("What to do", Ink.STRONG),), *_paragraph(finding.remedy, columns, charset)]
    if folded.consequences:
        lines += [(), (Span("Follows from it", Ink.STRONG),)]
        for one in folded.consequences:
            lines += _paragraph(f"{one.severity}: {one.summary}", columns, charset)
    return lines


def _head(sight: Sight, finding: FindingReport, is_over: bool, charset: Charset) -> Line:
    about = charset.shown(" ".join(part for part in (finding.code, finding.subject) if part))
    since = "" if is_over else f", since {sight.time_of(finding.since_s)}"
    return (Span(str(finding.severity), state(finding.severity)), Span(f"  {about}{since}"))


def _paragraph(text: str, columns: int, charset: Charset) -> list[Line]:
    return [plain(f"  {line}") for line in prose(text, columns - 2, charset, _ENDLESS, "  ")]
