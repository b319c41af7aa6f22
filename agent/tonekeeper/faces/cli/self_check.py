"""The answer of `tonekeeper check --self`: what this build and this host can do, a line for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Check this build and this host. `file`: a configuration whose needs count; empty: those of any site."""

    file: str = ""
    json: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """`missing`: why it cannot be used; empty: it can. `without`: what does not work then."""

    name: str
    missing: str
    without: str
    is_needed: bool
    """By the site's role and what is configured."""


def show_self_check(command: SelfCheck, parts: Sequence[Part], terminal: Terminal) -> Exit:
    lacks = [part for part in parts if part.missing and part.is_needed]
    if command.json:
        terminal.show_json({"complete": not lacks, "parts": parts})
    else:
        terminal.show("".join(f"{_line(part)}\n" for part in parts))
    return Exit.MISSING if lacks else Exit.FINE


def _line(part: Part) -> str:
    if not part.missing:
        return f"ok       {part.name}"
    needed = "needed here" if part.is_needed else "not needed here"
    return f"missing  {part.name} ({needed}): {part.missing}; without it {part.without}"
