"""The report as a file, in a real browser: on any screen, by anybody, and on paper."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.site import eventful
from tests.browser.test_page_reading import violations
from tests.unit.faces import examinations
from tests.unit.faces.test_html_report import PHONE
from tonekeeper.core.verdict import verdict_of
from tonekeeper.faces.html_report import render_html_report

pytestmark = pytest.mark.browser

A4, LETTER = (8.27, 11.69), (8.5, 11.0)
"""Inches."""
Open = Callable[..., Page]


@pytest.fixture
def open_report(browser: Chromium, tmp_path: Path) -> Open:
    report, file = eventful(), tmp_path / "report.html"
    file.write_text(
        render_html_report(report, verdict_of(report), "2026-11-23 14:05:12 +0100", examinations.done(), (PHONE,))
    )
    return lambda **settings: browser.open(file.as_uri(), **settings)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(open_report: Open, scheme: str):
    assert violations(open_report(scheme=scheme)) == []


def test_it_asks_for_nothing_but_itself_and_needs_no_javascript(open_report: Open):
    page = open_report(javascript=False)

    assert [url.rpartition("/")[2] for url in page.requests] == ["report.html"]
    assert page.complaints == []


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_it_fits_the_screen(open_report: Open, width: int):
    page = open_report(width=width)

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_is_dark_on_a_screen_and_never_on_paper(open_report: Open):
    page = open_report(scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"

    assert page.evaluate(ground) == "rgb(13, 18, 23)"
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("paper", [A4, LETTER], ids=["A4", "Letter"])
def test_it_prints_on_a_few_sheets(open_report: Open, paper: tuple[float, float]):
    width, height = paper
    answer = open_report().call("Page.printToPDF", paperWidth=width, paperHeight=height, preferCSSPageSize=False)
    pdf = base64.b64decode(answer["data"])

    assert 3 <= pdf.count(b"/Type /Page\n") <= 7


def test_what_is_folded_on_a_screen_is_open_on_paper(open_report: Open):
    page = open_report()
    is_shown = "document.querySelector('details table').checkVisibility()"

    assert not page.evaluate(is_shown)
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert page.evaluate(is_shown)
