"""The journal's lines: what happened and what was done about it, exactly, so that it can happen again.

    {"journal":3,"version":"0.1.0","at":81234.5,"wall":1764000000.0,"situation":{...}}
    {"at":81239.1,"event":"DeadlineReached","data":{...},"commands":[["SendOptions",{...}]]}

A segment begins with a header; its checkpoint is all that the agent knew at that moment, so a replay can start at any
segment that is left. `at` is monotonic seconds and orders everything; `wall` (seconds since 1970) only tells people
when that was. Event data are raw, commands are there to compare a replay with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import msgspec

from tonekeeper.core.commands import Command
from tonekeeper.core.events import Event
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.situation import Situation
from tonekeeper.errors import DecodeError

FORMAT = 3
"""One more with every release that writes events, commands or the situation otherwise."""

_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


@dataclass(frozen=True, slots=True)
class Header:
    version: str
    at: float
    wall: float
    situation: Situation


@dataclass(frozen=True, slots=True)
class Entry:
    at: float
    event: Event
    commands: bytes
    """The commands as they were written, for comparing byte by byte."""


def write_header(header: Header) -> bytes:
    """One line, without the newline."""
    line = {
        "journal": FORMAT,
        "version": header.version,
        "at": header.at,
        "wall": header.wall,
        "situation": _situation_out(header.situation),
    }
    return msgspec.json.encode(line)


def write_entry(at: float, event: Event, commands: list[Command]) -> bytes:
    """One line, without the newline."""
    line = {"at": at, "event": type(event).__name__, "data": event, "commands": msgspec.Raw(write_commands(commands))}
    return msgspec.json.encode(line)


def write_commands(commands: list[Command]) -> bytes:
    return msgspec.json.encode([(type(command).__name__, command) for command in commands])


def read_header(line: bytes) -> Header:
    """The header of a segment; DecodeError if it is none or of another format."""
    fields = _fields(line)
    if fields.get("journal") != FORMAT:
        theirs = f"format {fields.get('journal')!r} of release {fields.get('version')!r}"
        raise DecodeError("journal header", f"{theirs} is not {FORMAT}, which this release reads")
    try:
        return Header(
            version=msgspec.convert(fields["version"], str),
            at=msgspec.convert(fields["at"], float),
            wall=msgspec.convert(fields["wall"], float),
            situation=_situation_in(fields["situation"]),
        )
    except (KeyError, msgspec.ValidationError) as error:
        raise DecodeError("journal header", str(error)) from None


class _RawEntry(msgspec.Struct):
    at: float
    event: str
    data: msgspec.Raw
    commands: msgspec.Raw


def read_entry(line: bytes) -> Entry:
    try:
        raw = msgspec.json.decode(line, type=_RawEntry)
        kind = _EVENTS[raw.event]
        return Entry(raw.at, msgspec.json.decode(raw.data, type=kind), bytes(raw.commands))
    except KeyError as error:
        raise DecodeError("journal entry", f"unknown event {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("journal entry", str(error)) from None


def _fields(line: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("journal header", str(error)) from None


def _situation_out(situation: Situation) -> dict[str, object]:
    """Plain data; probes as a list, because a path cannot be a key in JSON."""
    fields = {name: getattr(situation, name) for name in Situation.__slots__}
    return {**fields, "probes": list(situation.probes.values())}


def _situation_in(data: object) -> Situation:
    fields = dict(msgspec.convert(data, dict[str, object]))
    probes = msgspec.convert(fields.pop("probes"), list[PathProbe])
    situation = msgspec.convert({**fields, "probes": {}}, Situation)
    situation.probes = {probe.path: probe for probe in probes}
    return situation
