"""What a process takes from the machine, as the kernel accounts for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB. `proportional`: each shared page divided by the number of processes that share it."""

    resident: float
    proportional: float


def memory_of(pid: int) -> Memory:
    fields = dict(line.split(":", 1) for line in _read(pid, "smaps_rollup").splitlines()[1:])
    return Memory(_mebibytes(fields["Rss"]), _mebibytes(fields["Pss"]))


def cpu_seconds_of(pid: int) -> float:
    """utime and stime of all threads together, from the scheduler's own account: `stat` has it in steps of 10 ms."""
    return sum(int(file.read_text().split()[0]) for file in Path("/proc", str(pid), "task").glob("*/schedstat")) / 1e9


def children_of(pid: int) -> list[int]:
    return [int(child) for child in _read(pid, f"task/{pid}/children").split()]


def _read(pid: int, name: str) -> str:
    return Path("/proc", str(pid), name).read_text()


def _mebibytes(field: str) -> float:
    return int(field.split(maxsplit=1)[0]) / 1024
