from __future__ import annotations

import itertools

import pytest

from tonekeeper.core.attribution import Attribution, Blame, Cell, Confidence, Culprit, attribute


def matrix(drawing: str) -> dict[tuple[str, str], Cell]:
    """One row a WAN, one letter an SBC: u up, d down, ? doubt, - unknown."""
    letters = {"u": Cell.UP, "d": Cell.DOWN, "?": Cell.DOUBT, "-": Cell.UNKNOWN}
    return {
        (f"wan{row}", f"sbc{column}"): letters[letter]
        for row, line in enumerate(drawing.split(), start=1)
        for column, letter in enumerate(line, start=1)
    }


def culprits(drawing: str, dead: dict[str, str] | None = None) -> list[str]:
    return sorted(f"{b.culprit}:{b.wan}{b.sbc}" for b in attribute(matrix(drawing), dead or {}).blames)


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ("uu uu", []),
        ("du du", ["sbc:sbc1"]),
        ("dd uu", ["wan:wan1"]),
        ("du uu", ["path:wan1sbc1"]),
        ("dd dd", ["site:"]),
        ("dd du", ["sbc:sbc1", "wan:wan1"]),
        ("du", ["sbc:sbc1"]),
        ("dd", ["site:"]),
        ("d u", ["wan:wan1"]),
        ("d d", ["sbc:sbc1"]),
        ("d", ["site:"]),
        ("ddu uuu", ["path:wan1sbc1", "path:wan1sbc2"]),
        ("d-", ["site:"]),
        ("d- u-", ["wan:wan1"]),
        ("-- --", []),
    ],
)
def test_the_matrix_names_the_culprit(drawing, expected):
    assert culprits(drawing) == expected


def test_nobody_is_blamed_while_a_witness_is_being_heard():
    verdict = attribute(matrix("du ?u"), {})
    assert verdict == Attribution((), decided=False)


def test_a_wan_without_carrier_needs_no_witness_and_its_cells_say_nothing():
    assert culprits("dd uu", {"wan1": "eth0 has no carrier"}) == ["wan:wan1"]
    assert culprits("dd du", {"wan1": "eth0 has no carrier"}) == ["sbc:sbc1", "wan:wan1"]
    assert attribute(matrix("dd uu"), {"wan1": "x"}).blames[0].confidence is Confidence.CERTAIN


def test_one_witness_less_makes_it_likely_only():
    assert attribute(matrix("du du"), {}).blames[0].confidence is Confidence.STRONG
    assert attribute(matrix("du"), {}).blames[0].confidence is Confidence.LIKELY


def test_the_evidence_is_a_sentence_with_names():
    assert attribute(matrix("du uu"), {}).blames == (
        Blame(
            Culprit.PATH,
            "wan1",
            "sbc1",
            Confidence.STRONG,
            "sbc1 answers over wan2 but not over wan1, where sbc2 answers",
        ),
    )


@pytest.mark.parametrize("cells", list(itertools.product("ud?-", repeat=4)), ids="".join)
def test_every_matrix_has_an_attribution_and_only_what_is_down_is_blamed(cells):
    drawing = f"{cells[0]}{cells[1]} {cells[2]}{cells[3]}"
    verdict = attribute(matrix(drawing), {})
    assert not verdict.blames or "d" in drawing
    for blame in verdict.blames:
        accused = [
            cell
            for (wan, sbc), cell in matrix(drawing).items()
            if blame.wan in ("", wan) and blame.sbc in ("", sbc) and cell is not Cell.UNKNOWN
        ]
        assert Cell.DOWN in accused
        if blame.culprit in (Culprit.WAN, Culprit.SITE):
            assert Cell.UP not in accused
