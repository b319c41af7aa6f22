"""The page as it is read: what it says, on any screen, by anybody, with and without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.needs import AXE
from tests.browser.site import Site, eventful
from tests.unit.faces import examinations, reports
from tonekeeper.core.report import Report
from tonekeeper.faces.http.page.parts import report_parts

pytestmark = pytest.mark.browser

MOST_BYTES = 60_000
SITUATIONS = {
    "healthy": (reports.healthy, "OK Every path works: calls go over fibre to primary."),
    "failed over": (reports.failed_over, "PROBLEM SBC primary does not answer, and it is not this site's WANs"),
    "offline": (reports.offline, "PROBLEM No SBC answers over any WAN: no carrier on fibre and lte."),
    "suppressed": (reports.steered, "WARNING WAN fibre keeps coming and going: 3 losses in the last hour."),
    "at the start": (reports.at_start, "UNKNOWN No SBC has answered yet"),
}
SCHEMES = ("light", "dark")
STACKED = 736
"""Pixels up to which the rows of tables are blocks."""

TABLES = ("paths", "firewall", "egress", "phones", "checks", "changes")
TITLES = [
    "site-0042",
    "Diagnosis",
    "Findings",
    "Paths",
    "WANs",
    "Firewall",
    "Way out",
    "Phones",
    "Checks",
    "Latest changes",
]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_is_shown_with_its_verdict_first(browser: Chromium, site: Site, situation: str):
    report, verdict = SITUATIONS[situation]
    site.now = report()
    page = browser.open(site.url)

    assert page.text("main").startswith(verdict)
    assert page.complaints == []


def test_states_are_told_by_word_and_shape_and_not_by_colour_alone(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url)
    shapes = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.state')].map(it =>"
        " [it.classList[1], getComputedStyle(it, '::before').clipPath]))"
    )

    assert set(shapes) == {"good", "warning", "bad", "unknown"}
    assert len(set(shapes.values())) == 4
    assert page.evaluate("[...document.querySelectorAll('.state')].every(it => it.textContent)")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_to_complain_of(browser: Chromium, site: Site, scheme: str):
    site.now = eventful()
    site.diagnoses.now = examinations.running()
    page = browser.open(site.url, scheme=scheme)
    unfold(page)

    assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_a_narrow_screen_when_all_is_well_and_the_agent_is_gone(
    browser: Chromium, site: Site, scheme: str
):
    site.diagnoses.now = examinations.done()
    page = browser.open(site.url, width=360, scheme=scheme)
    unfold(page)
    assert violations(page) == []
    page.evaluate(
        "document.querySelectorAll('[role=alert]').forEach(it => { it.hidden = false; it.textContent = 'x'; })"
    )

    assert violations(page) == []


def test_axe_would_find_something(browser: Chromium, site: Site):
    page = browser.open(site.url)
    page.evaluate("document.querySelector('#verdict .sentence').style.setProperty('color', '#9c9')")

    assert violations(page) == ["color-contrast: .sentence"]


def long_names() -> Report:
    """As somebody gives them who does not think of a telephone's screen."""
    name = "the-first-line-that-we-had-" * 4
    start = eventful()
    wans = tuple(replace(wan, name=f"{wan.name}-{name}", interface=name[:15]) for wan in start.wans)
    paths = [tuple(replace(path, wan=f"{path.wan}-{name}") for path in sbc.paths) for sbc in start.sbcs]
    sbcs = [
        replace(sbc, name=f"{sbc.name}-{name}", uri=f"sip:{name}", paths=own)
        for sbc, own in zip(start.sbcs, paths, strict=True)
    ]
    phones = tuple(replace(phone, vendor="", model="", user_agent=name, firmware=name) for phone in start.phones)
    return replace(start, agent=replace(start.agent, name=name), wans=wans, sbcs=tuple(sbcs), phones=phones)


@pytest.mark.parametrize("report", [reports.healthy, eventful, reports.large, long_names], ids=lambda it: it.__name__)
@pytest.mark.parametrize("width", [360, 460, 700, 760])
def test_nothing_has_to_be_scrolled_sideways(browser: Chromium, site: Site, report: Callable[[], Report], width: int):
    site.now = report()
    site.diagnoses.now = examinations.running()
    page = browser.open(site.url, width=width)
    unfold(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width <= STACKED or report is not long_names:  # the matrix as a table may have its own scroll bar
        assert page.evaluate("(it => it.scrollWidth <= it.clientWidth)(document.querySelector('.scroll'))")


def test_on_a_narrow_screen_every_cell_still_says_what_it_is(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url, width=360)
    titles = page.evaluate(
        "[...document.querySelectorAll('#paths td, #phones td')].map(it => getComputedStyle(it, '::before').content)"
    )

    assert set(titles) == {'"fibre"', '"lte"', '"Firmware"', '"Registration"', '"Keepalive"', '"Last seen"'}


def test_what_the_browser_loads_is_small_and_comes_from_the_agent_alone(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url)
    page.wait_for("document.getElementById('live').dataset.is === 'live'", within=5)
    requests = {url.removeprefix(site.url) for url in page.requests if not url.startswith("data:")}

    assert requests == {"", "api/v1/events"}
    shown = sum(len(part.encode()) for part in report_parts(site.now).values())
    assert 2 * shown < page.bytes_loaded < MOST_BYTES, "the page, and what the stream begins with"


def test_without_javascript_everything_can_be_read(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url, javascript=False)
    with_it = browser.open(site.url)
    read, read_with_it = page.text("main"), with_it.text("main")

    assert page.text("#live") == ""
    assert "Load it again" in page.text("footer")
    for word in ("PROBLEM", "What to do", "calls go here", "Idle bindings live", "Yealink T46U", "not checked"):
        assert word in read
    assert read == read_with_it.replace("Quick check Full check ", "")


def test_without_javascript_a_fold_opens_all_the_same(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url, javascript=False)
    page.click("#findings summary")

    assert "There is nowhere to go if alternate over fibre fails." in page.text("#findings")


def test_all_that_can_be_done_can_be_done_by_keyboard_with_the_focus_in_sight(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url)
    reached = []
    for _ in range(8):
        page.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.do ?? document.activeElement.nodeName"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", reached

    matrix = "DIV"  # which may have to be scrolled
    assert reached == ["quick", "full", "SUMMARY", matrix, "SUMMARY", "SUMMARY", "A", "A"]
    page.evaluate("document.querySelector('summary').focus()")
    page.press("Enter")
    assert page.evaluate("document.querySelector('details').open")


def test_the_outline_of_the_page_is_one_of_landmarks_and_headings(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node.get("ignored")]
    names = [node["name"]["value"] for node in nodes if node["role"]["value"] == "heading"]

    assert {"banner", "main", "contentinfo", "region", "status"} <= set(roles)
    assert roles.count("table") == page.evaluate(
        "[...document.querySelectorAll('table')].filter(it => it.checkVisibility()).length"
    )
    assert roles.count("columnheader") >= 10
    assert roles.count("rowheader") >= 8
    assert [name for name in names if name in TITLES] == TITLES


def test_tables_stay_tables_on_a_narrow_screen(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url, width=360)
    roles = [node["role"]["value"] for node in page.call("Accessibility.getFullAXTree")["nodes"]]

    assert roles.count("rowheader") >= 8
    assert roles.count("cell") >= 20


def test_hostile_text_runs_nothing(browser: Chromium, site: Site):
    site.now = reports.hostile("<img src=x onerror='window.hit=1'></td></table><script>window.hit=1</script>")
    page = browser.open(site.url)
    page.wait_for("document.getElementById('live').dataset.is === 'live'", within=5)

    assert page.evaluate("window.hit ?? 'no'") == "no"
    assert page.evaluate("document.querySelectorAll('main img').length") == 0
    assert page.complaints == []


def test_markup_that_slipped_in_would_stay_inert(browser: Chromium, site: Site):
    page = browser.open(site.url)
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit=1\">')"
    )
    page.wait_for("performance.now() > 0 && document.querySelector('main > img').complete", within=5)

    assert page.evaluate("window.hit ?? 'no'") == "no"
    assert any("Content Security Policy" in complaint for complaint in page.complaints)


def test_printed_it_has_everything_and_no_buttons(browser: Chromium, site: Site):
    site.now = eventful()
    page = browser.open(site.url)
    folded = "document.querySelector('#findings details ul').checkVisibility()"
    assert not page.evaluate(folded)
    page.call("Emulation.setEmulatedMedia", media="print")

    assert page.evaluate("document.querySelector('.buttons').checkVisibility()") is False
    assert page.evaluate(
        "document.querySelector('#findings details ul').checkVisibility({contentVisibilityAuto: true})"
    )


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")


def violations(page: Page) -> list[str]:
    """Rules that are broken, with the element; also best practices beyond WCAG 2.2 AA."""
    page.evaluate(AXE.read_text() + "; 0")
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(it => it.violations)"
    )
    return [f"{one['id']}: {json.dumps(node['target'][0])[1:-1]}" for one in found for node in one["nodes"]]
