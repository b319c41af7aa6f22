"""Tables for the terminal, and the page that is kept."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime

from tests.bench.machine import Machine
from tests.bench.results import Table

WIDTH = 120

HEAD = """\
# Benchmarks

Written by `make bench`, which needs root and takes most of an hour, or by `python -m tests.bench --page NAME ...` for
some benches, which leaves the other sections as they were. A limit that was not kept is printed as missed where it
was measured. Measured last: {benches}.

| | |
| --- | --- |
| measured | {day} |
| seed of the random phases | {seed} (`python -m tests.bench --seed {seed}`) |
| machine | {machine} |
| versions | {versions} |
"""


def render_text(table: Table) -> str:
    """As it goes to the terminal."""
    cells = [["", *table.columns], *_cells(table)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([table.title, *lines, ""])


def render_page(tables: Sequence[Table], machine: Machine, day: datetime, seed: int, benches: Iterable[str]) -> str:
    """docs/benchmarks.md"""
    head = HEAD.format(
        benches=", ".join(f"`{bench}`" for bench in benches),
        day=f"{day:%Y-%m-%d}",
        seed=seed,
        machine=machine,
        versions=", ".join(f"{name} {version}" for name, version in machine.versions),
    )
    return "\n".join([head, render_missed(tables), *(_render_section(table) for table in tables)]).rstrip() + "\n"


def keep_other_sections(old: str, new: str) -> str:
    """`new`, and of the page before it the sections that were not measured again."""
    measured = {section.partition("\n")[0] for section in _sections(new)}
    kept = [section for section in _sections(old) if section.partition("\n")[0] not in measured]
    return "\n".join([new.rstrip(), *(f"\n## {section.rstrip()}" for section in kept)]) + "\n"


def _sections(page: str) -> list[str]:
    return page.split("\n## ")[1:]


def render_missed(tables: Sequence[Table]) -> str:
    missed = [f"- {table.title}: {sentence}" for table in tables for sentence in table.missed]
    return "\n".join(["Missed:", "", *missed, ""]) if missed else "All limits were kept.\n"


def _render_section(table: Table) -> str:
    rows = [["", *table.columns], ["---"] * (len(table.columns) + 1), *_cells(table)]
    lines = ["| " + " | ".join(row).strip() + " |" for row in rows]
    return "\n".join([f"## {table.title}", "", *textwrap.wrap(table.story, WIDTH), "", *lines, ""])


def _cells(table: Table) -> list[list[str]]:
    return [[row.subject, *("" if figure is None else str(figure) for figure in row.figures)] for row in table.rows]
