"""What a bench brings home: tables of figures, some with a limit that they must keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

DECIMALS = {"s": 2, "ms": 1, "µs": 1, "MiB": 1, "/s": 0, "kB": 1, "%": 2, "bytes": 2, "": 0}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `limit`: the most it may be."""

    value: float
    unit: str
    limit: float | None = None

    @property
    def missed(self) -> bool:
        return self.limit is not None and self.value > self.limit

    def __str__(self) -> str:
        shown = f"{self.value:,.{DECIMALS[self.unit]}f} {self.unit}".rstrip()
        if self.limit is None:
            return shown
        return f"{shown} ({'MISSED' if self.missed else 'kept'}: at most {self.limit:g})"


@dataclass(frozen=True, slots=True)
class Row:
    subject: str
    figures: tuple[Figure | None, ...]
    """One for each column of the table after the first; None where there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    story: str
    """What was done to get these numbers."""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def missed(self) -> tuple[str, ...]:
        """A sentence for each limit that was not kept."""
        return tuple(
            f"{row.subject}, {column}: {figure}"
            for row in self.rows
            for column, figure in zip(self.columns, row.figures, strict=True)
            if figure is not None and figure.missed
        )


def median_and_worst(
    values: Sequence[float], unit: str, limits: tuple[float | None, float | None] = (None, None)
) -> tuple[Figure, Figure]:
    return Figure(median(values), unit, limits[0]), Figure(max(values), unit, limits[1])
