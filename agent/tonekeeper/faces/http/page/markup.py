"""The few elements that the parts of the page are made of. Whatever comes from outside goes through `escape`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tonekeeper.faces import wording
from tonekeeper.faces.wording import Tone

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_TONES = {
    "accept": Tone.GOOD,
    "problem": Tone.BAD,
    "drop": Tone.BAD,
    "reject": Tone.BAD,
    "redirected": Tone.BAD,
}
"""Of words that wording does not judge."""


def escape(text: str) -> str:
    """`text` for element content and quoted attributes."""
    return wording.printable(text).translate(_ESCAPES)


def lines(text: str) -> str:
    """`text` with its line breaks: remedies hold commands, one a line."""
    return "<br>".join(escape(line) for line in text.split("\n"))


def section(name: str, title: str, body: str, beside: str = "") -> str:
    """A part of the page under a heading, `beside` it more markup; hidden where `body` is empty."""
    if not body:
        return f'<section id="{name}" data-part hidden></section>'
    return (
        f'<section id="{name}" data-part aria-labelledby="h-{name}">'
        f'<div class="head"><h2 id="h-{name}" tabindex="-1">{title}</h2>{beside}</div>{body}</section>'
    )


def state(word: str, tone: Tone | None = None) -> str:
    """A state as a word in its colour, with a shape for who sees no colours."""
    return f'<span class="state {tone or _TONES.get(word) or wording.tone_of(word)}">{escape(word)}</span>'


def quiet(text: str) -> str:
    """A line of less weight; nothing for no text."""
    return f"<small>{escape(text)}</small>" if text else ""


def facts(told: Mapping[str, str]) -> str:
    """Terms and their markup; a term without any is left out."""
    rows = "".join(f"<div><dt>{term}</dt><dd>{markup}</dd></div>" for term, markup in told.items() if markup)
    return f'<dl class="facts">{rows}</dl>' if rows else ""


def fold(key: str, summary: str, body: str) -> str:
    """Closed until somebody opens it, and then open until he closes it: `key` says which one it is."""
    return f'<details data-key="{escape(key)}"><summary>{summary}</summary>{body}</details>'


def table(caption: str, titles: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """Rows of markup; the first of a row is its heading. On a narrow screen each row becomes a block of its own."""
    columns = tuple(titles)
    head = "".join(f'<th scope="col">{title}</th>' for title in columns)
    body = "".join(row(columns, cells) for cells in rows)
    return (
        f'<table class="list"><caption class="unseen">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def row(columns: tuple[str, ...], cells: tuple[str, ...]) -> str:
    """Of a table of class `list`."""
    first, *rest = cells
    others = "".join(
        f'<td data-th="{title}">{cell}</td>' if cell else "<td></td>"
        for title, cell in zip(columns[1:], rest, strict=True)
    )
    return f'<tr><th scope="row">{first}</th>{others}</tr>'
