"""Who the agents are: rows of CSV or YAML into hosts. A broken row is named, and the others are used."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tonekeeper.errors import Mistake

COLUMNS = ("name", "address", "method", "credentials")
DEFAULT_PORT = 8642
LONGEST_NAME = 253

_ADDRESS = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[0-9A-Za-z._-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[!-~]*)?"
)
_CREDENTIALS = re.compile(r"(?:file:.+|env:[A-Za-z_][A-Za-z0-9_]*)?")


class Method(StrEnum):
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Host:
    name: str
    address: str
    """As it was written."""
    url: str
    """With scheme and port."""
    method: Method
    credentials: str = ""
    """Where they are: "file:/etc/noc.token", "env:NOC_TOKEN"; empty: none. Never the secret itself."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Every other column: a region, the provider of a WAN ..."""


@dataclass(frozen=True, slots=True)
class Inventory:
    hosts: tuple[Host, ...]
    mistakes: tuple[Mistake, ...]
    """One for each row that cannot be used."""


def read_csv(text: str) -> Inventory:
    """The first row names the columns. A line is counted from 1."""
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, restkey="", restval="")
    if reader.fieldnames is None or not {"name", "address"} <= set(reader.fieldnames):
        remedy = f"begin with the line {','.join(COLUMNS)}"
        return Inventory((), (Mistake("line 1", "", "does not name the columns name and address", remedy),))
    rows: list[tuple[str, Mapping[str, object]]] = []
    try:
        rows = [(f"line {reader.line_num}", row) for row in reader]
    except csv.Error as error:
        return Inventory((), (Mistake(f"line {reader.line_num}", "", str(error), "quote what holds a comma"),))
    return read_rows(rows)


def read_rows(rows: Iterable[tuple[str, Mapping[str, object]]]) -> Inventory:
    """`rows`: where each stands, and its columns."""
    hosts: dict[str, Host] = {}
    mistakes: list[Mistake] = []
    for where, row in rows:
        host = _host(where, row)
        if isinstance(host, Mistake):
            mistakes.append(host)
        elif host.name in hosts:
            mistakes.append(Mistake(where, f'"{host.name}"', "is there already", "give each agent a name of its own"))
        else:
            hosts[host.name] = host
    return Inventory(tuple(hosts.values()), tuple(mistakes))


def _host(where: str, row: Mapping[str, object]) -> Host | Mistake:
    values = {str(key): str(value).strip() for key, value in row.items() if value is not None}
    name, address = values.get("name", ""), values.get("address", "")
    method, credentials = values.get("method", "") or Method.HTTP, values.get("credentials", "")
    if "" in values:
        return Mistake(where, "", "has more columns than the first line names", "quote what holds a comma")
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        return Mistake(where, f'"{name[:60]}"', "is no name", "name each agent in printable characters")
    if method not in list(Method):
        return Mistake(where, f'"{method}"', "is no method that agents are polled by", "write http")
    if not _CREDENTIALS.fullmatch(credentials):
        return Mistake(where, "(not shown)", "is no reference to credentials", "write file:/path or env:NAME")
    url = _url(address)
    if not url:
        return Mistake(where, f'"{address[:60]}"', "is no address", "write HOST, HOST:PORT or https://HOST:PORT")
    labels = {key: value for key, value in values.items() if key not in COLUMNS and value}
    return Host(name, address, url, Method(method), credentials, labels)


def _url(address: str) -> str:
    """Empty for what is none."""
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"] or 1) <= 65535:
        return ""
    scheme = found["scheme"] or "http"
    return f"{scheme}://{found['host']}:{found['port'] or DEFAULT_PORT}{(found['path'] or '').rstrip('/')}"
