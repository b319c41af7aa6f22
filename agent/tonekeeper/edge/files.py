"""What the agent keeps on disk, on routers that lose power and whose flash is full one day.

The journal is a row of segments, `journal-00000001.jsonl` and so on, of lines. Each segment begins with lines that the
caller is asked for (a header and checkpoint), so the oldest ones can go when room is needed, and a reader can begin
with any. A segment begins *after* a line: what its head says is the state after everything that was appended before.

When a write fails, the caller hears of it once. What was not yet written is lost, and so is all that is appended until
a write succeeds again; that write begins a new segment, whose head makes up for the gap.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tonekeeper.errors import EdgeError

SEGMENTS = 8
"""A segment's share of the whole is one in so many: that much history goes at once when room is needed."""
FLUSH_AFTER = 2.0
"""Seconds a line may wait in memory, and the pause before a failed write is tried again."""
FLUSH_AT = 64 * 1024
"""Bytes that may wait in memory."""
LOCK_NAME = "tonekeeper.lock"

_SEGMENT_NAME = re.compile(r"journal-[0-9]{8,}\.jsonl")


@dataclass(frozen=True, slots=True)
class TornLine:
    """The last line of a segment had no end: the power went, or the disk was full. It was dropped."""

    size: int
    """Bytes"""


def read_segment(path: Path) -> Iterator[bytes | TornLine]:
    """Each complete line, without its end; then a TornLine if there was one. `EdgeError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            for line in file:
                yield line[:-1] if line.endswith(b"\n") else TornLine(len(line))
    except OSError as error:
        raise EdgeError(f"read the journal '{path}'", error) from None


def segments_in(directory: Path) -> list[Path]:
    """The journal's segments, oldest first; none where there is no such directory. `EdgeError` where it is closed."""
    try:
        return _segments(directory)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EdgeError(f"read the directory '{directory}'", error) from None


def _segments(directory: Path) -> list[Path]:
    return sorted((path for path in directory.iterdir() if _SEGMENT_NAME.fullmatch(path.name)), key=_number)


def _number(segment: Path) -> int:
    return int(segment.stem.partition("-")[2])


class JournalFiles:
    """Append-only lines in `directory`, of at most `max_bytes` together.

    `head` gives the first lines of a new segment. Nothing touches the disk before `begin`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int,
        head: Callable[[], Iterable[bytes]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._head = head
        self._clock = clock
        self._file: int | None = None
        self._kept: list[tuple[Path, int]] = []
        self._buffer = bytearray()
        self._written = 0
        self._head_size = 0
        self._flush_at = 0.0
        self._failing = False
        self._retry_at = 0.0

    @property
    def failing(self) -> bool:
        """The latest attempt to write failed; its error has been raised."""
        return self._failing

    def begin(self) -> None:
        """Begin a new segment, after the highest there is. `EdgeError` as in `append`."""
        self._attempt(self._begin)

    def append(self, line: bytes) -> None:
        """Keep `line` (without its end). `EdgeError` once when the disk refuses; later calls try again in silence."""
        if self._file is None:
            if self._clock() >= self._retry_at:
                self._attempt(self._begin)
            return
        if not self._buffer:
            self._flush_at = self._clock() + FLUSH_AFTER
        self._buffer += line
        self._buffer += b"\n"
        size = self._written + len(self._buffer)
        if size - self._head_size >= self._max_bytes // SEGMENTS:
            self._attempt(self._begin)
        elif len(self._buffer) >= FLUSH_AT or self._clock() >= self._flush_at:
            self._attempt(self._write)

    def flush(self) -> None:
        """Hand over to the system what waits in memory. `EdgeError` as in `append`."""
        if self._file is not None:
            self._attempt(self._write)

    def close(self) -> None:
        """Write everything through to the disk. `EdgeError` as in `append`."""
        if self._file is not None:
            self._attempt(self._write_through)

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._leave_segment()
            known, self._failing = self._failing, True
            self._retry_at = self._clock() + FLUSH_AFTER
            if not known:
                raise EdgeError(f"write the journal in '{self._directory}'", error, remedy=_remedy(error)) from None
        else:
            self._failing = False

    def _begin(self) -> None:
        if self._file is not None:
            self._write()
        self._leave_segment()
        self._directory.mkdir(parents=True, exist_ok=True)
        kept = _segments(self._directory)
        self._kept = [(path, path.stat().st_size) for path in kept]
        path = self._directory / f"journal-{_number(kept[-1]) + 1 if kept else 1:08}.jsonl"
        for line in self._head():
            self._buffer += line
            self._buffer += b"\n"
        self._head_size = len(self._buffer)
        self._make_room(self._head_size)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            self._write()
        except OSError:
            _discard(path)  # a full disk would collect one more of these at each new attempt
            raise

    def _write(self) -> None:
        assert self._file is not None
        if os.fstat(self._file).st_nlink == 0:  # somebody removed it: what is written there is gone with the process
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._make_room(self._written + len(self._buffer))
        while self._buffer:
            written = os.write(self._file, self._buffer)
            self._written += written
            del self._buffer[:written]

    def _write_through(self) -> None:
        assert self._file is not None
        self._write()
        os.fsync(self._file)
        self._leave_segment()

    def _make_room(self, current: int) -> None:
        """Remove the oldest segments until the others and the `current` bytes of this one fit."""
        while self._kept and sum(size for _, size in self._kept) + current > self._max_bytes:
            self._kept[0][0].unlink(missing_ok=True)
            del self._kept[0]

    def _leave_segment(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None
        self._buffer.clear()
        self._written = self._head_size = 0


class SingleInstance:
    """A state directory to oneself, inside `with`. The lock ends with the process, however that ends.

    Entering raises `EdgeError` (EWOULDBLOCK) where another process is in. A directory that takes no lock file keeps
    nobody out: that is in `failure`.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK_NAME
        self._file: int | None = None
        self.failure: EdgeError | None = None

    def __enter__(self) -> SingleInstance:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            self.failure = EdgeError(f"make the lock '{self._path}'", error, remedy=_remedy(error))
        else:
            self._lock(self._file)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(file, 32, 0).decode("ascii", "replace").strip()
            self.__exit__()
            remedy = f"process {holder} has it: stop that one, or give this one another agent.state_dir"
            raise EdgeError(f"run a second agent on '{self._path.parent}'", error, remedy=remedy) from None
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return  # the number only helps people; a full disk keeps it out


def _discard(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what prevented the writing prevents this too, and has been said


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "make room on the disk"
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return "make the directory writable, or name another as agent.state_dir"
        case _:
            return ""
