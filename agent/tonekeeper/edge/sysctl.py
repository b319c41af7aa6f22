"""Kernel settings that decide whether an answer gets through to us."""

from __future__ import annotations

from pathlib import Path

_IPV4 = Path("/proc/sys/net/ipv4/conf")


def reverse_path_filter(interface: str, conf: Path = _IPV4) -> int | None:
    """rp_filter in force for `interface`: 0 off, 1 strict (RFC 3704), 2 loose; None where there is no such interface.

    The kernel takes the larger of the interface's own and the one for all.
    """
    if interface in ("", ".", "..", "all", "default") or "/" in interface:
        return None
    try:
        return max(int((conf / name / "rp_filter").read_text()) for name in ("all", interface))
    except (OSError, ValueError):
        return None
