"""Fanvil's XML: settings are elements, those of an account inside `<line index="1">`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tonekeeper.phones.native_formats import tags
from tonekeeper.phones.native_formats.elements import place_in
from tonekeeper.phones.native_formats.setting_places import Entry, Place, after_the_last


@dataclass(frozen=True, slots=True)
class Fanvil:
    def places(self, text: str) -> Iterator[Place]:
        lines = [(at, number) for at, number in _lines(text)]
        for opening, closing in tags.leaves(text):
            account = next((number for at, number in reversed(lines) if at < opening.start), 0)
            yield place_in(opening, closing, opening.name, account)

    def encoded(self, value: str) -> str:
        return tags.encoded(value)

    def decoded(self, raw: str) -> str:
        return tags.decoded(raw)

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        """Among the settings of its line; those of the whole phone are not added, for their chapter is not known."""
        if not entry.account:
            return None
        own = (place for place in self.places(text) if place.account == entry.account)
        return after_the_last(own, text, lambda indent: f"{indent}{self._element(entry)}")

    def fragment(self, entries: Sequence[Entry]) -> str:
        parts = []
        for account, group in groupby(
            sorted(entries, key=lambda entry: entry.account), key=lambda entry: entry.account
        ):
            inside = "".join(f"      {self._element(entry)}\n" for entry in group)
            parts.append(f'    <line index="{account}">\n{inside}    </line>\n' if account else inside)
        return f"<sysConf>\n  <sip>\n{''.join(parts)}  </sip>\n</sysConf>\n"

    def _element(self, entry: Entry) -> str:
        return f"<{entry.name}>{self.encoded(entry.value)}</{entry.name}>"


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Where the settings of an account begin, and where those of none do: (place, account or 0)."""
    for tag in tags.tags(text):
        if tag.name != "line":
            continue
        number = "" if tag.closes else tag.attribute("index") or ""
        yield tag.start, int(number) if number.isascii() and number.isdigit() else 0


FANVIL = Fanvil()
