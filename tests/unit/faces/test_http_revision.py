"""What is news of a report, and what runs by itself."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from tests.unit.faces import reports
from tonekeeper.core.report import Report
from tonekeeper.core.site import Sbc, Site, Wan
from tonekeeper.drivers.sim.simulation import Simulation
from tonekeeper.faces.http.revision import RUNNING, STANDING_DURATIONS, Revisions, lasting_part, matches

SITE = Site(
    "site-0042",
    (Wan("fibre", "eth0"), Wan("lte", "wwan0", metered=True)),
    tuple(Sbc(name, f"sip:{name}", name, 5060) for name in ("sbc1.example.net", "sbc2.example.net")),
)


@pytest.fixture
def sim():
    simulation = Simulation(SITE, seed=3)
    simulation.run(600)
    return simulation


def test_the_tag_stays_while_nothing_happens_although_every_age_and_counter_has_moved(sim):
    revisions = Revisions()
    before, tag = sim.report(), revisions.tag(sim.report())
    for _ in range(10):
        sim.run(60)
        assert revisions.tag(sim.report()) == tag
    assert sim.report() != before


def test_an_incident_changes_the_tag_and_its_end_does_not_bring_the_old_one_back(sim):
    revisions = Revisions()
    tags = [revisions.tag(sim.report())]
    sim.sbc("sbc1.example.net").fall_silent()
    sim.run(60)
    tags.append(revisions.tag(sim.report()))
    sim.sbc("sbc1.example.net").recover()
    sim.run(3600)
    tags.append(revisions.tag(sim.report()))
    assert len(set(tags)) == 3


def test_another_process_has_other_tags():
    report = reports.healthy()
    assert Revisions().tag(report) != Revisions().tag(report)


def every_key(kind: type, seen: set[type]) -> set[str]:
    seen.add(kind)
    names = {field.name for field in dataclasses.fields(kind)}
    nested = {
        other
        for field in dataclasses.fields(kind)
        for other in vars(__import__("tonekeeper.core.report", fromlist=["Report"])).values()
        if dataclasses.is_dataclass(other) and other.__name__ in str(field.type) and other not in seen
    }
    return names.union(*(every_key(other, seen) for other in nested if other not in seen))


def test_every_key_that_is_named_is_one_of_the_report():
    assert every_key(Report, set()) >= RUNNING | STANDING_DURATIONS


def test_a_state_a_reason_a_finding_and_an_address_are_news():
    report = reports.failed_over()
    sbc, finding, wan = report.sbcs[0], report.findings[0], report.wans[0]
    for other in (
        replace(report, sbcs=(replace(sbc, reason="another"), *report.sbcs[1:])),
        replace(report, sbcs=(replace(sbc, paths=()), *report.sbcs[1:])),
        replace(report, findings=report.findings[1:]),
        replace(report, findings=(replace(finding, evidence={"seen": "something else"}), *report.findings[1:])),
        replace(report, wans=(replace(wan, addresses=("203.0.113.77",)), *report.wans[1:])),
    ):
        assert lasting_part(other) != lasting_part(report)


@pytest.mark.parametrize(
    ("field", "fits"),
    [
        ('W/"a-1"', True),
        ('"a-1"', True),
        ("*", True),
        ('"x", W/"a-1" , "y"', True),
        ("", False),
        ('W/"a-2"', False),
        ('W/"a-1', False),
        ("a-1", False),
    ],
)
def test_a_tag_is_compared_weakly(field, fits):
    assert matches(field, 'W/"a-1"') is fits
