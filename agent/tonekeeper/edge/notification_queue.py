"""Notifications that wait for a way to their managers: in memory, and in `notifications.json` once the way is closed.

While everything is delivered nothing touches the disk. When a delivery fails the whole queue is written, at most once
in PAUSE, and once more at the end; when nothing waits any more the file is removed. A power cut costs what came within
the last PAUSE. Where there are too many, the oldest go: they are counted as lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tonekeeper.edge.state_file import put_aside, replace_whole
from tonekeeper.errors import EdgeError
from tonekeeper.wire.smi import Tag, Value, Varbind

NAME = "notifications.json"
SCHEMA = 1
MOST = 256
"""Notifications that wait; of about 500 octets each."""
PAUSE = 10.0
"""Seconds between two writes."""
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Waiting:
    varbinds: tuple[Varbind, ...]
    targets: set[str]
    """That still have to be told."""


class _Stored(msgspec.Struct, array_like=True):
    """A varbind; of the last three, the one that its tag has."""

    oid: tuple[int, ...]
    tag: int
    number: int | None = None
    octets: bytes | None = None
    name: tuple[int, ...] | None = None


class _Entry(msgspec.Struct):
    targets: list[str]
    varbinds: list[_Stored]


class _File(msgspec.Struct):
    schema: int
    waiting: list[_Entry]


class NotificationQueue:
    """`directory` is that of the agent's state; `now` is monotonic seconds."""

    def __init__(self, directory: Path, now: Callable[[], float], most: int = MOST) -> None:
        self._path = directory / NAME
        self._now = now
        self._most = most
        self._waiting: deque[Waiting] = deque()
        self._is_on_disk = False
        self._written_at = -PAUSE
        self.lost = 0
        """Given up because too many were waiting."""

    def __len__(self) -> int:
        return len(self._waiting)

    def recall(self, targets: Collection[str]) -> None:
        """What an earlier run could not deliver to `targets`; others are not configured any more. `EdgeError` where
        the file cannot be used; it is put aside then."""
        try:
            with self._path.open("rb") as file:
                found = msgspec.json.decode(file.read(_MOST_BYTES), type=_File)
            if found.schema != SCHEMA:
                raise ValueError(f"it has schema {found.schema}, and only {SCHEMA} is known here")
            entries = [_read(entry) for entry in found.waiting]
        except FileNotFoundError:
            return
        except OSError as error:
            raise EdgeError(f"read '{self._path}'", error) from None
        except (msgspec.DecodeError, ValueError) as error:
            raise EdgeError(
                f"use '{self._path}': {error}; what waits there is told to nobody, {put_aside(self._path)}"
            ) from None
        self._is_on_disk = True
        for entry in entries:
            self.add(entry.varbinds, entry.targets & set(targets))

    def add(self, varbinds: tuple[Varbind, ...], targets: Iterable[str]) -> None:
        remaining = set(targets)
        if not remaining:
            return
        self._waiting.append(Waiting(varbinds, remaining))
        if len(self._waiting) > self._most:
            self._waiting.popleft()
            self.lost += 1

    def next_for(self, target: str) -> Waiting | None:
        """The oldest that `target` has not been told of."""
        return next((one for one in self._waiting if target in one.targets), None)

    def delivered(self, one: Waiting, target: str) -> None:
        """`EdgeError` where the disk refuses to forget it: after a restart it is told again."""
        one.targets.discard(target)
        if not one.targets and one in self._waiting:
            self._waiting.remove(one)
        if not self._waiting and self._is_on_disk:
            self._remove()

    def save(self, *, at_once: bool = False) -> None:
        """Something could not be delivered: keep what waits, unless it was written a moment ago. `EdgeError` where the
        disk refuses; the next call tries again."""
        if not self._waiting or (self._now() < self._written_at + PAUSE and not at_once):
            return
        self._written_at = self._now()
        content = _File(SCHEMA, [_Entry(sorted(one.targets), [*map(_store, one.varbinds)]) for one in self._waiting])
        try:
            replace_whole(self._path, msgspec.json.encode(content))
        except OSError as error:
            raise EdgeError(f"write '{self._path}'", error, remedy="what waits ends with the process") from None
        self._is_on_disk = True

    def _remove(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise EdgeError(f"remove '{self._path}'", error) from None
        self._is_on_disk = False


def _store(varbind: Varbind) -> _Stored:
    tag, content = varbind.value
    match content:
        case int():
            return _Stored(varbind.oid, tag, number=content)
        case bytes():
            return _Stored(varbind.oid, tag, octets=content)
        case tuple():
            return _Stored(varbind.oid, tag, name=content)
        case None:
            return _Stored(varbind.oid, tag)


def _read(entry: _Entry) -> Waiting:
    varbinds = [
        Varbind(
            one.oid, Value(Tag(one.tag), next((c for c in (one.number, one.octets, one.name) if c is not None), None))
        )
        for one in entry.varbinds
    ]
    return Waiting(tuple(varbinds), set(entry.targets))
