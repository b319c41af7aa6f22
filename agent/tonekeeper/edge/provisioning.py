"""Settings files of phones, in the directory that a provisioning server serves.

A phone may ask for its file at any moment, and with half of one it may not come up again. So a file is replaced whole
or not at all, with the owner and mode that it had, and the one before stays beside it.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from tonekeeper.errors import EdgeError

LONGEST = 4 * 1024 * 1024
"""Bytes."""
BEFORE = ".before-tonekeeper"
"""Behind the name of what was there before."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """`before`: what was there, kept; None where nothing was."""

    path: Path
    before: Path | None


def read_settings_file(path: Path) -> bytes:
    """EdgeError where it cannot be read, or is no file of a phone's size."""
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise EdgeError(f"read '{path}'", error, remedy="name a settings file of the phone") from None
    if len(content) > LONGEST:
        raise EdgeError(f"read '{path}': it is longer than {LONGEST} bytes", remedy="name a settings file of the phone")
    return content


def write_settings_file(path: Path, content: bytes, *, like: Path | None = None) -> None:
    """The whole of it, or what was there before; readable by whom `like` is. EdgeError where it cannot be written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        known = _stat(path) or (_stat(like) if like is not None else None)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            if known is not None:
                _take_after(descriptor, known)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise EdgeError(f"write '{path}'", error, remedy="name a file in a directory this user may write to") from None


def deliver(directory: Path, name: str, content: bytes) -> Delivered:
    """`content` as the file `name`, and what was there kept beside it. EdgeError, and everything is as it was.

    `name` comes from a profile and a MAC address: it must be a name, and no symbolic link that leads elsewhere.
    """
    if not name or name in (".", "..") or "/" in name or "\x00" in name:
        raise EdgeError(f"deliver '{name}'", remedy="a settings file has a name without a directory")
    path = directory / name
    if path.is_symlink():
        raise EdgeError(f"deliver '{path}': it is a symbolic link", remedy="replace it by the file itself")
    before = _keep(path)
    write_settings_file(path, content)
    return Delivered(path, before)


def take_back(delivered: Delivered) -> None:
    """What was there before is there again."""
    try:
        if delivered.before is None:
            delivered.path.unlink(missing_ok=True)
        else:
            delivered.before.replace(delivered.path)
        _sync_directory(delivered.path.parent)
    except OSError as error:
        remedy = f"rename it by hand: '{delivered.before}'" if delivered.before is not None else "remove it by hand"
        raise EdgeError(f"take back '{delivered.path}'", error, remedy=remedy) from None


def _keep(path: Path) -> Path | None:
    """A second name for what is there now; it stays when the first one gets another file."""
    before = path.with_name(path.name + BEFORE)
    beside = path.with_name(f".{path.name}{BEFORE}.{os.getpid()}")
    try:
        os.link(path, beside, follow_symlinks=False)
        beside.replace(before)
    except FileNotFoundError:
        return None
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise EdgeError(f"keep '{path}'", error, remedy="make the directory writable") from None
    beside.unlink(missing_ok=True)  # two names of one file: rename does nothing then
    return before


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _take_after(descriptor: int, known: os.stat_result) -> None:
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (known.st_uid, known.st_gid):
        try:
            os.fchown(descriptor, known.st_uid, known.st_gid)
        except PermissionError:
            return  # readable by ourselves alone then: a settings file has passwords in it
    os.fchmod(descriptor, stat.S_IMODE(known.st_mode))


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
