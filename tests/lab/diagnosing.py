"""A technician at the site: `tonekeeper diagnose` in the CPE's namespace, and what it printed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.agent import Agent
from tests.lab.namespace import Namespace, Process

LONGEST = 150.0
"""Seconds a full run without the NAT's lifetime may take on a loaded machine."""


@dataclass(frozen=True, slots=True)
class Diagnosed:
    code: int
    report: dict[str, Any]

    @property
    def first(self) -> str:
        """Code and subject of the finding that the verdict tells; empty: all is well."""
        worst = [one for one in self.report["findings"] if one["severity"] != "info"]
        return f"{worst[0]['code']} {worst[0]['subject']}".strip() if worst else ""

    def outcome(self, check: str) -> tuple[str, str]:
        """Outcome and detail."""
        (found,) = (one for one in self.report["checks"] if one["check"] == check)
        return found["outcome"], found["detail"]


class Passer:
    """Somebody on a host without a configuration, who names the SBCs."""

    def __init__(self, namespace: Namespace, directory: Path, *options: str, through: tuple[str, ...] = ()) -> None:
        """`through`: a command that starts it with another clock, say."""
        self._namespace = namespace
        self._answer = directory / f"{os.urandom(3).hex()}.diagnosis"
        self._options = options
        self._through = through

    def look(self, *options: str, within: float = LONGEST) -> Diagnosed:
        process = self.begin("--json", *options)
        try:
            return self.answer(process, within)
        finally:
            process.kill()

    def answer(self, process: Process, within: float = LONGEST) -> Diagnosed:
        """Of a run that began with `--json`."""
        code = process.wait(within)
        assert self._answer.read_text().startswith("{"), process.output
        return Diagnosed(code, self.printed())

    def printed(self) -> dict[str, Any]:
        """The report on standard output."""
        document: dict[str, Any] = json.loads(self._answer.read_text())
        return document

    def begin(self, *options: str) -> Process:
        """Standard output goes into a file of its own; what it says beside that is the process's output."""
        command = (*self._through, sys.executable, "-m", "tonekeeper", "diagnose", *self._options, *options)
        shell = ("sh", "-c", 'exec "$@" > "$0"', str(self._answer))
        return self._namespace.popen(*shell, *command, log="diagnose", env={**os.environ, "NO_COLOR": "1"})


class Technician(Passer):
    """`agent`: whose configuration is used; it need not run."""

    def __init__(self, agent: Agent, *, through: tuple[str, ...] = ()) -> None:
        super().__init__(agent.namespace, agent.state_dir.parent, "-c", str(agent.config), through=through)
