"""What a screen is made of: cells that each hold one character and its ink, in rows, in a frame."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.faces.wording import printable


class Ink(StrEnum):
    PLAIN = "plain"
    STRONG = "strong"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a line in one ink."""

    text: str
    ink: Ink = Ink.PLAIN


Line = tuple[Span, ...]
Cell = tuple[str, Ink]
"""A character with what combines with it. Right of one that is two columns wide stands a cell with an empty text."""
Row = tuple[Cell, ...]
BLANK: Cell = (" ", Ink.PLAIN)


@dataclass(frozen=True, slots=True)
class Frame:
    """Every cell of a screen; all rows are equally long."""

    rows: tuple[Row, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Columns, rows."""
        return (len(self.rows[0]) if self.rows else 0, len(self.rows))


@dataclass(frozen=True, slots=True)
class Charset:
    """What the terminal's encoding has."""

    encoding: str
    rule: str
    arrow: str
    ellipsis: str
    keys: str
    """The arrow keys."""

    def shown(self, text: str) -> str:
        """`text` with escapes for what would move the cursor, and for what the encoding does not have."""
        return printable(text).encode(self.encoding, "backslashreplace").decode(self.encoding)

    def cut(self, text: str, columns: int) -> str:
        """`text` as it is shown, in at most `columns`; what is cut off leaves an ellipsis."""
        text = self.shown(text)
        if breadth(text) <= columns:
            return text
        kept, room = "", columns - breadth(self.ellipsis)
        for sign in text:
            room -= breadth(sign)
            if room < 0:
                break
            kept += sign
        return (kept + self.ellipsis)[: max(columns, 0)]

    def padded(self, text: str, columns: int) -> str:
        """`text` cut or filled up to exactly `columns`."""
        text = self.cut(text, columns)
        return text + " " * (columns - breadth(text))


def charset_of(encoding: str) -> Charset:
    """ASCII where the encoding lacks any of the signs that are drawn with."""
    signs = ("─", "→", "…", "↑↓")
    try:
        "".join(signs).encode(encoding)
    except UnicodeEncodeError:
        signs = ("-", "->", "...", "Up/Down")
    return Charset(encoding, *signs)


def breadth(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def frame_of(lines: Sequence[Line], columns: int, rows: int, charset: Charset) -> Frame:
    """`lines` from the top; what is too long or too much is cut off, what is not there is blank."""
    shown = [_row(line, columns, charset) for line in lines[:rows]]
    return Frame((*shown, *((BLANK,) * columns,) * (rows - len(shown))))


def _row(line: Line, columns: int, charset: Charset) -> Row:
    row: list[Cell] = []
    for text, ink in _signs(line, charset):
        width = _columns(text)
        if not width and row:
            before = max(place for place, cell in enumerate(row) if cell[0])
            row[before] = (row[before][0] + text, row[before][1])
        elif width and len(row) + width <= columns:
            row += [(text, ink), ("", ink)][:width]
        elif width:
            break
    return (*row, *(BLANK,) * (columns - len(row)))


def _signs(line: Line, charset: Charset) -> Iterator[Cell]:
    for span in line:
        for sign in charset.shown(span.text):
            yield (sign, span.ink)
