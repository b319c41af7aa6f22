"""How lines are laid out: rules with titles in them, wrapped prose, and lists that are longer than their room."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tonekeeper.faces.watch.cells import Charset, Ink, Line, Span, breadth
from tonekeeper.faces.wording import Tone, tone_of

_INKS = {Tone.GOOD: Ink.GOOD, Tone.WARNING: Ink.WARNING, Tone.BAD: Ink.BAD, Tone.UNKNOWN: Ink.UNKNOWN}


def ink_of(tone: Tone) -> Ink:
    return _INKS[tone]


def state(word: str) -> Ink:
    return ink_of(tone_of(word))


def plain(text: str) -> Line:
    return (Span(text),)


def rule(titles: Sequence[tuple[int, str]], columns: int, charset: Charset) -> Line:
    """A line across the screen with titles at their columns."""
    spans: list[Span] = []
    at = 0
    for column, title in titles:
        text = charset.shown(title)
        spans += [Span(charset.rule * (column - at - 1) + " " * (column > at)), Span(text, Ink.STRONG), Span(" ")]
        at = column + breadth(text) + 1
    return (*spans, Span(charset.rule * (columns - at)))


def ends(left: Line, right: Line, columns: int) -> Line:
    """`left` and `right` at the two ends of a line; `right` is whole, and `left` has to leave room for it."""
    filler = columns - sum(breadth(span.text) for span in (*left, *right))
    return (*left, Span(" " * filler), *right)


def prose(text: str, columns: int, charset: Charset, most: int, indent: str = "") -> list[str]:
    """`text` in at most `most` lines, the later ones behind `indent`; what is cut off leaves an ellipsis."""
    text = charset.shown(text)
    letters = columns if breadth(text) <= len(text) else columns // 2  # textwrap counts letters, and wide ones are two
    wrapped = textwrap.wrap(text, max(letters, 1), subsequent_indent=indent, break_on_hyphens=False) or [""]
    if len(wrapped) > most:
        wrapped = [*wrapped[: most - 1], charset.cut(" ".join([wrapped[most - 1], *wrapped[most:]]), columns)]
    return [charset.cut(line, columns) for line in wrapped]


def window(count: int, room: int, chosen: int) -> range:
    """Which of `count` lines to show in `room`, so that the chosen one is among them, in the middle where it can be."""
    first = max(0, min(chosen - room // 2, count - room))
    return range(first, min(first + room, count))
