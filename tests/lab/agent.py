"""The agent under test: the daemon in the CPE's namespace, asked over its own HTTP face."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.lab.namespace import LabError, Namespace, Process, until
from tests.lab.topology import Lab
from tonekeeper.edge.files import read_segment
from tonekeeper.edge.recent_starts import NAME as STARTS

HTTP = ("127.0.0.1", 8642)
END = 1.0
"""Seconds a SIGTERM may take."""

Section = dict[str, Any]
_MAIN = "from tonekeeper.app import main; raise SystemExit(main())"


class Status(dict[str, Any]):
    """The report as `GET /api/v1/status` gives it, with the questions tests ask of it."""

    def wan(self, name: str) -> Section:
        return _one(self["wans"], name=name)

    def sbc(self, name: str) -> Section:
        return _one(self["sbcs"], name=name)

    def path(self, wan: str, sbc: str) -> Section:
        return _one(self.sbc(sbc)["paths"], wan=wan)

    @property
    def paths(self) -> list[Section]:
        return [path for sbc in self["sbcs"] for path in sbc["paths"]]

    @property
    def active(self) -> tuple[str, str]:
        """(wan, sbc)"""
        return (self["active"]["wan"], self["active"]["sbc"])

    def history(self, subject: str) -> list[Section]:
        """The latest changes of one subject ("wan fibre", "active"), oldest first; a prefix will do for a path."""
        return [change for change in self["changes"] if change["subject"].startswith(subject)]

    def has(self, code: str, subject: str = "") -> bool:
        """Is this finding shown, about this subject (or any)?"""
        return any(f["code"] == code and subject in ("", f["subject"]) for f in self["findings"])

    def __str__(self) -> str:
        lines = [f"active: {self['active']}"]
        lines += [f"wan: {wan}" for wan in self["wans"]]
        lines += [f"sbc {sbc['name']}: {sbc['state']} ({sbc['reason']})" for sbc in self["sbcs"]]
        lines += [f"path {sbc['name']}: {path}" for sbc in self["sbcs"] for path in sbc["paths"]]
        lines += [f"finding: {finding['code']} {finding['subject']}" for finding in self["findings"]]
        return "\n".join(lines)


def _one(rows: list[Section], **wanted: str) -> Section:
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1, f"{wanted} is there {len(found)} times: {rows}"
    return found[0]


class Agent:
    """One daemon. `sections` go into the configuration over those of `configuration(lab)`, section by section.

    `state_mount`: options of a tmpfs that only this daemon sees on its state directory ("size=64k", "ro").
    """

    def __init__(
        self, lab: Lab, *, name: str = "agent", state_mount: str = "", hash_seed: str = "random", **sections: Any
    ) -> None:
        self.namespace: Namespace = lab.cpe.namespace
        self._lab = lab
        self._name = name
        self.state_dir = lab.directory / f"{name}-state"
        self.state_dir.mkdir(exist_ok=True)
        self.config = lab.directory / f"{name}.toml"
        self.configure(**sections)
        self._hash_seed = hash_seed
        self._state_mount = state_mount
        self._process: Process | None = None

    # --- life

    def configure(self, **sections: Any) -> None:
        """Write the configuration anew; a running daemon sees it at `reload`."""
        settings = configuration(self._lab, self.state_dir)
        for section, values in sections.items():
            settings[section] = {**settings.get(section, {}), **values} if isinstance(values, dict) else values
        self.config.write_text(toml(settings))

    def launch(self, *, through: Sequence[str] = (), prelude: str = "") -> None:
        """Start, and go on at once.

        `through`: a command that starts it without a capability, say. `prelude`: Python to run in it first.
        """
        python = ["-c", f"{prelude}\n{_MAIN}"] if prelude else ["-m", "tonekeeper"]
        command = [*through, sys.executable, *python, "run", "-c", str(self.config)]
        if self._state_mount:
            mount = f'mount -t tmpfs -o {self._state_mount} lab "$0" && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", mount, str(self.state_dir), *command]
        environment = {**os.environ, "PYTHONHASHSEED": self._hash_seed, "NO_COLOR": "1"}
        self._process = self.namespace.popen(*command, log=self._name, env=environment)

    def start(self, within: float = 15.0) -> None:
        """Start, and wait until it says that it is ready."""
        self.launch()
        self.wait_ready(within)

    def wait_ready(self, within: float = 15.0) -> None:
        """Until the first round of verdicts is complete."""
        self._wait_for_200("/readyz", within)

    def wait_served(self, within: float = 15.0) -> None:
        """Until it listens, whatever it knows by then."""
        self._wait_for_200("/healthz", within)

    def _wait_for_200(self, path: str, within: float) -> None:
        def answers() -> bool:
            if not self.process.running:
                raise LabError(f"the agent ended with {self.process.wait(0)}:\n{self.process.output}")
            return self.get(path)[0] == 200

        try:
            until(answers, within=within, what=f"GET {path} gives no 200")
        except LabError as error:
            raise LabError(f"{error}\n{self.process.output}") from None

    def stop(self) -> int:
        """SIGTERM; the exit code. LabError if it takes longer than it may."""
        self.process.signal(signal.SIGTERM)
        return self.process.wait(END)

    def reload(self) -> None:
        self.process.signal(signal.SIGHUP)

    def kill(self) -> None:
        """It is no crash to one that is started after it."""
        if self._process is not None:
            self._process.kill()
            (self.state_dir / STARTS).unlink(missing_ok=True)

    def crash(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    @property
    def process(self) -> Process:
        assert self._process is not None, "the agent has not been started"
        return self._process

    @property
    def output(self) -> str:
        return self._process.output if self._process else ""

    @property
    def log(self) -> list[str]:
        """Lines it wrote to standard error so far."""
        return self.process.output.splitlines()

    @property
    def journals(self) -> list[Path]:
        """The files of its journal, oldest first."""
        return sorted(self.state_dir.glob("journal-*.jsonl.gz"))

    def journal_lines(self) -> list[bytes]:
        """All of them, oldest first: what a running daemon tells, or one that has ended has left."""
        if self._process is None or not self._process.running:
            read = [line for path in self.journals for line in read_segment(path)]
            return [line for line in read if isinstance(line, bytes)]
        lines, cursor, more = [], "", True
        while more:
            code, body = self.get(f"/api/v1/journal?since={cursor}")
            assert code == 200, f"GET /api/v1/journal: {code} {body!r}"
            told = body.splitlines()
            lines += [line for line in told[1:-1] if not line.startswith(b'{"dropped"')]
            end = json.loads(told[-1])
            cursor, more = end["cursor"], end["more"]
        return lines

    # --- what it says

    def get(self, path: str) -> tuple[int, bytes]:
        """Status code and body of a GET; (0, b"") when nobody listens."""
        connection = _Connection(self.namespace)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            return response.status, response.read()
        except (ConnectionError, TimeoutError):
            return 0, b""
        finally:
            connection.close()

    def status(self) -> Status:
        code, body = self.get("/api/v1/status")
        assert code == 200, f"GET /api/v1/status: {code} {body!r}\n{self.process.output}"
        return Status(json.loads(body))

    def wait_for(self, predicate: Callable[[Status], object], *, within: float, every: float = 0.05) -> Status:
        """Ask for the status until it is as wanted; AssertionError, with the last one and the log, if it never is."""
        deadline = time.monotonic() + within
        while True:
            status = self.status()
            if predicate(status):
                return status
            if time.monotonic() > deadline:
                raise AssertionError(f"not so within {within:g} s:\n{status}\n{self.process.output}")
            time.sleep(every)

    def watch(self, *, until: Callable[[Status], object], within: float, every: float = 0.05) -> list[Status]:
        """Every status seen until one is as wanted, that one included: for what must not happen meanwhile."""
        seen: list[Status] = []

        def wanted(status: Status) -> object:
            seen.append(status)
            return until(status)

        self.wait_for(wanted, within=within, every=every)
        return seen


class _Connection(http.client.HTTPConnection):
    def __init__(self, namespace: Namespace) -> None:
        super().__init__(*HTTP, timeout=2.0)
        self._namespace = namespace

    def connect(self) -> None:
        self.sock = self._namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(2.0)
        self.sock.connect(HTTP)


def configuration(lab: Lab, state_dir: Path) -> dict[str, Any]:
    """Both WANs, both SBCs, the shortest cadence there is, and patience short enough for a test.

    Nothing is looked at beside the paths: this machine's clock is its own affair.
    """
    return {
        "agent": {"name": "lab-site", "state_dir": str(state_dir)},
        "wan": [{"name": provider.name, "interface": provider.wan_interface} for provider in lab.providers],
        "sbc": [{"name": sbc.name, "uri": sbc.uri} for sbc in lab.sbcs],
        "probe": {"interval": "1s"},
        "failover": {"min_dwell": "1s", "failback_after": "5s", "failback_spread": "1s", "switches": 20},
        "checks": {"background": False},
        "http": {"listen": f"{HTTP[0]}:{HTTP[1]}"},
        "journal": {},
    }


def toml(settings: dict[str, Any]) -> str:
    """Sections of plain values, and lists of such; that is all the configuration has."""
    lines: list[str] = []
    for section, values in settings.items():
        heading, tables = (f"[[{section}]]", values) if isinstance(values, list) else (f"[{section}]", [values])
        for table in tables:
            lines += [heading, *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)
