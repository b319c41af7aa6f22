"""Where firmware profiles are kept: a directory of YAML files, and beside them all of them in one JSON file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tonekeeper.errors import ConfigError, EdgeError, Mistake

COMPILED = "profiles.json"
LONGEST_FILE = 256 * 1024
"""Bytes; the longest profile is a tenth of it."""
LONGEST_COMPILED = 16 * 1024 * 1024
MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """`id` is what the profile in it has to call itself: the directory and the name."""

    path: Path
    id: str

    def text(self) -> str:
        """ConfigError where it is no text of a profile's size."""
        content = _content(self.path, LONGEST_FILE)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            reason = f"byte 0x{content[error.start]:02x} is not UTF-8"
            raise _refused(self.path, f"line {line}", reason, "save the file as UTF-8") from None


@dataclass(frozen=True, slots=True)
class CompiledFile:
    """`newer`: a profile that was written after it; None: there is none."""

    path: Path
    newer: Path | None

    def content(self) -> bytes:
        return _content(self.path, LONGEST_COMPILED)


def profile_files(directory: Path) -> list[ProfileFile]:
    """The YAML files of `directory`: <vendor>/<model>.yaml, in order. EdgeError where it cannot be read."""
    try:
        vendors = sorted(path for path in directory.iterdir() if path.is_dir())
        found = [path for vendor in vendors for path in sorted(vendor.glob("*.yaml"))]
    except OSError as error:
        remedy = "give the directory that has a directory for each vendor"
        raise EdgeError(f"read the profiles in '{directory}'", error, remedy=remedy) from None
    if len(found) > MOST_FILES:
        raise _refused(directory, "files", f"{len(found)} are more than {MOST_FILES}", "give the directory of profiles")
    return [ProfileFile(path, f"{path.parent.name}-{path.stem}") for path in found]


def compiled_file(directory: Path) -> CompiledFile | None:
    """What was compiled from the files of `directory`; None where nothing was."""
    path = directory / COMPILED
    try:
        compiled_at = path.stat().st_mtime_ns
        written = {file: file.stat().st_mtime_ns for file in sorted(directory.glob("*/*.yaml"))}
    except OSError:
        return None
    return CompiledFile(path, next((file for file, at in written.items() if at > compiled_at), None))


def _content(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise EdgeError(f"read '{path}'", error) from None
    if len(content) > most:
        raise _refused(path, "file", f"is longer than {most} bytes", "give the path of a profile")
    return content


def _refused(path: Path, key_path: str, reason: str, remedy: str) -> ConfigError:
    return ConfigError(str(path), [Mistake(key_path, "", reason, remedy)])
