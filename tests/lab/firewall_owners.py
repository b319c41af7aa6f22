"""ufw and firewalld, managing the rules of one namespace: their files, sockets and locks are copies of their own."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.namespace import LabError, Namespace, Process, until

STARTED = 20.0
"""Seconds; firewalld takes about one, on a machine that has nothing else to do."""


class Owner:
    """Commands run in it see `files` where the host has its own, and an empty /run."""

    def __init__(self, namespace: Namespace, name: str, files: Sequence[str]) -> None:
        self._namespace, self._name = namespace, name
        self._processes: list[Process] = []
        copies = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=namespace.directory))
        lines = ["mount -t tmpfs lab /run", "mkdir /run/dbus"]
        for number, original in enumerate(files):
            copy = copies / str(number)
            (shutil.copytree if Path(original).is_dir() else shutil.copy)(original, copy)
            lines.append(f"mount --bind {copy} {original}")
        script = "; ".join([*lines, "touch /run/ready", "exec sleep infinity"])
        self._holder = namespace.popen("unshare", "--mount", "sh", "-ec", script, log=f"{name}-mounts")
        self._processes.append(self._holder)
        ready = Path("/proc", str(self._holder.pid), "root", "run", "ready")
        until(ready.exists, within=STARTED, what=f"the files of {name} are not mounted\n{self._holder.output}")

    @property
    def through(self) -> tuple[str, ...]:
        """What leads a command to its files."""
        return ("nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--wd=/")

    def run(self, *command: str, stdin: str = "") -> str:
        return self._namespace.run(*self.through, *command, stdin=stdin, within=30.0)

    def paste(self, commands: str) -> None:
        """As a technician does: line after line, and the first that fails is noticed."""
        self.run("sh", "-e", stdin=commands)

    def start(self, *command: str) -> Process:
        process = self._namespace.popen(*self.through, *command, log=f"{self._name}-{Path(command[0]).name}")
        self._processes.append(process)
        return process

    def end(self) -> None:
        for process in reversed(self._processes):
            process.signal_group(signal.SIGKILL)
            process.wait(within=5.0)


@contextmanager
def ufw(namespace: Namespace, rules: str) -> Iterator[Owner]:
    """Enabled, with `rules`: commands, a line each."""
    owner = Owner(namespace, "ufw", ("/etc/ufw", "/etc/default/ufw"))
    try:
        owner.paste(rules)
        owner.run("ufw", "--force", "enable")
        yield owner
        owner.run("ufw", "--force", "disable")
    finally:
        owner.end()


@contextmanager
def firewalld(namespace: Namespace, rules: str) -> Iterator[Owner]:
    """Running, with `rules`: commands, a line each; they are taken over at the end."""
    owner = Owner(namespace, "firewalld", ("/etc/firewalld",))
    try:
        owner.start("dbus-daemon", "--system", "--nofork", "--nopidfile", "--nosyslog")
        bus = Path(owner.run("readlink", "-f", "/run/dbus").strip(), "system_bus_socket")
        until(lambda: _succeeds(owner, "test", "-S", str(bus)), within=STARTED, what="no D-Bus")
        daemon = owner.start("firewalld", "--nofork", "--nopid")
        until(lambda: _succeeds(owner, "firewall-cmd", "--state"), within=STARTED, what=f"firewalld\n{daemon.output}")
        owner.paste(f"{rules}\nfirewall-cmd --reload")
        yield owner
    finally:
        owner.end()


def _succeeds(owner: Owner, *command: str) -> bool:
    try:
        owner.run(*command)
    except LabError:
        return False
    return True
