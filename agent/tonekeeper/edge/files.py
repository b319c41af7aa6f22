"""What the agent keeps on disk, on routers that lose power and whose flash is full one day.

The journal is a row of segments, `journal-00000001.jsonl.gz` and so on, of lines. Each segment begins with lines that
the caller is asked for (a header and checkpoint), so the oldest ones can go when room is needed, and a reader can begin
with any. A segment begins *after* a line: what its head says is the state after everything that was appended before.

Flash wears out by being written. So lines wait in memory for a minute and are then written as one block, a gzip member
of its own (RFC 1952 section 2.2): `zcat` reads a segment, and a block that the power cut short is known by its missing
end, and dropped. What must not be lost is written through at once. Segments of earlier releases are plain lines.

When a write fails, the caller hears of it once. What was not yet written is lost, and so is all that is appended until
a write succeeds again; that write begins a new segment, whose head makes up for the gap.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tonekeeper.errors import EdgeError

SEGMENTS = 8
"""A segment's share of the whole is one in so many: that much history goes at once when room is needed."""
FLUSH_AFTER = 60.0
"""Seconds a line may wait in memory."""
FLUSH_AT = 64 * 1024
"""Bytes that may wait in memory."""
RETRY_AFTER = 2.0
"""Seconds before a failed write is tried again."""
LEVEL = 6
"""Of zlib: a block of a minute shrinks to a ninth in 1 ms; 9 would save two hundredths more."""
LOCK_NAME = "tonekeeper.lock"

_SEGMENT_NAME = re.compile(r"journal-([0-9]{8,})\.jsonl(\.gz)?")
_GZIP = 16 + 15
"""zlib's window, with gzip's header and checksum around it."""
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class TornLine:
    """The last line or block of a segment had no end: the power went, or the disk was full. It was dropped."""

    size: int
    """Bytes"""


@dataclass(frozen=True, slots=True)
class Segment:
    path: Path
    size: int
    """Bytes"""

    @property
    def number(self) -> int:
        return _number(self.path)


@dataclass(frozen=True, slots=True)
class JournalView:
    """What there was at one moment, oldest first; later writes do not change what it says."""

    segments: tuple[Segment, ...]
    waiting: bytes
    """Lines that belong to the latest segment and were still in memory."""


def read_segment(path: Path, size: int | None = None) -> Iterator[bytes | TornLine]:
    """Each complete line, without its end; then a TornLine if there was one. `EdgeError` where it cannot be read.

    `size`: read no further than so many bytes.
    """
    try:
        with path.open("rb") as file:
            pieces = _pieces(file, size)
            yield from _complete_lines(pieces) if path.suffix != ".gz" else _lines_of_blocks(pieces)
    except OSError as error:
        raise EdgeError(f"read the journal '{path}'", error) from None


def _pieces(file: BinaryIO, size: int | None) -> Iterator[bytes]:
    left = sys.maxsize if size is None else size
    while piece := file.read(min(_PIECE, left)):
        left -= len(piece)
        yield piece


def _complete_lines(pieces: Iterable[bytes]) -> Iterator[bytes | TornLine]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        yield TornLine(len(rest))


def _lines_of_blocks(pieces: Iterable[bytes]) -> Iterator[bytes | TornLine]:
    """Of the blocks that are whole, up to the first that is not."""
    block, clear, taken = zlib.decompressobj(_GZIP), bytearray(), 0
    is_broken = False
    for piece in pieces:
        rest = piece
        while rest and not is_broken:
            try:
                clear += block.decompress(rest)
            except zlib.error:
                is_broken = True
                break
            taken += len(rest) - len(block.unused_data)
            rest = block.unused_data
            if block.eof:
                yield from bytes(clear).split(b"\n")[:-1]
                block, clear, taken = zlib.decompressobj(_GZIP), bytearray(), 0
        taken += len(rest)
    if taken:
        yield TornLine(taken)


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


def _sized(segments: Iterable[Path]) -> Iterator[Segment]:
    for path in segments:
        with suppress(FileNotFoundError):
            yield Segment(path, path.stat().st_size)


def _number(segment: Path) -> int:
    return int(segment.name.partition("-")[2].partition(".")[0])


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
        self._path: Path | None = None
        self._kept: list[Segment] = []
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
        if len(self._buffer) >= min(FLUSH_AT, self._max_bytes // SEGMENTS):
            self.flush()
        else:
            self.look()

    def look(self) -> None:
        """Write what has waited long enough. `EdgeError` as in `append`."""
        if self._buffer and self._clock() >= self._flush_at:
            self.flush()

    def flush(self) -> None:
        """Hand over to the system what waits in memory. `EdgeError` as in `append`."""
        if self._file is not None:
            self._attempt(self._write_on)

    def secure(self) -> int | None:
        """Likewise; then a file to be synced, and closed, by the caller, who may wait for it elsewhere. None: none."""
        self.flush()
        return os.dup(self._file) if self._file is not None else None

    def view(self) -> JournalView:
        """For a reader, who may be slow. `EdgeError` where the directory cannot be read."""
        if self._path is None:
            return JournalView(tuple(_sized(segments_in(self._directory))), b"")
        return JournalView((*self._kept, Segment(self._path, self._written)), bytes(self._buffer))

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
            self._retry_at = self._clock() + RETRY_AFTER
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
        self._kept = list(_sized(kept))
        path = self._directory / f"journal-{_number(kept[-1]) + 1 if kept else 1:08}.jsonl.gz"
        for line in self._head():
            self._buffer += line
            self._buffer += b"\n"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            self._write()
        except OSError:
            _discard(path)  # a full disk would collect one more of these at each new attempt
            raise
        self._path, self._head_size = path, self._written

    def _write_on(self) -> None:
        """A block, and a new segment where this one has had its share."""
        self._write()
        if self._written - self._head_size >= self._max_bytes // SEGMENTS:
            self._begin()

    def _write(self) -> None:
        assert self._file is not None
        if os.fstat(self._file).st_nlink == 0:  # somebody removed it: what is written there is gone with the process
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if not self._buffer:
            return
        squeezer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
        block = squeezer.compress(self._buffer) + squeezer.flush()
        self._make_room(self._written + len(block))
        while block:
            written = os.write(self._file, block)
            self._written += written
            block = block[written:]
        self._buffer.clear()

    def _write_through(self) -> None:
        assert self._file is not None
        self._write()
        os.fsync(self._file)
        self._leave_segment()

    def _make_room(self, current: int) -> None:
        """Remove the oldest segments until the others and the `current` bytes of this one fit."""
        while self._kept and sum(segment.size for segment in self._kept) + current > self._max_bytes:
            self._kept[0].path.unlink(missing_ok=True)
            del self._kept[0]

    def _leave_segment(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = self._path = None
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
