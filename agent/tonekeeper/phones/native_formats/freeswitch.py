"""FreeSWITCH's XML: `<param name="expire-seconds" value="60"/>`, in a gateway, or in the settings of its profile.

Accounts are the gateways of the file, in their order. What is the whole program's belongs into `<settings>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tonekeeper.phones.native_formats import tags
from tonekeeper.phones.native_formats.named import Named
from tonekeeper.phones.native_formats.setting_places import Entry, Place, newline_of

_PARAM = Named("param", "name", "value")


@dataclass(frozen=True, slots=True)
class FreeSwitch:
    def places(self, text: str) -> Iterator[Place]:
        """Outside a gateway, account is 0."""
        gateways = [inside for name, *inside in _chapters(text) if name == "gateway"]
        for place in _PARAM.places(text):
            account = next((n for n, (start, end) in enumerate(gateways, 1) if start <= place.start < end), 0)
            yield replace(place, account=account)

    def encoded(self, value: str) -> str:
        return tags.encoded(value)

    def decoded(self, raw: str) -> str:
        return tags.decoded(raw)

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        """As the first in its chapter; None where the file does not have that."""
        name = "gateway" if entry.account else "settings"
        found = [start for chapter, start, _ in _chapters(text) if chapter == name]
        number = max(1, entry.account)
        if len(found) < number:
            return None
        return found[number - 1], f"{newline_of(text)}    {_PARAM.line(entry)}"

    def fragment(self, entries: Sequence[Entry]) -> str:
        own = "".join(f"{_PARAM.line(entry)}\n" for entry in entries if entry.account)
        shared = "".join(f"{_PARAM.line(entry)}\n" for entry in entries if not entry.account)
        parts = [f"<!-- into the gateway -->\n{own}" if own else ""]
        parts.append(f"<!-- into the settings of its profile -->\n{shared}" if shared else "")
        return "".join(parts)


def _chapters(text: str) -> Iterator[tuple[str, int, int]]:
    """Gateways and settings: name, and from where to where they reach."""
    opened: dict[str, int] = {}
    for tag in tags.tags(text):
        if tag.name in ("gateway", "settings") and not tag.is_empty:
            if not tag.closes:
                opened[tag.name] = tag.end
            elif tag.name in opened:
                yield tag.name, opened.pop(tag.name), tag.start


FREESWITCH = FreeSwitch()
