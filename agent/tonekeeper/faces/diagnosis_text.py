"""A diagnosis as text: the verdict, each finding with what follows from it, then everything that was looked at."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from tonekeeper.core.examination import Examination, ExaminationState
from tonekeeper.core.report import FindingReport, Report
from tonekeeper.core.verdict import FoldedFinding, folded
from tonekeeper.faces import wording
from tonekeeper.faces.wording import Tone, printable

_COLOURS = {Tone.GOOD: "32", Tone.WARNING: "33", Tone.BAD: "31", Tone.UNKNOWN: "36"}
_TONES = {"ok": Tone.GOOD, "problem": Tone.BAD, "not checked": Tone.UNKNOWN}
_OUTCOME_WIDTH = len("not checked")


def render_diagnosis(
    report: Report, examination: Examination, notes: Sequence[str] = (), *, colour: bool = False, width: int = 80
) -> str:
    """In lines of at most `width` columns; ends with a newline. All but names is ASCII."""
    writer = _Writer(colour, max(width, 40))
    blocks = [
        writer.head(report, examination),
        *(writer.finding(one) for one in folded(report)),
        writer.checks(examination),
        "\n".join(writer.fill(f"Note: {note}", "      ") for note in notes),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


class _Writer:
    def __init__(self, colour: bool, width: int) -> None:
        self._colour = colour
        self._width = width

    def head(self, report: Report, examination: Examination) -> str:
        verdict = wording.verdict(report)
        line = self.fill(f"{verdict.word}  {verdict.sentence}", " " * (len(verdict.word) + 2))
        painted = self._paint(verdict.word, verdict.tone) + line.removeprefix(verdict.word)
        return f"{painted}\n{self.fill(_scope(report, examination))}"

    def finding(self, one: FoldedFinding) -> str:
        lines = [*self._finding(one.finding)]
        if one.consequences:
            lines.append(self.fill("  so also:", "    "))
            lines += [self.fill(f"    {each.summary}", "      ") for each in one.consequences]
        return "\n".join(lines)

    def _finding(self, finding: FindingReport) -> Iterator[str]:
        severity = f"[{finding.severity}]"
        text = self.fill(f"{severity} {finding.code} {finding.subject}".rstrip(), "  ")
        yield self._paint(severity, wording.tone_of(finding.severity)) + text.removeprefix(severity)
        yield self.fill(f"  {finding.summary}", "  ")
        told = finding.summary + finding.remedy
        evidence = ", ".join(f"{key}={value}" for key, value in finding.evidence.items() if value not in told)
        if evidence:
            yield self.fill(f"  measured: {evidence}", "    ")
        yield self.fill(f"  do: {finding.remedy}", "    ")

    def checks(self, examination: Examination) -> str:
        lines = ["CHECK           OUTCOME      WHAT WAS SEEN"]
        for one in examination.checks:
            outcome = one.outcome or "running"
            start = f"{one.check:<15} {outcome:<{_OUTCOME_WIDTH}}  "
            line = self.fill(start + (one.detail or "-"), " " * len(start))
            painted = self._paint(outcome, _TONES.get(outcome, Tone.UNKNOWN))
            lines.append(line.replace(f" {outcome}", f" {painted}", 1))
        return "\n".join(lines) if examination.checks else ""

    def fill(self, text: str, indent: str = "") -> str:
        return textwrap.fill(
            printable(text), self._width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )

    def _paint(self, text: str, tone: Tone) -> str:
        return f"\x1b[{_COLOURS[tone]}m{text}\x1b[0m" if self._colour else text


def _scope(report: Report, examination: Examination) -> str:
    unknown = sum(one.outcome == "not checked" for one in examination.checks)
    began = "stopped after" if examination.state is ExaminationState.STOPPED else "done in"
    told = f"{report.agent.name}: {len(examination.checks)} checks {began} {wording.duration(examination.elapsed_s)}"
    return f"{told}, {unknown} of them not checked (see why below)." if unknown else f"{told}."
