"""What the service manager is told (sd_notify(3)): ready, stopping, still alive. Without one nothing happens."""

from __future__ import annotations

import os
import socket


def tell_ready() -> None:
    _notify(b"READY=1")


def tell_stopping() -> None:
    _notify(b"STOPPING=1")


def tell_alive() -> None:
    """To be called more often than `watchdog_seconds`."""
    _notify(b"WATCHDOG=1")


def watchdog_seconds() -> float | None:
    """How long the service manager waits for `tell_alive` before it restarts this process; None: it does not watch."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant_for = os.environ.get("WATCHDOG_PID") or str(os.getpid())
    if not (microseconds.isascii() and microseconds.isdigit()) or meant_for != str(os.getpid()):
        return None
    return int(microseconds) / 1e6 or None


def _notify(state: bytes) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            sock.sendto(state, address.replace("@", "\0", 1) if address.startswith("@") else address)
        except OSError:
            return  # a service manager that cannot hear us is no reason to stop probing
