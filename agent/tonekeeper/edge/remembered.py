"""Where the SBCs were proven to be, kept for the day the agent starts and no resolver answers: `addresses.json`.

The file is replaced whole, so a power cut leaves the old one or the new one. One that cannot be read is put aside as
`addresses.json.broken`, where somebody can look at it, and the agent starts without; what it knew costs one answer of a
resolver to learn again.

An SBC that is where it was yesterday is written again once an hour, not at each proof: flash wears out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tonekeeper.core.commands import RememberTargets
from tonekeeper.core.events import TargetsRecalled
from tonekeeper.core.site import Target
from tonekeeper.edge.state_file import put_aside, replace_whole
from tonekeeper.errors import EdgeError

NAME = "addresses.json"
SCHEMA = 1
MOST_SBCS = 64
"""SBCs kept; of more, those proven longest ago are forgotten, such as ones that were renamed."""
REFRESH = 3600.0
"""Seconds until an unchanged SBC is written again."""
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProvenTargets:
    proven: float
    """Seconds since 1970-01-01 UTC, by this host's clock."""
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class _File:
    schema: int
    sbcs: dict[str, ProvenTargets]


class _Schema(msgspec.Struct):
    """Read first: a later version may mean anything by the rest."""

    schema: int


class RememberedTargets:
    """The file in `directory`; `wall` is the time of day."""

    def __init__(self, directory: Path, wall: Callable[[], float] = time.time) -> None:
        self._path = directory / NAME
        self._wall = wall
        self._sbcs: dict[str, ProvenTargets] = {}
        self._unwritten = False
        self.warning = ""
        """What was wrong with the file when it was read, a sentence; empty: nothing."""

    def recall(self) -> list[TargetsRecalled]:
        """What an earlier run has proven, for the core. Nothing is raised: see `warning`."""
        try:
            self._sbcs = _decode(self._read())
        except FileNotFoundError:
            return []
        except OSError as error:
            self.warning = str(EdgeError(f"read '{self._path}'", error))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.warning = f"cannot use '{self._path}': {error}; {put_aside(self._path)}"
        now = self._wall()
        return [
            # A clock that was set back, or has not been set yet after a cold start, must not make an age negative.
            TargetsRecalled(name, sbc.targets, max(0.0, now - sbc.proven))
            for name, sbc in self._sbcs.items()
            if sbc.targets
        ]

    def keep(self, command: RememberTargets) -> None:
        """Proven now. `EdgeError` where the disk refuses; the next call tries to write this one too."""
        now = self._wall()
        known = self._sbcs.get(command.sbc)
        if known is not None and known.targets == command.targets and not self._is_due(known, now):
            return
        self._sbcs[command.sbc] = ProvenTargets(now, command.targets)
        self._forget_the_oldest()
        self._unwritten = True
        try:
            replace_whole(
                self._path, msgspec.json.format(msgspec.json.encode(_File(SCHEMA, self._sbcs)), indent=1) + b"\n"
            )
        except OSError as error:
            raise EdgeError(f"write '{self._path}'", error, remedy="what is remembered ends with the process") from None
        self._unwritten = False

    def _is_due(self, known: ProvenTargets, now: float) -> bool:
        return self._unwritten or not 0.0 <= now - known.proven < REFRESH

    def _forget_the_oldest(self) -> None:
        while len(self._sbcs) > MOST_SBCS:
            del self._sbcs[min(self._sbcs, key=lambda name: self._sbcs[name].proven)]

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(_MOST_BYTES)


def _decode(data: bytes) -> dict[str, ProvenTargets]:
    """`msgspec.DecodeError`, ValueError or RecursionError for what is no such file, or one of a later version."""
    schema = msgspec.json.decode(data, type=_Schema).schema
    if schema != SCHEMA:
        raise ValueError(f"it has schema {schema}, and only {SCHEMA} is known here")
    return msgspec.json.decode(data, type=_File).sbcs
