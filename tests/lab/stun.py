"""STUN servers of the lab at the services site: coturn with RFC 5780 on two addresses, and our own reflector."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.namespace import LabError, Process, until
from tests.lab.topology import Lab

FIRST, SECOND = "203.0.113.18", "203.0.113.19"
PORT = 3478

_COOKIE = bytes.fromhex("2112a442")


@contextmanager
def coturn(
    lab: Lab, *, port: int = PORT, addresses: tuple[str, ...] = (FIRST, SECOND), tcp: bool = False
) -> Iterator[Process]:
    """On `port` and the next one. With one address it knows nothing of RFC 5780."""
    stem = str(lab.services.directory / f"coturn-{port}")
    listen = [option for address in addresses for option in ("-L", address)]
    command = (
        *("turnserver", "-n", *listen, "-p", str(port), "--stun-only", "--no-auth", "--no-cli", "--no-tls"),
        *("--no-dtls", *(() if tcp else ("--no-tcp",)), "--log-file", "stdout", "--simple-log"),
        *("--pidfile", f"{stem}.pid", "--userdb", f"{stem}.db"),
    )
    with _served(lab, command, "coturn", port) as process:
        yield process


@contextmanager
def reflector(lab: Lab, *options: str, port: int = PORT) -> Iterator[Process]:
    """`tonekeeper reflector` on the first address; `options` add the second one."""
    command = (sys.executable, "-m", "tonekeeper", "reflector", "--listen", f"{FIRST}:{port}", *options)
    with _served(lab, command, "reflector", port) as process:
        yield process


@contextmanager
def _served(lab: Lab, command: tuple[str, ...], name: str, port: int) -> Iterator[Process]:
    process = lab.services.popen(*command, log=f"{name}-{os.urandom(3).hex()}")
    try:
        until(lambda: _answers(lab, process, port), within=10.0, what=f"{name} does not answer\n{process.output}")
        yield process
    finally:
        process.kill()


def _answers(lab: Lab, process: Process, port: int) -> bool:
    """Asked from the core, so that no NAT learns of it; with SOFTWARE, as short questions get short answers."""
    if not process.running:
        raise LabError(f"{process.command[0]} ended at once:\n{process.output}")
    question = b"\x00\x01\x00\x14" + _COOKIE + os.urandom(12) + b"\x80\x22\x00\x10" + b"the lab's prober"
    with lab.core.socket() as asker:
        asker.sendto(question, (FIRST, port))
        return bool(select.select([asker], [], [], 0.1)[0])
