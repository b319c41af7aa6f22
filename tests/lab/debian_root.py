"""A Debian of its own in a directory, with or without its systemd running: where packages are tried.

Everything is mounted by systemd-nspawn in mount namespaces that end with it; nothing of this machine changes. Booted,
the root stands in a namespace of the lab: its systemd is the real one, and so is the sandbox that it builds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.lab.namespace import MOUNTS, LabError, Namespace, Process, run, until

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
INCLUDED = ("systemd", "adduser", "conntrack", "iproute2", "nftables")
BOOTED = 30.0
"""Seconds; it takes two."""
_NSPAWN = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe")


class DebianRoot:
    """`directory` is the root. Commands in it see no network unless it is booted into one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(self, *command: str, within: float = 60.0) -> str:
        return run(*_NSPAWN, "--private-network", f"--directory={self.directory}", *command, within=within)

    def files(self) -> dict[str, str]:
        """Every path, with its kind, rights and owner, and where it leads if it is a link."""
        listed = run("find", str(self.directory), "-xdev", "-printf", "%P\\t%M %U:%G %l\\n", within=30.0)
        return dict(line.split("\t") for line in listed.splitlines())

    def copy(self, directory: Path) -> DebianRoot:
        run("cp", "-a", str(self.directory), str(directory), within=120.0)
        return DebianRoot(directory)

    def remove(self) -> None:
        shutil.rmtree(self.directory)

    @contextlib.contextmanager
    def booted(self, namespace: Namespace) -> Iterator[BootedRoot]:
        """With its systemd, in a network namespace that exists."""
        net = f"--network-namespace-path={MOUNTS / namespace.name}"
        asked = (*_NSPAWN, "--boot", net, "--capability=CAP_NET_ADMIN", f"--directory={self.directory}")
        writable = {**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
        process = namespace.popen(*asked, log=f"{self.directory.name}-boot", env=writable)
        try:
            booted = BootedRoot(until(lambda: _child(process), within=BOOTED, what="systemd-nspawn has no child"))
            until(booted.is_up, within=BOOTED, what=f"systemd is not up\n{process.output}", every=0.2)
            yield booted
        finally:
            process.signal(signal.SIGTERM)
            with contextlib.suppress(LabError):
                process.wait(within=20.0)
            process.kill()


class BootedRoot:
    """`leader`: its first process, as this machine numbers it."""

    def __init__(self, leader: int) -> None:
        self.leader = leader

    def run(self, *command: str, within: float = 30.0) -> str:
        return run("nsenter", f"--target={self.leader}", "--all", "--", *command, within=within)

    def is_up(self) -> bool:
        """Services that this small Debian lacks may have failed: "degraded" is up."""
        try:
            return self.run("sh", "-c", "systemctl is-system-running || true").strip() in _UP
        except LabError:
            return False

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        lines = self.run("systemctl", "show", unit, *(f"--property={one}" for one in properties)).splitlines()
        return dict(line.split("=", 1) for line in lines)


_UP = ("running", "degraded")


def _child(process: Process) -> int:
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, _, rest = status.read_text().partition(" (")
            if rest.rpartition(") ")[2].split()[1] == str(process.pid):
                return int(pid)
    if not process.running:
        raise LabError(f"systemd-nspawn ended:\n{process.output}")
    return 0


def bootstrap(directory: Path) -> DebianRoot:
    """Half a minute and the network. Its mounts end with it, however it ends."""
    asked = ("debootstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}", SUITE, str(directory), MIRROR)
    run("unshare", "--mount", "--pid", "--fork", "--kill-child", *asked, within=300.0)
    return DebianRoot(directory)
