"""The PDUs between a master agent and a subagent (RFC 2741 section 6), as far as a read-only subagent needs them.

Open, Register, Notify, Ping, Close    to the master, which answers each but Close by a Response
Get, GetNext, GetBulk                  from the master, answered by a Response
TestSet, CommitSet, UndoSet            likewise; CleanupSet is not answered
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from tonekeeper.wire.smi import Oid, Varbind


class Error(IntEnum):
    """Of a Response; others are told by their number."""

    NONE = 0
    GENERAL = 5
    COMMIT_FAILED = 14
    UNDO_FAILED = 15
    NOT_WRITABLE = 17
    OPEN_FAILED = 256
    NOT_OPEN = 257
    DUPLICATE_REGISTRATION = 263
    UNSUPPORTED_CONTEXT = 262
    PARSE_ERROR = 266
    REQUEST_DENIED = 267
    PROCESSING_ERROR = 268


@dataclass(frozen=True, slots=True)
class Open:
    timeout: int
    """Seconds that the master waits for us; 0: as it likes."""
    oid: Oid
    """Of this subagent."""
    description: str


@dataclass(frozen=True, slots=True)
class Close:
    reason: int


@dataclass(frozen=True, slots=True)
class Register:
    subtree: Oid
    priority: int = 127
    timeout: int = 0


class SearchRange(NamedTuple):
    start: Oid
    end: Oid
    """What is found is before it; empty: no limit."""
    include: bool = False
    """`start` itself may be found."""


@dataclass(frozen=True, slots=True)
class Get:
    names: tuple[Oid, ...]


@dataclass(frozen=True, slots=True)
class GetNext:
    ranges: tuple[SearchRange, ...]


@dataclass(frozen=True, slots=True)
class GetBulk:
    non_repeaters: int
    max_repetitions: int
    ranges: tuple[SearchRange, ...]


@dataclass(frozen=True, slots=True)
class TestSet:
    varbinds: tuple[Varbind, ...]


@dataclass(frozen=True, slots=True)
class CommitSet:
    pass


@dataclass(frozen=True, slots=True)
class UndoSet:
    pass


@dataclass(frozen=True, slots=True)
class CleanupSet:
    pass


@dataclass(frozen=True, slots=True)
class Notify:
    varbinds: tuple[Varbind, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class Response:
    error: int = Error.NONE
    index: int = 0
    """Of the varbind that the error is about, from 1; 0: of none."""
    varbinds: tuple[Varbind, ...] = ()
    up_time: int = 0
    """Hundredths of a second; only the master knows it."""


Pdu = (
    Open
    | Close
    | Register
    | Get
    | GetNext
    | GetBulk
    | TestSet
    | CommitSet
    | UndoSet
    | CleanupSet
    | Notify
    | Ping
    | Response
)
Request = Get | GetNext | GetBulk | TestSet | CommitSet | UndoSet
"""What a master wants an answer to."""
