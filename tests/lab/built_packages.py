"""What is shipped, built from this checkout: once for each state of it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.lab.debian_root import INCLUDED, SUITE, DebianRoot, bootstrap
from tests.lab.namespace import run

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
KEPT = ROOT / "build" / "lab"
"""Where they are kept from one test run to the next; `make clean` removes them."""
REVISIONS = ("1", "2")
_SOURCES = ("agent/tonekeeper", "firmware-profiles", "packaging/pyinstaller", "packaging/debian", "packaging/systemd")


@cache
def bundles() -> Path:
    """A directory with the directory tonekeeper/ and the single file; the same for a whole test run."""
    return _kept(f"packages-{_state()}", _build)


def debian_package(revision: str = REVISIONS[0]) -> Path:
    (found,) = bundles().glob(f"tonekeeper_*-{revision}_*.deb")
    return found


def debian_root(directory: Path) -> DebianRoot:
    """A fresh Debian in `directory`, without the package."""
    named = hashlib.sha256(" ".join(INCLUDED).encode()).hexdigest()[:12]
    return DebianRoot(_kept(f"debian-{SUITE}-{named}", bootstrap)).copy(directory)


def _build(directory: Path) -> None:
    run(str(PACKAGING / "pyinstaller/build"), str(directory), within=300.0)
    for revision in REVISIONS:
        run("env", f"REVISION={revision}", str(PACKAGING / "debian/build"), str(directory), within=120.0)


def _kept(name: str, make: Callable[[Path], object]) -> Path:
    """Made aside and moved into place: what is there is whole. Of several test runs at once one makes it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kind = name.rpartition("-")[0]
    with (KEPT / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (KEPT / name).exists():
            for older in KEPT.glob(f"{kind}-*"):
                shutil.rmtree(older)
            unfinished = KEPT / f"{kind}-unfinished"
            make(unfinished)
            os.replace(unfinished, KEPT / name)
    return KEPT / name


def _state() -> str:
    """Of everything that goes into them, so that no test is content with yesterday's."""
    files = sorted(path for source in _SOURCES for path in (ROOT / source).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
