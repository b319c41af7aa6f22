"""The commands that list and load rulesets, bounded in time, in what they say, and in the memory they take.

nft takes forty times the memory that the text of the rules takes. A router whose ruleset is too large to be looked at
shall go on routing.
"""

from __future__ import annotations

import errno
import io
import os
import re
import resource
import select
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from tonekeeper.edge.child_environment import child_environment
from tonekeeper.errors import EdgeError

PATIENCE = 20.0
"""Seconds for one command."""
LARGEST = 16 * 1024 * 1024
"""Bytes of a ruleset; a thousand rules take 100 kB."""
LARGEST_JSON = 4 * LARGEST
_MOST_MEMORY, _LEAST_MEMORY = 1 << 30, 1 << 27
"""Bytes; between these, half of what the host has."""
_MOST_COMPLAINTS = 1 << 16
_TOO_LARGE = "gather addresses and ports of many rules in sets"
_DENIED = re.compile("not permitted|must be root|Permission denied", re.IGNORECASE)
_NO_MEMORY = re.compile("memory allocation|out of memory|cannot allocate", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def output_of(*command: str, most: int = LARGEST) -> tuple[str, str]:
    """Standard output and error. EdgeError where it fails, or where there is more than `most` bytes of output."""
    ended = run(command, most=most)
    if ended.code != 0:
        _refuse(command, ended.err)
    return ended.out, ended.err


def load(command: tuple[str, ...], text: str) -> None:
    ended = run(command, text)
    if ended.code != 0:
        _refuse(command, ended.err, "load the ruleset into its copy")


def run(command: tuple[str, ...], stdin: str = "", *, most: int = LARGEST) -> Ended:
    """To its end, whatever that is. EdgeError where it cannot be started, or goes beyond a bound."""
    with _file(stdin.encode()) as given, _file(b"") as complaints:
        try:
            process = subprocess.Popen(
                command, stdin=given, stdout=subprocess.PIPE, stderr=complaints, env=child_environment()
            )
        except FileNotFoundError:
            missing = OSError(errno.ENOSYS, f"there is no {command[0]}")
            raise EdgeError(f"run '{command[0]}'", missing, remedy=f"install {command[0]}") from None
        with process:
            try:
                with suppress(ProcessLookupError):
                    resource.prlimit(process.pid, resource.RLIMIT_AS, (_memory(), _memory()))
                out = _read(process, command, most)
            finally:
                process.kill()
        complaints.seek(0)
        err = complaints.read(_MOST_COMPLAINTS).decode("utf-8", "replace")
    if process.returncode != 0 and _NO_MEMORY.search(err):
        needed = f"{command[0]} needs more than {_memory() >> 20} MiB for it"
        raise EdgeError(f"use the ruleset: {needed}", remedy=_TOO_LARGE)
    return Ended(process.returncode, out.decode("utf-8", "replace"), err)


def _file(content: bytes) -> io.BufferedRandom:
    """In memory: a command that is given much, and says much meanwhile, must not wait for us."""
    file = os.fdopen(os.memfd_create("tonekeeper"), "w+b")
    file.write(content)
    file.seek(0)
    return file


def _read(process: subprocess.Popen[bytes], command: tuple[str, ...], most: int) -> bytes:
    assert process.stdout is not None
    parts: list[bytes] = []
    size, deadline = 0, time.monotonic() + PATIENCE
    while select.select((process.stdout,), (), (), max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(process.stdout.fileno(), 1 << 16)
        size += len(part)
        if size > most:
            raise EdgeError(f"use the ruleset: it is longer than {most >> 20} MiB", remedy=_TOO_LARGE)
        if not part:
            break
        parts.append(part)
    else:
        raise _endless(command)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise _endless(command) from None
    return b"".join(parts)


def _endless(command: tuple[str, ...]) -> EdgeError:
    return EdgeError(f"run '{' '.join(command)}': no end after {PATIENCE:g} s")


def _memory() -> int:
    half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return max(_LEAST_MEMORY, min(_MOST_MEMORY, half))


def _refuse(command: tuple[str, ...], said: str, doing: str = "") -> None:
    first = next((line.strip() for line in said.splitlines() if line.strip() and not line.startswith("#")), "no reason")
    doing = doing or f"run '{' '.join(command)}'"
    if _DENIED.search(said):
        remedy = "run it as root, or give a dump with --ruleset FILE"
        raise EdgeError(doing, OSError(errno.EPERM, os.strerror(errno.EPERM)), remedy=remedy)
    raise EdgeError(f"{doing}: {first[:200]}")
