"""How an object of the MIB is defined: what it is called, where it stands, and where in the report its value is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from tonekeeper.core.report import Report
from tonekeeper.faces.snmp.syntax import Syntax

PREFIX = "tk"
ARC = 5060
"""Under the enterprise: a provider who sets his own has the low numbers in use."""
MIB, NOTIFICATIONS, OBJECTS, CONFORMANCE = (ARC,), (ARC, 0), (ARC, 1), (ARC, 2)
ENTERPRISES = (1, 3, 6, 1, 4, 1)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A finding, or whatever else has no name that fits into an OID, under the number that it keeps while it lasts."""

    number: int
    one: Any


@dataclass(frozen=True, slots=True)
class Served:
    """Everything that the objects are read from."""

    report: Report
    findings: tuple[Numbered, ...] = ()
    queued: int = 0
    """Notifications that wait."""
    lost: int = 0
    """Notifications that were given up, since the agent started."""


Read = Callable[[Any], object]


def of(path: str) -> Read:
    """Reads `report.agent.name`."""
    return attrgetter(path)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar, or a column of a table. The number is given once and never again to another object."""

    number: int
    name: str
    """Without the prefix and the name of the table: `State`."""
    syntax: Syntax
    read: Read | None
    """From `Served`, or from a row; an object without can only be found in notifications."""
    description: str
    units: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """What a row is found by: a column that is read as part of the OID only."""

    name: str
    """Whole, without the prefix: `WanName`."""
    syntax: Syntax
    read: Read
    number: int = 0
    """Of its column; 0 where it is one of another table."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    number: int
    """Under tkObjects."""
    name: str
    """`Wan`: tkWanTable, tkWanEntry, TkWanEntry."""
    rows: Callable[[Served], Iterable[Any]]
    indices: tuple[Index, ...]
    columns: tuple[Leaf, ...]
    description: str
    most: int
    """Rows, so that what strangers can make more of has a bound."""
    always: bool = True
    """Every agent has it; else it depends on the configuration or the role."""


@dataclass(frozen=True, slots=True)
class Group:
    """Scalars that belong together."""

    number: int
    """Under tkObjects."""
    name: str
    leaves: tuple[Leaf, ...]
    description: str


@dataclass(frozen=True, slots=True)
class NotificationType:
    """`carries`: the objects of `of` that it has, beside those that every notification has."""

    number: int
    """Under tkNotifications."""
    name: str
    of: Table | Group
    carries: tuple[str, ...]
    description: str
