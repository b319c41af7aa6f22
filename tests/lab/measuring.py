"""`tonekeeper nat` as a process in a namespace of the lab, and what it printed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from tests.lab.namespace import Namespace, Process

KINDS = ("unreplied", "replied", "stream")


@dataclass(frozen=True, slots=True)
class Measured:
    code: int
    """Exit code."""
    document: dict[str, Any]

    @property
    def elapsed(self) -> float:
        return float(self.document["elapsed_s"])

    @property
    def lifetimes(self) -> dict[str, list[float] | None]:
        return dict(self.document["lifetime_s"])

    @property
    def reasons(self) -> dict[str, str]:
        return dict(self.document["reasons"])

    def evidence(self, name: str) -> str:
        """The verdict of one piece: yes, no, not checked."""
        return next(str(piece["verdict"]) for piece in self.document["evidence"] if piece["name"] == name)


class Measuring:
    """Started by constructing; `wait` gives the outcome."""

    def __init__(self, namespace: Namespace, server: str, *options: str, through: tuple[str, ...] = ()) -> None:
        command = (*through, sys.executable, "-m", "tonekeeper", "nat", "--json", "--server", server, *options)
        self._process: Process = namespace.popen(*command, log=f"nat-{os.urandom(3).hex()}")

    def wait(self, within: float) -> Measured:
        code = self._process.wait(within)
        try:
            return Measured(code, json.loads(self._process.output))
        except ValueError:
            raise AssertionError(f"exit {code}, and no JSON document:\n{self._process.output}") from None

    def kill(self) -> None:
        if self._process.running:
            self._process.kill()
