"""Whose fault it is, read from the matrix WAN x SBC.

A cell is one WAN with one SBC, over all of the SBC's addresses. One SBC bad on every WAN that works is the SBC; every
SBC bad on one WAN while another WAN works is the WAN; one bad cell is the path between them (or a firewall on it); all
bad is the site, unless a single SBC is all there is to ask over several WANs. Nobody is blamed while a witness is
still being heard: a cell in doubt makes the cells that lean on it undecided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Cell(StrEnum):
    """What one WAN knows of one SBC."""

    UP = "up"
    DOWN = "down"
    DOUBT = "doubt"
    """Suspect, coming back, new, or asked to testify and not heard yet."""
    UNKNOWN = "unknown"
    """Had no verdict in time, held, or its WAN has no carrier: says nothing."""


class Culprit(StrEnum):
    WAN = "wan"
    SBC = "sbc"
    PATH = "path"
    SITE = "site"


class Confidence(StrEnum):
    CERTAIN = "certain"
    STRONG = "strong"
    LIKELY = "likely"


@dataclass(frozen=True, slots=True)
class Blame:
    culprit: Culprit
    wan: str
    """Empty where the culprit is the SBC or the site."""
    sbc: str
    """Empty where the culprit is the WAN or the site."""
    confidence: Confidence
    evidence: str
    """One sentence with what was seen."""


Matrix = Mapping[tuple[str, str], Cell]
"""(wan, sbc) -> cell"""


@dataclass(frozen=True, slots=True)
class Attribution:
    blames: tuple[Blame, ...]
    decided: bool
    """False while a witness is still being heard."""

    def of_wan(self, wan: str) -> Blame | None:
        return self._first(Culprit.WAN, wan, "")

    def of_sbc(self, sbc: str) -> Blame | None:
        return self._first(Culprit.SBC, "", sbc)

    @property
    def site(self) -> Blame | None:
        return self._first(Culprit.SITE, "", "")

    def _first(self, culprit: Culprit, wan: str, sbc: str) -> Blame | None:
        for blame in self.blames:
            if (blame.culprit, blame.wan, blame.sbc) == (culprit, wan, sbc):
                return blame
        return None


UNDECIDED = Attribution((), decided=False)


def attribute(matrix: Matrix, dead_wans: Mapping[str, str]) -> Attribution:
    """Blame from the matrix. `dead_wans`: WANs that need no witness (no carrier, no interface) and why."""
    blames = [Blame(Culprit.WAN, wan, "", Confidence.CERTAIN, why) for wan, why in dead_wans.items()]
    cells = {key: cell for key, cell in matrix.items() if key[0] not in dead_wans and cell is not Cell.UNKNOWN}
    if Cell.DOWN not in cells.values():
        return Attribution(tuple(blames), decided=True)
    if Cell.DOUBT in cells.values():
        return Attribution(tuple(blames), decided=False)
    if Cell.UP not in cells.values():
        return Attribution((*blames, _blame_for_silence(cells)), decided=True)
    wans = sorted({wan for wan, _ in cells})
    bad_wans = [wan for wan in wans if _all_down(cells, wan=wan)]
    blames += [_blame_wan(cells, wan) for wan in bad_wans]
    rest = {key: cell for key, cell in cells.items() if key[0] not in bad_wans}
    for sbc in sorted({sbc for _, sbc in rest}):
        blames += _blame_sbc_or_paths(rest, sbc)
    return Attribution(tuple(blames), decided=True)


def _all_down(cells: Matrix, *, wan: str) -> bool:
    return all(cell is Cell.DOWN for (w, _), cell in cells.items() if w == wan)


def _blame_for_silence(cells: Matrix) -> Blame:
    """Nothing answers anywhere."""
    wans = sorted({wan for wan, _ in cells})
    sbcs = sorted({sbc for _, sbc in cells})
    if len(sbcs) == 1 and len(wans) > 1:
        why = f"{sbcs[0]} is silent over {_listed(wans)}; no other SBC is configured to compare with"
        return Blame(Culprit.SBC, "", sbcs[0], Confidence.LIKELY, why)
    why = f"no SBC ({_listed(sbcs)}) answers over any WAN ({_listed(wans)})"
    confidence = Confidence.STRONG if len(wans) > 1 else Confidence.LIKELY
    return Blame(Culprit.SITE, "", "", confidence, why)


def _blame_wan(cells: Matrix, wan: str) -> Blame:
    silent = sorted(sbc for (w, sbc) in cells if w == wan)
    works = sorted({w for (w, _), cell in cells.items() if cell is Cell.UP})
    confidence = Confidence.STRONG if len(silent) > 1 else Confidence.LIKELY
    why = f"{_listed(silent)} silent over {wan}, while {_do(works, 'work')}"
    return Blame(Culprit.WAN, wan, "", confidence, why)


def _blame_sbc_or_paths(cells: Matrix, sbc: str) -> list[Blame]:
    down = sorted(wan for (wan, s), cell in cells.items() if s == sbc and cell is Cell.DOWN)
    up = sorted(wan for (wan, s), cell in cells.items() if s == sbc and cell is Cell.UP)
    others = sorted({s for (_, s), cell in cells.items() if cell is Cell.UP and s != sbc})
    if not down:
        return []
    if not up:
        confidence = Confidence.STRONG if len(down) > 1 else Confidence.LIKELY
        why = f"{sbc} is silent over {_listed(down)}, where {_do(others, 'answer')}"
        return [Blame(Culprit.SBC, "", sbc, confidence, why)]
    return [Blame(Culprit.PATH, wan, sbc, Confidence.STRONG, _path_evidence(sbc, wan, up, others)) for wan in down]


def _path_evidence(sbc: str, wan: str, up: list[str], others: list[str]) -> str:
    return f"{sbc} answers over {_listed(up)} but not over {wan}, where {_do(others, 'answer')}"


def _do(names: list[str], verb: str) -> str:
    return f"{_listed(names)} {verb}{'s' if len(names) == 1 else ''}"


def _listed(names: list[str]) -> str:
    return " and ".join(names)
