"""The replay driver: the lines of a journal through the same core, as often as one likes.

A replay starts at the header of the oldest segment that is left. At every later header it goes on from that checkpoint,
so that lines missing in between (a disk that was full, a restart) do no harm to what follows. What follows a header
that cannot be read, such as that of another release, is passed over until the next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tonekeeper.core.agent import Agent
from tonekeeper.core.commands import LogChange
from tonekeeper.core.journal import read_entry, read_header, write_commands
from tonekeeper.core.report import Report
from tonekeeper.errors import DecodeError

MOST_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """The replayed agent did not do what the journal says was done."""

    line: int
    at: float
    recorded: bytes
    replayed: bytes


@dataclass(frozen=True, slots=True)
class Replayed:
    at: float
    wall: float
    """Seconds since 1970, as far as the latest header knows."""
    change: LogChange


@dataclass(slots=True)
class Replay:
    """What came of it."""

    events: int = 0
    commands: int = 0
    checkpoints: int = 0
    changes: list[Replayed] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Lines that could not be read, and why."""
    refused: str = ""
    """Why the first header that could not be read was none."""
    began: float = 0.0
    """`at` of the first header."""
    at: float = 0.0
    """Of the last line."""
    report: Report | None = None
    """The agent's report at that moment."""


def replay(lines: Iterable[bytes]) -> Replay:
    """Run the core over `lines`, oldest first; every command is compared with the recorded one."""
    outcome = Replay()
    agent: Agent | None = None
    offset = 0.0
    passed_over = 0
    for number, line in enumerate(lines, start=1):
        try:
            if line.startswith(b'{"journal"'):
                agent = None
                header = read_header(line)
                agent, offset, outcome.at = Agent.resume(header.situation), header.wall - header.at, header.at
                outcome.began = outcome.began if outcome.checkpoints else header.at
                outcome.checkpoints += 1
            elif agent is None:
                passed_over += 1
            else:
                _step(agent, number, line, offset, outcome)
        except DecodeError as error:
            outcome.broken.append(f"line {number}: {error}")
            outcome.refused = outcome.refused or ("" if agent is not None else str(error))
    if passed_over:
        outcome.broken.append(f"{passed_over} lines follow no header that can be read and were passed over")
    if agent is not None:
        outcome.report = agent.report(outcome.at)
    return outcome


def _step(agent: Agent, number: int, line: bytes, offset: float, outcome: Replay) -> None:
    entry = read_entry(line)
    outcome.at = entry.at
    commands = agent.handle(entry.event, entry.at)
    outcome.events += 1
    outcome.commands += len(commands)
    written = write_commands(commands)
    if written != entry.commands and len(outcome.differences) < MOST_DIFFERENCES:
        outcome.differences.append(Difference(number, entry.at, entry.commands, written))
    outcome.changes += [
        Replayed(entry.at, entry.at + offset, command) for command in commands if isinstance(command, LogChange)
    ]
