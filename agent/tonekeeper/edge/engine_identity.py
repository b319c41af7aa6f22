"""Who an SNMPv3 engine is, and how often it has started: `snmp-engine.json` (RFC 3411 section 3.1.1, RFC 3414
section 2.2).

A recorded packet is worth nothing after a restart only if the boots never go back. So the file is written through to
the disk before the engine answers; where that fails, or the file cannot be read, the engine takes a new identity: for a
new engine, every old packet is one of somebody else.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tonekeeper.edge.state_file import put_aside, replace_whole
from tonekeeper.errors import EdgeError

NAME = "snmp-engine.json"
SCHEMA = 1
MOST_BOOTS = 2**31 - 2
"""The last number means that the engine must be configured anew."""
_ENTERPRISE = 32473
_OCTETS_FOLLOW = 5
"""What the rest of an engine id is (RFC 3411 section 5, SnmpEngineID)."""
_RANDOM_OCTETS = 12


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    engine_id: bytes
    boots: int
    warning: str = ""
    """Why it is a new one although it need not be, a sentence; empty: it is not."""


class _File(msgspec.Struct):
    schema: int
    engine_id: str
    """Hexadecimal."""
    boots: int


def begin_engine(directory: Path, octets: Callable[[int], bytes] = os.urandom) -> EngineIdentity:
    """The identity of this start. Nothing is raised: see `warning`."""
    path = directory / NAME
    warning = ""
    try:
        known = _read(path)
    except FileNotFoundError:
        known = None
    except (OSError, msgspec.DecodeError, ValueError) as error:
        known, warning = None, f"cannot use '{path}': {error}; the engine has a new identity, and {put_aside(path)}"
    if known is None:
        fresh = (0x80000000 | _ENTERPRISE).to_bytes(4) + bytes([_OCTETS_FOLLOW]) + octets(_RANDOM_OCTETS)
        known = _File(SCHEMA, fresh.hex(), 0)
    known.boots += 1
    try:
        replace_whole(path, msgspec.json.encode(known) + b"\n")
    except OSError as error:
        fresh = bytes.fromhex(known.engine_id)[:5] + octets(_RANDOM_OCTETS)
        refused = EdgeError(f"write '{path}'", error, remedy="managers meet a new engine at each start")
        return EngineIdentity(fresh, 1, str(refused))
    return EngineIdentity(bytes.fromhex(known.engine_id), known.boots, warning)


def _read(path: Path) -> _File:
    found = msgspec.json.decode(path.read_bytes(), type=_File)
    if found.schema != SCHEMA or not 5 <= len(bytes.fromhex(found.engine_id)) <= 32:
        raise ValueError("it is none of this release")
    if not 0 < found.boots < MOST_BOOTS:
        raise ValueError(f"{found.boots} starts are none")
    return found
