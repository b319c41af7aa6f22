"""The tags of an XML text with their places, for changing a value without touching anything else.

No parser in the standard library says where a value stands to the byte. What is needed is little: tags and their
attributes, outside comments, CDATA sections and declarations.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|<![^>]*+>"
    r"""|<(?P<close>/?)(?P<name>[^\s<>/"'=]++)(?P<inside>(?:[^<>"'/]++|"[^"<]*+"|'[^'<]*+'|/(?!>))*+)(?P<empty>/?)>""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""")


@dataclass(frozen=True, slots=True)
class Tag:
    """`start` to `end`; `inside` is where its attributes stand."""

    name: str
    start: int
    end: int
    inside: int
    attributes_text: str
    closes: bool
    is_empty: bool

    def attributes(self) -> Iterator[tuple[str, int, int]]:
        """Name, and where the value stands."""
        for found in _ATTRIBUTE.finditer(self.attributes_text):
            group = 2 if found[2] is not None else 3
            yield found[1], self.inside + found.start(group), self.inside + found.end(group)

    def attribute(self, name: str) -> str | None:
        for found in _ATTRIBUTE.finditer(self.attributes_text):
            if found[1] == name:
                return decoded(found[2] if found[2] is not None else found[3])
        return None


def tags(text: str) -> Iterator[Tag]:
    for found in _TAG.finditer(text):
        if found["name"] is not None:
            yield Tag(
                found["name"],
                found.start(),
                found.end(),
                found.start("inside"),
                found["inside"],
                bool(found["close"]),
                bool(found["empty"]),
            )


def leaves(text: str) -> Iterator[tuple[Tag, Tag | None]]:
    """Elements with nothing but text in them, each with its closing tag; None for `<name/>`."""
    opened: Tag | None = None
    for tag in tags(text):
        if tag.is_empty:
            yield tag, None
            opened = None
        elif not tag.closes:
            opened = tag
        else:
            if opened is not None and opened.name == tag.name:
                yield opened, tag
            opened = None


def encoded(value: str) -> str:
    return escape(value, {'"': "&quot;", "'": "&apos;"})


def decoded(raw: str) -> str:
    return html.unescape(raw)
