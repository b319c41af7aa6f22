"""The [checks] section: what is looked at beside the paths, and whom that takes."""

from __future__ import annotations

import re

from tonekeeper.core.site import ChecksPolicy, HttpPage
from tonekeeper.settings import kinds
from tonekeeper.settings.kinds import Refusal
from tonekeeper.settings.table import Table
from tonekeeper.settings.written import a_toml_type, as_written
from tonekeeper.wire.ntp import PORT

MOST_TIME_SERVERS = 8

_PAGE = re.compile(r"[Hh][Tt][Tt][Pp]://([^/?#@\s]+)(/[!-\"$-~]*)?")
"""Without a fragment, and without a user whose password would be sent in the clear."""


def read_checks(table: Table) -> ChecksPolicy:
    with table:
        default = ChecksPolicy()
        return ChecksPolicy(
            background=table.optional("background", kinds.boolean, default.background),
            time_servers=table.optional("time_servers", time_servers, default.time_servers),
            portal_page=table.optional("portal_url", http_page, default.portal_page),
        )


def time_servers(value: object) -> tuple[tuple[str, int], ...] | Refusal:
    """Host and port of each."""
    remedy = 'write a list of HOST or HOST:PORT, each once, such as ["ntp.example.net"]'
    if not isinstance(value, list):
        return Refusal(f"is {a_toml_type(value)}, not a list", remedy)
    if len(value) > MOST_TIME_SERVERS:
        return Refusal(f"names more than {MOST_TIME_SERVERS} servers", remedy)
    found: list[tuple[str, int]] = []
    for each in value:
        server = kinds.server(PORT)(each)
        if isinstance(server, Refusal):
            return Refusal(f"{as_written(each)} {server.reason}", remedy)
        if server in found:
            return Refusal(f"names {as_written(each)} twice", remedy)
        found.append(server)
    return tuple(found)


def http_page(value: object) -> HttpPage | Refusal:
    remedy = 'write http://HOST[:PORT]/PATH, such as "http://check.example.net/generate_204"'
    written = kinds.text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, remedy)
    match = _PAGE.fullmatch(written)
    if match is None:
        return Refusal("is not a page without TLS", remedy)
    server = kinds.server(80)(match[1])
    return Refusal(server.reason, remedy) if isinstance(server, Refusal) else HttpPage(*server, match[2] or "/")
