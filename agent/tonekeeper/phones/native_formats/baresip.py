"""baresip: settings of an account behind its address, `<sip:alice@example.net>;regint=60`; all others in `config`.

Accounts are the lines of the file that begin one, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.phones.native_formats.lines import BARESIP_CONFIG
from tonekeeper.phones.native_formats.setting_places import Entry, Place

_ACCOUNT = re.compile(r"^[ \t]*+(?:\"[^\"\r\n]*+\"[ \t]*+|[^#<;\r\n]*+)<[^>\r\n]*+>(?P<rest>[^\r\n#]*+)", re.MULTILINE)
_PARAMETER = re.compile(r";([A-Za-z0-9_\-]++)=(\"[^\"\r\n]*+\"|[^;\r\n]*+)")


@dataclass(frozen=True, slots=True)
class Baresip:
    def places(self, text: str) -> Iterator[Place]:
        accounts = list(_ACCOUNT.finditer(text))
        for number, line in enumerate(accounts, 1):
            for found in _PARAMETER.finditer(text, line.start("rest"), line.end("rest")):
                end = found.start(2) + len(found[2].rstrip())
                yield Place(found[1], found.start(2), end, end, number)
        if not accounts:
            pasted = re.search(r"^;[^\r\n]*+", text, re.MULTILINE)
            if pasted is not None:
                for found in _PARAMETER.finditer(text, pasted.start(), pasted.end()):
                    yield Place(found[1], found.start(2), found.end(2), found.end())
            yield from (place for place in BARESIP_CONFIG.places(text) if not text.startswith(";", place.start - 1))

    def encoded(self, value: str) -> str:
        return value

    def decoded(self, raw: str) -> str:
        return raw

    def addition(self, text: str, entry: Entry) -> tuple[int, str] | None:
        accounts = list(_ACCOUNT.finditer(text))
        if not entry.account:
            return None if accounts else BARESIP_CONFIG.addition(text, entry)
        if len(accounts) < entry.account:
            return None
        line = accounts[entry.account - 1]
        end = line.start("rest") + len(line["rest"].rstrip())
        return end, f";{entry.name}={entry.value}"

    def fragment(self, entries: Sequence[Entry]) -> str:
        own = "".join(f";{entry.name}={entry.value}" for entry in entries if entry.account)
        shared = [entry for entry in entries if not entry.account]
        parts = [f"# behind the account's address\n{own}\n" if own else ""]
        parts.append(f"# into the file config\n{BARESIP_CONFIG.fragment(shared)}" if shared else "")
        return "".join(parts)


BARESIP = Baresip()
