"""The paths as a matrix: a row for each SBC, a column for each WAN, one cell for all transports between them.

How much a cell says follows from the room: the words get shorter first, then the numbers go, the state never does.
Where there are more SBCs than lines, those in trouble are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tonekeeper.core.report import PathReport, PathState, Report, SbcReport, SbcState
from tonekeeper.faces import wording
from tonekeeper.faces.watch.cells import Charset, Ink, Line, Span, breadth
from tonekeeper.faces.watch.lines import ink_of, plain, rule, state
from tonekeeper.faces.wording import Tone

_PATHS = (PathState.UP, PathState.SUSPECT, PathState.UNKNOWN, PathState.DOWN)
"""Best first."""
_SBCS = (SbcState.DOWN, SbcState.DEGRADED, SbcState.DRAINING, SbcState.UNKNOWN, SbcState.HEALTHY)
"""Worst first."""
_SHORT = {
    "suspect": "susp",
    "unknown": "?",
    "healthy": "ok",
    "degraded": "degr",
    "draining": "drain",
}
_MIXED = "part"
_NAME_SHARE = 5
"""A fifth of the screen is for names."""
_ROW_MARK = 2


@dataclass(frozen=True, slots=True)
class _Grade:
    """How much a cell says, and how wide its columns are at least, so that they do not move at every look."""

    short: bool
    numbers: int
    """Round trip and loss; the one that matters more; none."""
    state: int
    number: tuple[int, ...]
    spaced: bool = False

    @property
    def gap(self) -> int:
        return 2 if self.spaced else 1


_GRADES = (
    _Grade(short=False, numbers=2, state=7, number=(6, 5), spaced=True),
    _Grade(short=False, numbers=2, state=7, number=(5, 3)),
    _Grade(short=True, numbers=2, state=4, number=(5, 3)),
    _Grade(short=True, numbers=2, state=2, number=(1, 1)),
    _Grade(short=True, numbers=1, state=4, number=(5,)),
    _Grade(short=True, numbers=0, state=4, number=()),
)


@dataclass(frozen=True, slots=True)
class _Cell:
    state: str
    numbers: tuple[str, ...]
    ink: Ink
    is_active: bool


@dataclass(frozen=True, slots=True)
class _Widths:
    """Of the columns, by what is in them."""

    name: int
    sbc: int
    state: int
    numbers: tuple[int, ...]
    gap: int

    @property
    def cell(self) -> int:
        """With a place for the mark of the active path before it, and the gap behind it."""
        return 1 + self.state + sum(1 + width for width in self.numbers) + self.gap

    @property
    def first(self) -> int:
        """Column of the first cell."""
        return _ROW_MARK + self.name + 1 + self.sbc + 1


def matrix(report: Report, columns: int, room: int, charset: Charset) -> list[Line]:
    """At most `room` lines, two or more; the first is a title with the WANs' names. The active path and its SBC carry a
    star."""
    sbcs, left_out = _worth_showing(report, room - 1)
    grade, widths = _fitting(report, sbcs, columns, charset)
    space = columns - widths.first + widths.gap
    wans = [wan.name for wan in report.wans][: max(1, space // widths.cell)]
    longest = max((breadth(charset.shown(name)) for name in wans), default=0)
    step = max(widths.cell, min(1 + longest + widths.gap, space // max(len(wans), 1)))
    lines = [_title(wans, len(report.wans) - len(wans), widths, step, columns, charset)]
    for sbc in sbcs:
        cells = (_cell_line(_cell(report, sbc, wan, grade), widths, step) for wan in wans)
        lines.append((*_sbc(sbc, grade, widths, charset), *(span for cell in cells for span in cell)))
    return lines + ([plain(charset.cut(f"  {left_out}", columns))] if left_out else [])


def _title(wans: list[str], hidden: int, widths: _Widths, step: int, columns: int, charset: Charset) -> Line:
    said = f"+{wording.counted(hidden, 'WAN')}" if hidden else "SBC"
    first = charset.cut(said, widths.first - _ROW_MARK - 1)
    titles = [(_ROW_MARK, first)]
    titles += [(widths.first + 1 + at * step, charset.cut(wan, step - 2)) for at, wan in enumerate(wans)]
    return rule(titles, columns, charset)


def _worth_showing(report: Report, room: int) -> tuple[Sequence[SbcReport], str]:
    """The SBCs for `room` lines, and what to say of the others in the last one."""
    if len(report.sbcs) <= room:
        return report.sbcs, ""
    ranked = sorted(report.sbcs, key=_rank)
    shown, others = ranked[: max(room - 1, 1)], ranked[max(room - 1, 1) :]
    states = Counter(str(sbc.state) for sbc in others)
    told = ", ".join(f"{count} {word}" for word, count in states.items())
    return [sbc for sbc in report.sbcs if sbc in shown], f"and {len(others)} more: {told}"


def _rank(sbc: SbcReport) -> tuple[bool, int, bool]:
    """The active one first, then those in trouble."""
    return (not sbc.active, _SBCS.index(sbc.state), all(path.state is PathState.UP for path in sbc.paths))


def _fitting(report: Report, sbcs: Sequence[SbcReport], columns: int, charset: Charset) -> tuple[_Grade, _Widths]:
    """The richest grade that the screen has room for, else the poorest."""
    names = max((breadth(charset.shown(sbc.name)) for sbc in sbcs), default=0)
    name = max(3, min(names, columns // _NAME_SHARE))
    for grade in _GRADES:
        cells = [_cell(report, sbc, wan.name, grade) for sbc in sbcs for wan in report.wans]
        numbers = zip(grade.number, *(cell.numbers for cell in cells), strict=True)
        widths = _Widths(
            name,
            max((len(_word(sbc.state, grade)) for sbc in sbcs), default=0),
            max([grade.state, *(len(cell.state) for cell in cells)]),
            tuple(max([least, *map(len, said)]) for least, *said in numbers),
            grade.gap,
        )
        if widths.first + len(report.wans) * widths.cell - widths.gap <= columns:
            break
    return grade, widths


def _sbc(sbc: SbcReport, grade: _Grade, widths: _Widths, charset: Charset) -> Line:
    mark = "* " if sbc.active else "  "
    word = _word(sbc.state, grade)
    filler = " " * (widths.sbc + 1 - len(word))
    return (Span(f"{mark}{charset.padded(sbc.name, widths.name)} "), Span(word, state(sbc.state)), Span(filler))


def _cell(report: Report, sbc: SbcReport, wan: str, grade: _Grade) -> _Cell:
    paths = sorted((path for path in sbc.paths if path.wan == wan), key=lambda path: _PATHS.index(path.state))
    active = report.active.wan == wan and sbc.active
    if not paths:
        return _Cell("-", ("",) * grade.numbers, Ink.PLAIN, active)
    best, worst = paths[0], paths[-1]
    if best.state is worst.state:
        said, ink = _word(best.state, grade), state(best.state)
    else:
        said, ink = _MIXED if grade.short else f"{best.state}/{worst.state}", ink_of(Tone.WARNING)
    return _Cell(said, _numbers(best, grade), ink, active)


def _numbers(path: PathReport, grade: _Grade) -> tuple[str, ...]:
    rtt, loss = _rtt(path), wording.loss(path) if grade.spaced else _whole_loss(path)
    if not grade.spaced:
        rtt = rtt.replace(" ", "")
    match grade.numbers:
        case 2:
            return (rtt, loss)
        case 1:
            return (rtt if loss in ("-", "0%") else loss,)
        case _:
            return ()


def _rtt(path: PathReport) -> str:
    """In whole milliseconds: tenths would be others at every look."""
    if path.rtt_ms is None:
        return "-"
    return f"{path.rtt_ms:.0f} ms" if path.rtt_ms >= 1.0 else "<1 ms"


def _whole_loss(path: PathReport) -> str:
    return "-" if path.loss is None else f"{path.loss * 100:.0f}%"


def _word(word: str, grade: _Grade) -> str:
    return _SHORT.get(word, word) if grade.short else word


def _cell_line(cell: _Cell, widths: _Widths, step: int) -> Line:
    numbers = "".join(f" {number:>{width}}" for number, width in zip(cell.numbers, widths.numbers, strict=True))
    filler = " " * (widths.state - len(cell.state)) + numbers + " " * (step - widths.cell + widths.gap)
    return (Span("*" if cell.is_active else " "), Span(cell.state, cell.ink), Span(filler))
