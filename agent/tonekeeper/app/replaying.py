"""`tonekeeper replay`: a journal from disk, through the replay driver, to the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tonekeeper.drivers.replay import replay
from tonekeeper.edge.files import TornLine, read_segment, segments_in
from tonekeeper.errors import EdgeError
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.replay import Change, Difference, Replay, Replayed, show_replayed
from tonekeeper.faces.cli.terminal import Terminal


def replay_journal(command: Replay, terminal: Terminal) -> Exit:
    """`command.journal`: one segment, or a state directory with all of them."""
    notes: list[str] = []
    outcome = replay(_lines(Path(command.journal), notes))
    if not outcome.checkpoints and outcome.refused:
        raise EdgeError(f"replay '{command.journal}': {outcome.refused}", remedy="use the release that wrote it")
    if not outcome.checkpoints:
        raise EdgeError(
            f"replay '{command.journal}': there is no journal in it",
            remedy="give a segment, journal-*.jsonl.gz, or the directory that holds them",
        )
    differences = [Difference(d.line, _text(d.recorded), _text(d.replayed)) for d in outcome.differences[:1]]
    replayed = Replayed(
        events=outcome.events,
        commands=outcome.commands,
        span_s=round(outcome.at - outcome.began, 3),
        changes=tuple(
            Change(r.wall, r.change.subject, r.change.before, r.change.after, r.change.reason) for r in outcome.changes
        ),
        notes=(*notes, *outcome.broken),
        difference=differences[0] if differences else None,
    )
    return show_replayed(command, replayed, terminal)


def _lines(journal: Path, notes: list[str]) -> Iterator[bytes]:
    for segment in segments_in(journal) if journal.is_dir() else [journal]:
        for line in read_segment(segment):
            if isinstance(line, TornLine):
                notes.append(f"{segment.name}: its end was cut short, {line.size} bytes were dropped")
            else:
                yield line


def _text(line: bytes) -> str:
    return line.decode(errors="backslashreplace")
