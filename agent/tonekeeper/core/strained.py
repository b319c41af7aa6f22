"""Whose fault it is that answers are lost or late: the strain of each path (strain.py), read from the matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from tonekeeper.core.attribution import Attribution, Blame, Cell, Culprit, attribute
from tonekeeper.core.findings import Observation
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.report import PathState
from tonekeeper.core.situation import Situation
from tonekeeper.core.strain import Strain

ANSWERING = (PathState.UP, PathState.SUSPECT)


def attribute_strain(situation: Situation, now: float) -> Attribution:
    """A cell is bad where every address that answers is strained; where none answers, it says nothing."""
    matrix = {
        (wan.name, sbc.name): _cell(_answering(situation, wan.name, sbc.name, now))
        for wan in situation.site.wans
        for sbc in situation.site.sbcs
    }
    found = attribute(matrix, {})
    return replace(found, blames=tuple(replace(one, evidence=_evidence(situation, one, now)) for one in found.blames))


def observe(situation: Situation) -> Iterator[Observation]:
    """One cell alone; what is an SBC's is told with its health, what is a WAN's with the circuits."""
    for blame in situation.strain.blames:
        if blame.culprit is Culprit.PATH:
            evidence = {"why": blame.evidence, "confidence": str(blame.confidence)}
            yield Observation("path-degraded", f"{blame.sbc} over {blame.wan}", evidence)


def _answering(situation: Situation, wan: str, sbc: str, now: float) -> list[PathProbe]:
    probes = situation.probes_of(wan=wan, sbc=sbc)
    return [probe for probe in probes if probe.state in ANSWERING and probe.is_heard(now)]


def _cell(answering: list[PathProbe]) -> Cell:
    if not answering:
        return Cell.UNKNOWN
    return Cell.DOWN if all(probe.strain for probe in answering) else Cell.UP


def _evidence(situation: Situation, blame: Blame, now: float) -> str:
    wans = [wan.name for wan in situation.site.wans if blame.wan in ("", wan.name)]
    sbcs = [sbc.name for sbc in situation.site.sbcs if blame.sbc in ("", sbc.name)]
    cells = [(wan, sbc, _strained(situation, wan, sbc, now)) for wan in wans for sbc in sbcs]
    best = [(f"over {wan}" if blame.sbc else f"over {wan} to {sbc}", probe) for wan, sbc, probe in cells if probe]
    lost = [f"{p.loss.lately:.0%} {where}" for where, p in best if p.strain is Strain.LOSSY]
    late = [f"{p.timeout.srtt:.1f} s {where}" for where, p in best if p.strain is Strain.SLOW]
    told = [f"probes are lost, {' and '.join(lost)}"] if lost else []
    told += [f"answers take {' and '.join(late)}"] if late else []
    return "; ".join(told) + _contrast(situation, blame)


def _strained(situation: Situation, wan: str, sbc: str, now: float) -> PathProbe | None:
    """The address that does best, where none does well."""
    answering = _answering(situation, wan, sbc, now)
    if _cell(answering) is not Cell.DOWN:
        return None
    return min(answering, key=lambda probe: (probe.loss.lately, probe.timeout.srtt))


def _contrast(situation: Situation, blame: Blame) -> str:
    others = [sbc.name for sbc in situation.site.sbcs if sbc.name != blame.sbc]
    match blame.culprit:
        case Culprit.SBC | Culprit.PATH:
            return f", not so with {' and '.join(others)}" if others else "; there is no other SBC to compare with"
        case Culprit.WAN | Culprit.SITE:
            return ""
        case _:
            assert_never(blame.culprit)
