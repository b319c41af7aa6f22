"""Formats of one setting per line: `name = value`, `name: value`, `NAME="value"`, `--name value`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.phones.native_formats.setting_places import Entry, Place, newline_of


@dataclass(frozen=True, slots=True)
class Lines:
    """`separator`: as it is written; around it, any blanks are read. `mark`: the characters it consists of."""

    separator: str
    mark: str
    comments: str = "#"
    quoted: bool = False
    head: str = ""
    newline: str = "\n"

    def places(self, text: str) -> Iterator[Place]:
        quote = '"' if self.quoted else ""
        mark = r"[ \t]*+" + re.escape(self.mark) + r"[ \t]*+" if self.mark.strip() else r"[ \t]++"
        name = r"[^\r\n" + re.escape(self.comments + self.mark.strip()) + r"][^\r\n" + re.escape(self.mark) + r"]*?"
        value = r'[^"\r\n]*+' if self.quoted else r"[^\r\n]*?"
        line = re.compile(rf"^[ \t]*+({name}){mark}{quote}({value}){quote}[ \t]*+(?=\r?$)", re.MULTILINE)
        for found in line.finditer(text):
            yield Place(found[1].strip(), found.start(2), found.end(2), found.end())

    def encoded(self, value: str) -> str:
        return value

    def decoded(self, raw: str) -> str:
        return raw

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        newline = newline_of(text, self.newline)
        line = self._line(entry)
        return len(text), f"{line}{newline}" if not text or text.endswith("\n") else f"{newline}{line}"

    def fragment(self, entries: Sequence[Entry]) -> str:
        head = [self.head] if self.head else []
        return "".join(f"{line}{self.newline}" for line in (*head, *map(self._line, entries)))

    def _line(self, entry: Entry) -> str:
        quote = '"' if self.quoted else ""
        return f"{entry.name}{self.separator}{quote}{entry.value}{quote}"


YEALINK = Lines(" = ", "=", head="#!version:1.0.0.1")
AASTRA = Lines(": ", ":")
FANVIL_TEXT = Lines(" :", ":", comments="#<")
SNOM_TEXT = Lines(": ", ":")
AUDIOCODES_INI = Lines(" = ", "=", comments=";[")
AUDIOCODES_CFG = Lines("=", "=")
PANASONIC = Lines(
    "=", "=", quoted=True, head="# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!", newline="\r\n"
)
TWINKLE = Lines("=", "=")
PJSUA = Lines(" ", " ")
BARESIP_CONFIG = Lines("\t\t", " ")
