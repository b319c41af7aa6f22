"""Evidence in one file: a compressed tar."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

from tonekeeper.edge.whole_file import whole_file


def write_bundle(path: Path, directory: str, files: Mapping[str, bytes]) -> None:
    """`files` by name, under `directory` in the archive; for its owner's eyes. `EdgeError`: nothing was written."""
    now = int(time.time())
    with (
        whole_file(path, mode=0o600) as file,
        tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{directory}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), now, 0o644
            archive.addfile(entry, io.BytesIO(content))
