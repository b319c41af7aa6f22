"""A file that is there whole, or as it was before: written beside its place, through to the disk, and moved there.

A device or a pipe (`/dev/stdout`) is written to as it is: moving a file to its place would take it away.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tonekeeper.errors import EdgeError


@contextmanager
def whole_file(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """What is written inside becomes `path` at the end, or what it links to. `EdgeError` where that fails; then
    nothing is left of it. `mode` as in open(2): the umask takes from it."""
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        with _moved_to(Path(os.path.realpath(path)), mode) as file:
            yield file
    except OSError as error:
        raise EdgeError(f"write '{path}'", error, remedy="name a file in a directory with room, that you own") from None


@contextmanager
def _moved_to(path: Path, mode: int) -> Iterator[BinaryIO]:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text.encode())
