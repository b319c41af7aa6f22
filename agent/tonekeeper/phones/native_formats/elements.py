"""XML in which a setting is an element: `<P32>60</P32>`, `<user_expiry idx="1">60</user_expiry>`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.phones.native_formats import tags
from tonekeeper.phones.native_formats.setting_places import Entry, Place, after_the_last
from tonekeeper.phones.native_formats.tags import Tag, leaves


@dataclass(frozen=True, slots=True)
class Elements:
    """`head` and `tail` stand around all settings; `index` is the attribute with the number of the account."""

    head: str
    tail: str
    index: str = ""
    attributes: str = ""

    def places(self, text: str) -> Iterator[Place]:
        for opening, closing in leaves(text):
            number = opening.attribute(self.index) if self.index else None
            account = int(number) if number is not None and number.isascii() and number.isdigit() else 0
            yield place_in(opening, closing, opening.name, account)

    def encoded(self, value: str) -> str:
        return tags.encoded(value)

    def decoded(self, raw: str) -> str:
        return tags.decoded(raw)

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        return after_the_last(self.places(text), text, lambda indent: f"{indent}{self._element(entry)}")

    def fragment(self, entries: Sequence[Entry]) -> str:
        return f"{self.head}\n" + "".join(f"    {self._element(entry)}\n" for entry in entries) + f"{self.tail}\n"

    def _element(self, entry: Entry) -> str:
        index = f' {self.index}="{entry.account}"' if self.index and entry.account else ""
        return f"<{entry.name}{index}{self.attributes}>{self.encoded(entry.value)}</{entry.name}>"


def place_in(opening: Tag, closing: Tag | None, name: str, account: int = 0) -> Place:
    """Of the text in an element; `<name/>` is opened up when a value comes into it."""
    if closing is not None:
        return Place(name, opening.end, closing.start, closing.end, account)
    return Place(name, opening.end - 2, opening.end, opening.end, account, ">", f"</{opening.name}>")


CISCO = Elements("<flat-profile>", "</flat-profile>")
SNOM = Elements(
    '<?xml version="1.0" encoding="utf-8"?>\n<settings>\n  <phone-settings>',
    "  </phone-settings>\n</settings>",
    index="idx",
    attributes=' perm=""',
)
HTEK = Elements(
    '<?xml version="1.0" encoding="UTF-8"?>\n<hl_provision version="1">\n  <config version="1">',
    "  </config>\n</hl_provision>",
)
