"""XML in which an attribute names the setting: `<param name="N" value="V"/>`, `<item name="N">V</item>`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.phones.native_formats import tags
from tonekeeper.phones.native_formats.elements import place_in
from tonekeeper.phones.native_formats.setting_places import Entry, Place, after_the_last
from tonekeeper.phones.native_formats.tags import Tag, leaves


@dataclass(frozen=True, slots=True)
class Named:
    """`key`: the attribute with the name; `value`: the one with the value, empty where it is the element's text.

    `index`: the attribute with the number of the account.
    """

    element: str
    key: str
    value: str
    index: str = ""
    attributes: str = ""

    def places(self, text: str) -> Iterator[Place]:
        for opening, closing in leaves(text):
            name = opening.attribute(self.key) if opening.name == self.element else None
            if name is None:
                continue
            end = closing.end if closing is not None else opening.end
            if not self.value:
                yield place_in(opening, closing, name, self._account(opening))
                continue
            for attribute, start, stop in opening.attributes():
                if attribute == self.value:
                    yield Place(name, start, stop, end, self._account(opening))

    def _account(self, tag: Tag) -> int:
        number = tag.attribute(self.index) if self.index else None
        return int(number) if number is not None and number.isascii() and number.isdigit() else 0

    def encoded(self, value: str) -> str:
        return tags.encoded(value)

    def decoded(self, raw: str) -> str:
        return tags.decoded(raw)

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        return after_the_last(self.places(text), text, lambda indent: f"{indent}{self.line(entry)}")

    def fragment(self, entries: Sequence[Entry]) -> str:
        """Without a frame: that is another in each generation of firmware."""
        return "".join(f"{self.line(entry)}\n" for entry in entries)

    def line(self, entry: Entry) -> str:
        index = f' {self.index}="{entry.account}"' if self.index and entry.account else ""
        start = f'<{self.element} {self.key}="{entry.name}"{index}{self.attributes}'
        value = self.encoded(entry.value)
        return f'{start} {self.value}="{value}"/>' if self.value else f"{start}>{value}</{self.element}>"


GIGASET = Named("param", "name", "value")
GIGASET_FRAME = Named("SYMB_ITEM", "ID", "value", attributes=' class="symb_item"')
UNIFY = Named("item", "name", "", index="index")
GRANDSTREAM_ITEMS = Named("item", "name", "")
