"""The answers of `tune`."""

from __future__ import annotations

from collections.abc import Sequence

from tonekeeper.core.report import FindingReport
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.tune import TunePhones
from tonekeeper.faces.tuning_text import render_changes, render_tuning, tuning_document
from tonekeeper.phones.native_formats.writing import Patched
from tonekeeper.phones.tuned import Tuning


def show_tuning(
    command: TunePhones, tuning: Tuning, findings: Sequence[FindingReport], native: str | None, terminal: Terminal
) -> Exit:
    """`native`: the settings in the model's syntax; None where nobody knows that."""
    if command.json:
        terminal.show_json(tuning_document(tuning, findings, native))
    elif not command.native:
        terminal.show(render_tuning(tuning, findings, width=terminal.width))
    elif native is None:
        terminal.say(f"cannot write settings for {tuning.profile}: nobody knows the syntax of this model's files")
        return Exit.USAGE
    else:
        terminal.show(native)
    return Exit.FINE


def show_changes(command: TunePhones, patched: Patched, terminal: Terminal) -> Exit:
    """What changed, or would; never anything else of the file."""
    if command.json:
        changes = [{"name": each.name, "before": each.before, "after": each.after} for each in patched.changes]
        terminal.show_json({"out": command.out or None, "changes": changes, "left_out": patched.left_out})
    else:
        terminal.show(render_changes(patched))
    if not command.out and patched.changes:
        terminal.say("nothing is written without --out")
    for name in patched.left_out:
        terminal.say(f"{name} has no place in this file; write it where it belongs")
    return Exit.FINE
