"""What the host under the agent allows: each attempt tries one thing as the agent would, and leaves nothing behind.

Each returns why it cannot be done, a sentence without its end; empty: it can.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

from tonekeeper.edge.bound_socket import bind_to_device
from tonekeeper.edge.state_file import replace_whole

_TRIAL = "self-check.trial"
_LOOPBACK = "lo"
_CENTURY = 100 * 365.25 * 86_400


def missing_packet_sockets() -> str:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except (OSError, AttributeError) as error:
        return f"cannot open a packet socket: {_reason(error)}; grant CAP_NET_RAW"
    return ""


def missing_device_binding() -> str:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            bind_to_device(sock, _LOOPBACK)
    except OSError as error:
        return f"cannot bind a socket to an interface: {_reason(error)}; grant CAP_NET_RAW or take Linux 5.7"
    return ""


def missing_writable(directory: Path) -> str:
    """A directory that is not there yet can be made where its nearest ancestor is writable."""
    if not directory.exists():
        parent = next(one for one in directory.parents if one.exists())
        return "" if os.access(parent, os.W_OK | os.X_OK) else f"cannot make '{directory}' in '{parent}'"
    trial = directory / _TRIAL
    try:
        replace_whole(trial, b"x" * 4096)
        trial.unlink()
    except OSError as error:
        return f"cannot write in '{directory}': {_reason(error)}"
    return ""


def missing_clock(written: Path, now: float | None = None) -> str:
    """A clock that is behind the day on which the program was written to this host, or a hundred years after it."""
    wall = time.time() if now is None else now
    installed = written.stat().st_mtime
    if installed - 86_400 <= wall <= installed + _CENTURY:
        return ""
    return f"the clock says {time.strftime('%Y-%m-%d', time.gmtime(wall))}, which cannot be; set it, and keep it by NTP"


def is_linux() -> bool:
    return sys.platform.startswith("linux")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
