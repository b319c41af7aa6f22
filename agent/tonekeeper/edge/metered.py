"""Whether the kernel takes an interface for a mobile one, where bytes usually cost money."""

from __future__ import annotations

from pathlib import Path

_INTERFACES = Path("/sys/class/net")


def is_mobile(interface: str, interfaces: Path = _INTERFACES) -> bool:
    """By the device type that its driver gives (`wwan`); False for anything else, and where there is no such interface.

    A modem that shows itself as an Ethernet card cannot be told from one.
    """
    if not interface or "/" in interface or interface in (".", ".."):
        return False
    try:
        lines = (interfaces / interface / "uevent").read_text(errors="replace").splitlines()
    except OSError:
        return False
    return "DEVTYPE=wwan" in lines
