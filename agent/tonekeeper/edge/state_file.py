"""Small files in the state directory: replaced whole, and put aside where this release cannot use them.

Each says its `schema`. One of a later release was written before a downgrade, and a broken one may tell somebody why:
both are kept beside, under another name, and the agent starts without.
"""

from __future__ import annotations

import os
from pathlib import Path


def replace_whole(path: Path, content: bytes) -> None:
    """Written through to the disk: a power cut leaves the old file or the new one. OSError where the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def put_aside(path: Path) -> str:
    """What became of it, to end a message with. One that was put aside before gives way."""
    aside = path.with_name(f"{path.name}.broken")
    try:
        path.replace(aside)
    except OSError as error:
        return f"and it stays there ({error.strerror})"
    return f"it is '{aside.name}' now"
