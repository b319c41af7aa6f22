"""A measured daemon: its log says how far it is, its journal says afterwards when what happened."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.agent import Agent
from tests.lab.faults import Provider
from tests.lab.namespace import LabError, until
from tests.lab.sbc import Sbc
from tests.lab.topology import Lab
from tests.lab.verdicts import over

CADENCE = 5.0


@dataclass(frozen=True, slots=True)
class Done:
    """One command that the agent gave; `at` is on the clock of `time.monotonic`."""

    at: float
    command: str
    fields: dict[str, Any]

    @property
    def path(self) -> tuple[str, str]:
        """(wan, sbc)"""
        wan, sbc = self.fields["path"][:2]
        return (wan, sbc)

    def tells(self, subject: str, after: str = "") -> bool:
        """A change of a subject that begins like this, to this state (or any)?"""
        return (
            self.command == "LogChange"
            and self.fields["subject"].startswith(subject)
            and after in ("", self.fields["after"])
        )


class Watched:
    """Runs inside `with`, and stops at its end, which completes the journal. It does not go back by itself."""

    def __init__(self, lab: Lab, name: str, wans: tuple[Provider, ...], port: int, *, transport: str = "udp") -> None:
        self.wans = wans
        self._agent = Agent(
            lab,
            name=name,
            wan=[{"name": wan.name, "interface": wan.wan_interface} for wan in wans],
            sbc=[over(transport, sbc) for sbc in lab.sbcs],
            probe={"interval": f"{CADENCE:g}s"},
            failover={"failback_after": "1d", "switches": 100},
            http={"listen": f"127.0.0.1:{port}"},
        )

    def __enter__(self) -> Watched:
        self._agent.launch()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._agent.stop()
        else:
            self._agent.kill()

    def wait_for(self, sbc: Sbc, state: str, within: float = 30.0) -> None:
        """Until every path to `sbc` is up, or down."""
        until(lambda: self._all(sbc, state), within=within, every=0.2, what=f"{sbc.name} is not {state}\n{self.output}")

    def wait_for_move(self, target: Sbc, within: float = 30.0) -> None:
        """Until the active place is at `target`."""
        until(lambda: self._active_at(target), within=within, what=f"no move to {target.name}\n{self.output}")

    @property
    def output(self) -> str:
        return self._agent.output

    def local_ports(self) -> set[int]:
        """Of its UDP sockets at this moment: a path that stays silent takes a new one."""
        proc = Path("/proc", str(self._agent.process.pid))
        links = {os.readlink(fd) for fd in (proc / "fd").iterdir() if fd.is_symlink()}
        sockets = (line.split() for line in (proc / "net" / "udp").read_text().splitlines()[1:])
        return {int(fields[1].rpartition(":")[2], 16) for fields in sockets if f"socket:[{fields[9]}]" in links}

    def commands(self) -> list[Done]:
        """All of them, oldest first."""
        return list(self._commands())

    def _commands(self) -> Iterator[Done]:
        for line in self._agent.journal_lines():
            entry = json.loads(line)
            for command, fields in entry.get("commands", ()):
                yield Done(entry["at"], command, fields)

    def _all(self, sbc: Sbc, state: str) -> bool:
        paths = (f'subject="path {wan.name}/{sbc.name}/' for wan in self.wans)
        return all(f" after={state} " in self._latest(path) for path in paths)

    def _active_at(self, target: Sbc) -> bool:
        return f'after="{target.name} over ' in self._latest("subject=active ")

    def _latest(self, subject: str) -> str:
        if not self._agent.process.running:
            raise LabError(f"the agent ended:\n{self.output}")
        return next((line for line in reversed(self._agent.log) if subject in line), "")
