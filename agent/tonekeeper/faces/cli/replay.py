"""`replay`: the core again, over a recorded journal."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.log import timestamp
from tonekeeper.faces.wording import printable


@dataclass(frozen=True, slots=True)
class Replay:
    """Run the core over `journal`; with `verify`, compare its commands with the recorded ones."""

    journal: str
    verify: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay first left the recording."""

    line: int
    """Of the journal, from 1."""
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state, and when: seconds since 1970."""

    wall: float
    subject: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to."""

    events: int
    commands: int
    span_s: float
    """Seconds of the agent's life in the journal."""
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    """What the journal lacks: a torn last line, a gap."""
    difference: Difference | None = None


def add_replay(families: Families) -> None:
    parser = add_command(
        families,
        "replay",
        _read_replay,
        help="run the core over a recorded journal",
        description="Feeds the events of a journal to the core of this release and prints what it says. With "
        "--verify, its commands are compared with the recorded ones, byte for byte; exit code 1 when they differ.",
        example="tonekeeper replay --verify /var/lib/tonekeeper",
    )
    parser.add_argument("journal", metavar="JOURNAL", help="a segment, or the directory with all of them")
    parser.add_argument("--verify", action="store_true", help="compare with the recorded commands")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def show_replayed(command: Replay, replayed: Replayed, terminal: Terminal) -> Exit:
    """The answer of `replay`."""
    outcome = Exit.FINE if replayed.difference is None else Exit.PROBLEMS
    if command.json:
        terminal.show_json(replayed)
        return outcome
    for note in replayed.notes:
        terminal.say(f"{command.journal}: note: {printable(note)}")
    if not command.verify:
        terminal.show("".join(map(_line, replayed.changes)))
    terminal.show(f"{replayed.events} events, {replayed.commands} commands, {replayed.span_s:.1f} s\n")
    if replayed.difference is not None:
        difference = replayed.difference
        terminal.show(f"{command.journal}:{difference.line}: the replay differs from the recording\n")
        terminal.show(f"  recorded: {printable(difference.recorded)}\n  replayed: {printable(difference.replayed)}\n")
    elif command.verify:
        terminal.show("the replay gives the recorded commands, byte for byte\n")
    return outcome


def _line(change: Change) -> str:
    reason = f" ({printable(change.reason)})" if change.reason else ""
    what = f"{printable(change.subject)}: {printable(change.before) or 'new'} -> {printable(change.after)}"
    return f"{timestamp(change.wall)}  {what}{reason}\n"


def _read_replay(arguments: Namespace) -> Replay:
    return Replay(arguments.journal, arguments.verify, arguments.json)
