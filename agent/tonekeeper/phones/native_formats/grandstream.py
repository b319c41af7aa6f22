"""Grandstream's XML in both generations: `<P32>60</P32>`, and `<item name="account.1.sip.registerExpiration">`.

A file is of one or the other; what is added to it is written as the rest of it. The newer one has names, which the
profiles list as aliases of the P-numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tonekeeper.phones.native_formats import tags
from tonekeeper.phones.native_formats.elements import Elements
from tonekeeper.phones.native_formats.named import GRANDSTREAM_ITEMS
from tonekeeper.phones.native_formats.setting_places import Entry, Place

NUMBERED = Elements(
    '<?xml version="1.0" encoding="UTF-8"?>\n<gs_provision version="1">\n  <config version="1">',
    "  </config>\n</gs_provision>",
)


@dataclass(frozen=True, slots=True)
class Grandstream:
    def places(self, text: str) -> Iterator[Place]:
        yield from GRANDSTREAM_ITEMS.places(text) if self._has_items(text) else NUMBERED.places(text)

    def encoded(self, value: str) -> str:
        return tags.encoded(value)

    def decoded(self, raw: str) -> str:
        return tags.decoded(raw)

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        if not self._has_items(text):
            return NUMBERED.addition(text, entry)
        named = tuple(name for name in entry.names if "." in name)
        return GRANDSTREAM_ITEMS.addition(text, replace(entry, names=named)) if named else None

    def fragment(self, entries: Sequence[Entry]) -> str:
        return NUMBERED.fragment(entries)

    def _has_items(self, text: str) -> bool:
        return next(GRANDSTREAM_ITEMS.places(text), None) is not None


GRANDSTREAM = Grandstream()
