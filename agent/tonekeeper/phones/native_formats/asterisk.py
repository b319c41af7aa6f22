"""Asterisk's pjsip.conf: options in sections, which say by `type` what they are about.

Accounts are the registrations of the file, in their order. An aor counts where it has a fixed `contact`, as that of a
provider has; those of Asterisk's own phones have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tonekeeper.phones.native_formats.setting_places import Entry, Place, newline_of

_TYPES = {
    "timer_t1": "system",
    "timer_b": "system",
    "keep_alive_interval": "global",
    "qualify_frequency": "aor",
    "tcp_keepalive_enable": "transport",
    "tcp_keepalive_idle_time": "transport",
    "tcp_keepalive_interval_time": "transport",
    "tcp_keepalive_probe_count": "transport",
}
"""Which kind of section has an option; all others are of a registration."""
_ADDED = ("system", "global")
"""Kinds of which there is one at most, so one can be added."""
_PASTED = "pasted"
"""What stands before the first section: a fragment, to be pasted into those of the operator."""
_LINE = re.compile(
    r"^[ \t]*+(?:\[(?P<section>[^\]\r\n]*+)\][^\r\n]*+"
    r"|(?P<name>[A-Za-z0-9_\-]++)[ \t]*+=>?[ \t]*+(?P<value>[^;\r\n]*?)[ \t]*+(?=;|\r?$)[^\r\n]*+)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class _Section:
    kind: str
    options: tuple[Place, ...]
    end: int

    def takes(self, name: str) -> bool:
        """It may have the option `name`."""
        if self.kind == "aor" and not any(place.name == "contact" for place in self.options):
            return False
        return self.kind == _kind_of(name)


@dataclass(frozen=True, slots=True)
class Asterisk:
    def places(self, text: str) -> Iterator[Place]:
        registrations = 0
        for section in _sections(text):
            registrations += section.kind == "registration"
            account = registrations if section.kind == "registration" else 0
            for place in section.options:
                if section.kind == _PASTED or section.takes(place.name):
                    yield Place(place.name, place.start, place.end, place.after, account)

    def encoded(self, value: str) -> str:
        return value

    def decoded(self, raw: str) -> str:
        return raw

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        newline, kind = newline_of(text), _kind_of(entry.name)
        found = [section for section in _sections(text) if section.takes(entry.name)]
        if kind == "aor" and len(found) > 1:
            return None  # nothing says which of them belongs to the registration
        number = max(1, entry.account) if kind == "registration" else 1
        if len(found) >= number:
            return found[number - 1].end, f"{newline}{entry.name}={entry.value}"
        if kind not in _ADDED:
            return None
        return len(text), f"{newline}[{kind}]{newline}type={kind}{newline}{entry.name}={entry.value}{newline}"

    def fragment(self, entries: Sequence[Entry]) -> str:
        """Sections with names of the operator's own come first, to be pasted."""
        by_kind = sorted(entries, key=lambda entry: (_kind_of(entry.name) in _ADDED, _kind_of(entry.name)))
        parts = []
        for kind, group in groupby(by_kind, key=lambda entry: _kind_of(entry.name)):
            head = f"[{kind}]\ntype={kind}\n" if kind in _ADDED else f"; into the {kind}\n"
            parts.append(head + "".join(f"{entry.name}={entry.value}\n" for entry in group))
        return "\n".join(parts)


def _kind_of(name: str) -> str:
    return _TYPES.get(name, "registration")


def _sections(text: str) -> Iterator[_Section]:
    kind, end = _PASTED, -1
    options: list[Place] = []
    for found in _LINE.finditer(text):
        if found["section"] is not None:
            if end >= 0:
                yield _Section(kind, tuple(options), end)
            kind, options, end = "", [], found.end()
            continue
        end = found.end()
        if found["name"] == "type":
            kind = found["value"]
        options.append(Place(found["name"], found.start("value"), found.end("value"), found.end()))
    if end >= 0:
        yield _Section(kind, tuple(options), end)


ASTERISK = Asterisk()
