"""How full the kernel's table of connections is, by its own files: readable for everybody, of this namespace."""

from __future__ import annotations

import sys
from pathlib import Path

from tonekeeper.core.beside.connection_table import TableSeen

_PROC = Path("/proc")


def read_table(proc: Path = _PROC) -> TableSeen | None:
    """None where this host tracks no connections."""
    netfilter = proc / "sys/net/netfilter"
    count, most = _number(netfilter / "nf_conntrack_count"), _number(netfilter / "nf_conntrack_max")
    if count is None or most is None:
        return None
    counters = _counters(proc)
    return TableSeen(count, most, counters.get("early_drop", 0), counters.get("drop", 0), _memory(proc))


def has_table_files() -> bool:
    """Whether this system would show a table, if it had one."""
    return sys.platform.startswith("linux")


def _counters(proc: Path) -> dict[str, int]:
    """Summed over the processors; none where the kernel was built without NF_CONNTRACK_PROCFS."""
    names, *rows = [line.split() for line in _text(proc / "thread-self/net/stat/nf_conntrack").splitlines()] or [[]]
    try:
        columns = zip(*([int(word, 16) for word in row] for row in rows), strict=True)
        return dict(zip(names, (sum(column) for column in columns), strict=True))
    except ValueError:
        return {}


def _memory(proc: Path) -> int:
    """Bytes; 0 where that is not told."""
    for line in _text(proc / "meminfo").splitlines():
        match line.split():
            case ["MemTotal:", size, "kB"] if size.isdigit():
                return int(size) * 1024
    return 0


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
