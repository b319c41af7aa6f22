"""Network namespaces as values, the processes in them, and the watchman who clears them away.

A namespace is called `tonekeeper-lab-<pid of the test run>-<random>-<role>`. Three things see to it that none stays:
the lab's own end; a watchman process that waits for the test run's end of a pipe to close, which the kernel does
even when the run is killed; and a sweep at the next start, for the day the machine lost power in between.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

PREFIX = "tonekeeper-lab-"
MOUNTS = Path("/run/netns")

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


class LabError(Exception):
    """The lab itself does not work; says nothing about the product."""


def until(true: Callable[[], T], *, within: float, what: str, every: float = 0.02) -> T:
    """Ask `true` until it gives something truthy, and return that; LabError after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = true()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise LabError(f"waited {within:g} s in vain: {what}")
        time.sleep(every)


class Process:
    """A running command: a process group of its own, its output in a file, and an end that is always bounded."""

    def __init__(self, command: Sequence[str], *, output: Path, env: Mapping[str, str] | None = None) -> None:
        self.command = tuple(command)
        self._output = output
        with output.open("ab") as sink:
            self._popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def output(self) -> str:
        """What it wrote so far, standard output and error together."""
        return self._output.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """To the process itself. One that has ended gets nothing: its number may be another's by now."""
        if self.running:
            self._popen.send_signal(number)

    def signal_group(self, number: signal.Signals) -> None:
        """To the process and the children it forked."""
        if self.running:
            os.killpg(self._popen.pid, number)

    def wait(self, within: float) -> int:
        """The exit code; LabError, with the output, when it has not ended `within` seconds."""
        try:
            return self._popen.wait(within)
        except subprocess.TimeoutExpired:
            raise LabError(f"still running after {within:g} s: {' '.join(self.command)}\n{self.output}") from None

    def kill(self) -> None:
        self.signal_group(signal.SIGKILL)
        self.wait(within=5.0)


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network namespace. `directory` is where its processes leave their output."""

    name: str
    directory: Path

    @property
    def role(self) -> str:
        return self.name.rpartition("-")[2]

    @property
    def _mount(self) -> Path:
        return MOUNTS / self.name

    def run(self, *command: str, stdin: str = "", within: float = 10.0) -> str:
        """Run to the end; its standard output. LabError when it fails or takes longer than `within` seconds."""
        return run("nsenter", f"--net={self._mount}", *command, stdin=stdin, within=within)

    def popen(self, *command: str, log: str, env: Mapping[str, str] | None = None) -> Process:
        """Start, and go on. The output goes to `<log>.log` in the lab's directory."""
        entered = ("nsenter", f"--net={self._mount}", *command)
        return Process(entered, output=self.directory / f"{log}.log", env=env)

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_DGRAM, protocol: int = 0) -> socket.socket:
        """A socket of this namespace for the test process itself: no helper process needed."""
        return self.inside(lambda: socket.socket(family, kind, protocol))

    def set_sysctls(self, values: Mapping[str, str]) -> None:
        def write() -> None:
            for key, value in values.items():
                Path("/proc/sys", key.replace(".", "/")).write_text(value)

        self.inside(write)

    def udp_ports(self) -> set[int]:
        """Local ports of all UDP sockets here."""
        table = self.inside(lambda: Path("/proc/thread-self/net/udp").read_text())
        return {int(line.split()[1].rpartition(":")[2], 16) for line in table.splitlines()[1:]}

    def nft(self, script: str) -> str:
        return self.run("nft", "-f", "-", stdin=script)

    def inside(self, do: Callable[[], T]) -> T:
        """`do()` on a thread that has moved into the namespace; the thread is thrown away afterwards."""
        results: list[T] = []
        errors: list[BaseException] = []

        def body() -> None:
            try:
                _enter(self._mount)
                results.append(do())
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=body, name=self.name)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]


def _enter(mount: Path) -> None:
    with mount.open("rb") as file:
        if _libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"cannot enter {mount}: {os.strerror(number)}")


def run(*command: str, stdin: str = "", within: float = 10.0) -> str:
    """Run a command outside any namespace of ours, to the end."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=within, check=False)
    except subprocess.TimeoutExpired:
        raise LabError(f"still running after {within:g} s: {' '.join(command)}") from None
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: exit {done.returncode}\n{stdin}{done.stdout}{done.stderr}")
    return done.stdout


_WATCH = """
directory=$1; shift
cat >/dev/null
for name in "$@"; do
    [ -e /run/netns/"$name" ] || continue
    ip netns pids "$name" | xargs -r kill -KILL
    ip netns delete "$name"
done
rm -rf -- "$directory"
"""


class Watchman:
    """Makes the namespaces and the directory of one lab, and clears them away however the test run ends."""

    def __init__(self, roles: Iterable[str]) -> None:
        stem = f"{PREFIX}{os.getpid()}-{os.urandom(3).hex()}-"
        self.directory = Path(tempfile.mkdtemp(prefix=stem))
        self.namespaces = {role: Namespace(stem + role, self.directory) for role in roles}
        names = [namespace.name for namespace in self.namespaces.values()]
        self._process = subprocess.Popen(
            ["sh", "-c", _WATCH, "watchman", str(self.directory), *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            run("ip", "-batch", "-", stdin="".join(f"netns add {name}\n" for name in names))
        except LabError:
            self.dismiss()
            raise

    def dismiss(self) -> None:
        """Clear everything away now; returns when it is done."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30.0)


def sweep() -> list[str]:
    """Remove what test runs of ours left behind that no longer exist; the names removed."""
    left = [path for path in _leftovers() if not _alive(path)]
    for path in left:
        try:
            _remove(path)
        except (LabError, OSError):
            if path.exists():
                raise  # else a watchman or another run's sweep was faster
    return [path.name for path in left]


def _remove(path: Path) -> None:
    if path.parent != MOUNTS:
        shutil.rmtree(path)
        return
    for pid in run("ip", "netns", "pids", path.name).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    run("ip", "netns", "delete", path.name)


def residue(pid: int) -> list[str]:
    """Names of what the test run `pid` has in the machine now."""
    return sorted(path.name for path in _leftovers() if path.name.startswith(f"{PREFIX}{pid}-"))


def _leftovers() -> list[Path]:
    places = (MOUNTS, Path(tempfile.gettempdir()))
    return [path for place in places if place.is_dir() for path in place.glob(f"{PREFIX}[0-9]*-*")]


def _alive(path: Path) -> bool:
    pid = path.name.removeprefix(PREFIX).partition("-")[0]
    return not pid.isdigit() or Path("/proc", pid).exists()
