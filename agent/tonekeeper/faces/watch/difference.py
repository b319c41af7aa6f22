"""What has to be written to turn the screen that is shown into the one that should be.

Control sequences are those of ECMA-48 that every terminal of the last forty years knows: CUP and CUF place the cursor,
ED and EL erase, SGR sets the ink. A stretch of unchanged cells that is shorter than a new place would be is written
again.
"""

from __future__ import annotations

from collections.abc import Iterator

from tonekeeper.faces.watch.cells import BLANK, Frame, Ink, Row

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The alternate screen, no cursor, no wrapping at the edge."""
LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"

_CLEAR = "\x1b[0m\x1b[2J"
_SGR = {
    Ink.PLAIN: "0",
    Ink.STRONG: "0;1",
    Ink.GOOD: "0;1;32",
    Ink.WARNING: "0;1;33",
    Ink.BAD: "0;1;31",
    Ink.UNKNOWN: "0;1;36",
    Ink.CHOSEN: "0;7",
}
_SHORT_GAP = 4
"""Columns: CUF takes four bytes."""


def repaint(before: Frame | None, after: Frame, *, colour: bool) -> str:
    """Empty where nothing changed. `before` None, or of another size: everything, from a clear screen."""
    if not colour:
        before, after = before and _without_ink(before), _without_ink(after)
    if before is None or before.size != after.size:
        columns, rows = after.size
        blank = Frame(((BLANK,) * columns,) * rows)
        return _CLEAR + "".join(_changes(blank, after))
    return "".join(_changes(before, after))


def _without_ink(frame: Frame) -> Frame:
    return Frame(tuple(tuple((text, Ink.PLAIN) for text, _ in row) for row in frame.rows))


def _changes(before: Frame, after: Frame) -> Iterator[str]:
    """The ink is plain at the beginning, and again at the end."""
    ink = Ink.PLAIN
    for number, (old, new) in enumerate(zip(before.rows, after.rows, strict=True), start=1):
        if old == new:
            continue
        cursor, end = -1, _written_end(new)
        for start, stop in _runs(old, new, end):
            yield _place(number, start, cursor)
            for text, wanted in new[start:stop]:
                yield text if wanted is ink else f"\x1b[{_SGR[wanted]}m{text}"
                ink = wanted
            cursor = stop
        if any(cell != BLANK for cell in old[end:]):
            yield _place(number, end, cursor)
            yield "\x1b[K" if ink is Ink.PLAIN else "\x1b[0m\x1b[K"
            ink = Ink.PLAIN
    if ink is not Ink.PLAIN:
        yield "\x1b[0m"


def _written_end(row: Row) -> int:
    """Where nothing but blanks follows."""
    return max((column for column, cell in enumerate(row, start=1) if cell != BLANK), default=0)


def _runs(old: Row, new: Row, end: int) -> list[tuple[int, int]]:
    """What has to be written of the first `end` columns, from and up to."""
    runs: list[tuple[int, int]] = []
    for column in range(end):
        if old[column] == new[column]:
            continue
        if runs and column - runs[-1][1] <= _SHORT_GAP:
            runs[-1] = (runs[-1][0], column + 1)
        else:
            runs.append((column, column + 1))
    return runs


def _place(row: int, column: int, cursor: int) -> str:
    """`cursor`: the column it is in, of the same row, or -1."""
    if cursor == column:
        return ""
    return f"\x1b[{row};{column + 1}H" if cursor < 0 else f"\x1b[{column - cursor}C"
