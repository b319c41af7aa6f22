"""What sites share is one line, however many they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.unit.faces import reports
from tonekeeper.core.report import FindingReport, Report, Severity
from tonekeeper.faces.fleet_page import render_fleet_page
from tonekeeper.faces.fleet_text import render_fleet
from tonekeeper.fleet.inventory import Host, Method
from tonekeeper.fleet.summary import Polled, SiteState, summarise, worst_first


def site(name: str, report: Report | None, *, error: str = "", labels: Mapping[str, str] | None = None) -> Polled:
    return Polled(Host(name, name, f"http://{name}:8642", Method.HTTP, "", labels or {}), report, error, 0.1, 1)


def with_finding(code: str, subject: str, severity: Severity = Severity.CRITICAL) -> Report:
    return replace(reports.healthy(), findings=(FindingReport(code, severity, subject, f"{code}!", {}, "", 1.0),))


def test_four_hundred_sites_with_one_broken_sbc_are_one_line():
    broken = [site(f"site-{number:03}", with_finding("sbc-down", "primary")) for number in range(400)]
    summary = summarise([*broken, site("well", reports.healthy())])
    (cause,) = summary.causes
    assert (cause.code, cause.about, len(cause.sites)) == ("sbc-down", "sip:sbc1.example.net", 400)
    assert summary.states == {
        SiteState.UNREACHABLE: 0,
        SiteState.CRITICAL: 400,
        SiteState.WARNING: 0,
        SiteState.FINE: 1,
    }


def test_an_sbc_is_the_same_whatever_a_site_calls_it():
    other = with_finding("sbc-down", "main")
    renamed = replace(other, sbcs=(replace(other.sbcs[0], name="main"), other.sbcs[1]))
    (cause,) = summarise([site("a", with_finding("sbc-down", "primary")), site("b", renamed)]).causes
    assert cause.sites == ("a", "b")


def test_a_wan_is_its_providers_where_the_inventory_says_whose_it_is():
    down = with_finding("wan-down", "fibre")
    polled = [
        site("a", down, labels={"wan_provider": "NetCo"}),
        site("b", down, labels={"wan_provider.fibre": "NetCo", "wan_provider": "Other"}),
        site("c", down, labels={"wan_provider": "Other"}),
    ]
    assert [(cause.about, cause.sites) for cause in summarise(polled).causes] == [
        ("NetCo", ("a", "b")),
        ("Other", ("c",)),
    ]


def test_what_the_ill_share_and_the_well_do_not_is_told():
    old = replace(
        with_finding("path-degraded", "fibre/primary"), agent=replace(reports.healthy().agent, version="0.0.9")
    )
    polled = [site("a", old), site("b", old), *(site(name, reports.healthy()) for name in "cdef")]
    (cause,) = summarise(polled).causes
    assert cause.also == ("agent 0.0.9",)


def test_those_that_do_not_answer_are_grouped_by_why_and_come_first():
    polled = [
        site("a", with_finding("sbc-down", "primary")),
        *(site(n, None, error="it does not answer in time") for n in "xy"),
    ]
    summary = summarise(polled)
    assert [(cause.code, cause.about) for cause in summary.causes] == [
        ("unreachable", "it does not answer in time"),
        ("sbc-down", "sip:sbc1.example.net"),
    ]
    assert [one.host.name for one in worst_first(polled)] == ["x", "y", "a"]


def test_a_note_makes_no_site_ill():
    assert site("a", with_finding("single-wan", "fibre", Severity.INFO)).state is SiteState.FINE


def test_text_and_page_show_hostile_names_as_they_are_written():
    polled = [site("<b>\x1b[2J", with_finding("sbc-down", "primary"))]
    summary = summarise(polled)
    assert "\x1b" not in render_fleet(polled, summary)
    page = render_fleet_page(polled, summary, "now")
    assert "<b>\x1b" not in page
    assert "&lt;b&gt;" in page
