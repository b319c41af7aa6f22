"""Linphone's remote provisioning: `<section name="sip"><entry name="keepalive_period" overwrite="true">`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tonekeeper.phones.native_formats import tags
from tonekeeper.phones.native_formats.elements import place_in
from tonekeeper.phones.native_formats.setting_places import Entry, Place, newline_of

_NETWORK = frozenset({"dns_srv_enabled"})


@dataclass(frozen=True, slots=True)
class Linphone:
    """An account is a section `proxy_0`, `proxy_1` and so on."""

    def places(self, text: str) -> Iterator[Place]:
        sections = [(tag.end, tag.attribute("name") or "") for tag in _sections(text)]
        for opening, closing in tags.leaves(text):
            name = opening.attribute("name") if opening.name == "entry" else None
            if name is not None:
                section = next((one for at, one in reversed(sections) if at <= opening.start), "")
                yield place_in(opening, closing, name, _account_of(section))

    def encoded(self, value: str) -> str:
        return tags.encoded(value)

    def decoded(self, raw: str) -> str:
        return tags.decoded(raw)

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        for tag in _sections(text):
            if tag.attribute("name") == _section_of(entry):
                return tag.end, f"{newline_of(text)}    {self._entry(entry)}"
        return None

    def fragment(self, entries: Sequence[Entry]) -> str:
        parts = []
        for section, group in groupby(sorted(entries, key=_section_of), key=_section_of):
            inside = "".join(f"    {self._entry(entry)}\n" for entry in group)
            parts.append(f'  <section name="{section}">\n{inside}  </section>\n')
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">\n'
        return f"{head}{''.join(parts)}</config>\n"

    def _entry(self, entry: Entry) -> str:
        return f'<entry name="{entry.name}" overwrite="true">{self.encoded(entry.value)}</entry>'


def _sections(text: str) -> Iterator[tags.Tag]:
    return (tag for tag in tags.tags(text) if tag.name == "section" and not tag.closes and not tag.is_empty)


def _section_of(entry: Entry) -> str:
    if entry.account:
        return f"proxy_{entry.account - 1}"
    return "net" if entry.name in _NETWORK else "sip"


def _account_of(section: str) -> int:
    number = section.removeprefix("proxy_")
    return int(number) + 1 if section.startswith("proxy_") and number.isascii() and number.isdigit() else 0


LINPHONE = Linphone()
