"""Answers that are lost or late: when that is called a strain, and whose it is."""

from __future__ import annotations

import pytest

from tests.unit.core.talk import Talk, path, site
from tonekeeper.core.attribution import Blame, Confidence, Culprit
from tonekeeper.core.report import PathState
from tonekeeper.core.site import Path
from tonekeeper.core.strain import Strain, strain_of
from tonekeeper.core.strained import attribute_strain


@pytest.mark.parametrize(
    ("before", "loss", "round_trip", "after"),
    [
        (Strain.NONE, 0.14, 0.9, Strain.NONE),
        (Strain.NONE, 0.15, 0.1, Strain.LOSSY),
        (Strain.LOSSY, 0.05, 0.1, Strain.LOSSY),
        (Strain.LOSSY, 0.04, 0.1, Strain.NONE),
        (Strain.NONE, 0.0, 1.0, Strain.SLOW),
        (Strain.SLOW, 0.0, 0.7, Strain.SLOW),
        (Strain.SLOW, 0.0, 0.6, Strain.NONE),
        (Strain.SLOW, 0.2, 0.8, Strain.LOSSY),
        (Strain.LOSSY, 0.0, 0.8, Strain.NONE),
    ],
)
def test_a_strain_ends_later_than_it_begins(before, loss, round_trip, after):
    assert strain_of(before, loss, round_trip) is after


def strained(*slow: Path, **configured: str) -> tuple[Blame, ...]:
    """Whose fault it is where the answers on these paths take 2 s."""
    talk = Talk(site(**configured)).begin()
    for one in slow:
        probe = talk.agent.situation.probes[one]
        probe.strain, probe.timeout.srtt = Strain.SLOW, 2.0
    return attribute_strain(talk.agent.situation, talk.now).blames


def test_nobody_is_to_blame_while_all_is_well():
    assert strained() == ()


def test_one_sbc_that_is_slow_over_every_wan_is_the_sbc():
    (blame,) = strained(path("fibre", "primary"), path("lte", "primary"))
    assert (blame.culprit, blame.sbc, blame.confidence) == (Culprit.SBC, "primary", Confidence.STRONG)
    assert blame.evidence == "answers take 2.0 s over fibre and 2.0 s over lte, not so with alternate"


def test_every_sbc_that_is_slow_over_one_wan_is_the_wan():
    (blame,) = strained(path("fibre", "primary"), path("fibre", "alternate"))
    assert (blame.culprit, blame.wan) == (Culprit.WAN, "fibre")
    assert blame.evidence == "answers take 2.0 s over fibre to primary and 2.0 s over fibre to alternate"


def test_one_cell_is_the_path():
    (blame,) = strained(path("fibre", "primary"))
    assert (blame.culprit, blame.wan, blame.sbc) == (Culprit.PATH, "fibre", "primary")
    assert blame.evidence == "answers take 2.0 s over fibre, not so with alternate"


def test_a_single_sbc_is_likely_to_be_the_one():
    (blame,) = strained(path("fibre", "primary"), path("lte", "primary"), sbcs="primary")
    assert (blame.culprit, blame.confidence) == (Culprit.SBC, Confidence.LIKELY)
    assert blame.evidence.endswith("; there is no other SBC to compare with")


def test_loss_and_delay_are_told_apart():
    talk = Talk(site()).begin()
    for wan, strain in (("fibre", Strain.LOSSY), ("lte", Strain.SLOW)):
        probe = talk.agent.situation.probes[path(wan, "primary")]
        probe.strain, probe.timeout.srtt = strain, 2.0
        probe.loss.seen, probe.loss.seen_missed = 100.0, 31.0
    (blame,) = attribute_strain(talk.agent.situation, talk.now).blames
    assert blame.evidence == "probes are lost, 31% over fibre; answers take 2.0 s over lte, not so with alternate"


def test_a_path_that_is_down_is_not_called_slow():
    talk = Talk(site()).begin()
    for wan in ("fibre", "lte"):
        probe = talk.agent.situation.probes[path(wan, "primary")]
        probe.strain, probe.state = Strain.SLOW, PathState.DOWN
    assert attribute_strain(talk.agent.situation, talk.now).blames == ()
