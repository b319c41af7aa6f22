"""OBi's XML: parameters inside objects, `<O><N>Object.</N><P><N>Name</N><V X_UD="N">60</V></P></O>`.

`X_UD="Y"` says that the value is not used, but the factory's; a value that is written turns it to `N`. A name is the
object's and the parameter's in one: `VoiceService.1.VoiceProfile.1.SIP.TimerT1`. Without an object, it is found
anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tonekeeper.phones.native_formats import tags
from tonekeeper.phones.native_formats.setting_places import Entry, Place, newline_of
from tonekeeper.phones.native_formats.tags import Tag

_USES_DEFAULT = "X_UD"


@dataclass(frozen=True, slots=True)
class Objects:
    def places(self, text: str) -> Iterator[Place]:
        for path, name, opening, closing in _parameters(text):
            whole = text.find(">", closing.end) + 1 or closing.end
            for full in {f"{path}{name}", name}:
                yield _place(text, full, opening, closing, whole)

    def encoded(self, value: str) -> str:
        return tags.encoded(value)

    def decoded(self, raw: str) -> str:
        return tags.decoded(raw)

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        """Behind the last parameter of its object, which must be there."""
        path, _, name = entry.name.rpartition(".")
        last = [place.after for place in self.places(text) if path and place.name.startswith(f"{path}.")]
        if not last:
            return None
        return max(last), f"{newline_of(text)}{self._parameter(name, entry.value)}"

    def fragment(self, entries: Sequence[Entry]) -> str:
        parts = []
        for path, group in groupby(sorted(entries, key=_path_of), key=_path_of):
            inside = "".join(f"    {self._parameter(entry.name[len(path) :], entry.value)}\n" for entry in group)
            parts.append(f"  <O>\n    <N>{path}</N>\n{inside}  </O>\n" if path else inside)
        return f"<ParameterList>\n{''.join(parts)}</ParameterList>\n"

    def _parameter(self, name: str, value: str) -> str:
        return f'<P><N>{name}</N><V {_USES_DEFAULT}="N">{self.encoded(value)}</V></P>'


def _path_of(entry: Entry) -> str:
    path, dot, _ = entry.name.rpartition(".")
    return path + dot


def _parameters(text: str) -> Iterator[tuple[str, str, Tag, Tag]]:
    """Object, name, and the tags around the value."""
    path = name = ""
    inside = False
    opened: Tag | None = None
    for tag in tags.tags(text):
        match tag.name, tag.closes:
            case "O", False:
                path = ""
            case "P", _:
                inside, name = not tag.closes, ""
            case (("N" | "V"), False):
                opened = tag
            case "N", True if opened is not None:
                if inside:
                    name = tags.decoded(text[opened.end : tag.start]).strip()
                else:
                    path = tags.decoded(text[opened.end : tag.start]).strip()
            case "V", True if opened is not None and name:
                yield path, name, opened, tag
            case _:
                pass


def _place(text: str, name: str, opening: Tag, closing: Tag, whole: int) -> Place:
    for attribute, start, end in opening.attributes():
        if attribute == _USES_DEFAULT and text[start:end] == "Y":
            rest = f"N{text[end : opening.end]}"
            return Place(name, start, closing.start, whole, opening=rest, value_at=opening.end)
    return Place(name, opening.end, closing.start, whole)


OBI = Objects()
