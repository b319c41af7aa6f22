"""Evidence in one file: a compressed tar that is there whole, or not at all."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tonekeeper.errors import EdgeError


def write_bundle(path: Path, directory: str, files: Mapping[str, bytes]) -> None:
    """`files` by name, under `directory` in the archive. `EdgeError`: nothing was written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    now = int(time.time())
    try:
        with beside.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
                for name, content in files.items():
                    entry = tarfile.TarInfo(f"{directory}/{name}")
                    entry.size, entry.mtime, entry.mode = len(content), now, 0o644
                    archive.addfile(entry, io.BytesIO(content))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise EdgeError(f"write '{path}'", error, remedy="name a file in a directory with room, that you own") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Whole, or not at all, as a bundle is."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise EdgeError(f"write '{path}'", error, remedy="name a file in a directory with room, that you own") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
