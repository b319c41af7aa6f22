"""The journal of the measured daemon, read for its instants: they are on the clock of `time.monotonic`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.lab.agent import Agent


@dataclass(frozen=True, slots=True)
class Done:
    """One command that the agent gave."""

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


def commands_of(agent: Agent) -> list[Done]:
    """All commands so far, oldest first; the latest few seconds are there once the agent has stopped."""
    return list(_commands(agent))


def _commands(agent: Agent) -> Iterator[Done]:
    for file in agent.journals:
        for line in file.read_bytes().splitlines():
            entry = json.loads(line)
            for command, fields in entry.get("commands", ()):
                yield Done(entry["at"], command, fields)
