"""XML in which a setting is an attribute, whatever the element is called: Poly's `reg.1.server.1.expires="60"`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.phones.native_formats import tags
from tonekeeper.phones.native_formats.setting_places import Entry, Place


@dataclass(frozen=True, slots=True)
class Attributes:
    """`element`: around the settings of a fragment."""

    root: str
    element: str

    def places(self, text: str) -> Iterator[Place]:
        for tag in tags.tags(text):
            for name, start, end in tag.attributes():
                yield Place(name, start, end, end + 1)

    def encoded(self, value: str) -> str:
        return tags.encoded(value)

    def decoded(self, raw: str) -> str:
        return tags.decoded(raw)

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        """Behind the last attribute that is a setting: their names have dots, those of XML's own have not."""
        own = [place for place in self.places(text) if "." in place.name]
        if not own:
            return None
        return max(place.after for place in own), f' {entry.name}="{self.encoded(entry.value)}"'

    def fragment(self, entries: Sequence[Entry]) -> str:
        lines = "\n".join(f'    {entry.name}="{self.encoded(entry.value)}"' for entry in entries)
        head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        return f"{head}\n<{self.root}>\n  <{self.element}\n{lines}/>\n</{self.root}>\n"


POLYCOM = Attributes("PHONE_CONFIG", "ALL")
