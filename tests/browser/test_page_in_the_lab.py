"""The page of a real agent that watches real servers over a real network: a failure there shows here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import need_browser
from tests.lab.agent import HTTP, Agent
from tests.lab.namespace import MOUNTS
from tests.lab.topology import Lab

pytestmark = pytest.mark.browser

WITHIN = 2.0
"""Seconds from a failure to its name on the page."""
PATIENCE = 30.0
MOST_BYTES = 60_000
URL = f"http://{HTTP[0]}:{HTTP[1]}/"


@pytest.fixture(scope="session")
def browser_at_the_site(standing_lab: Lab) -> Iterator[Chromium]:
    """On the CPE itself, where the agent's page is."""
    need_browser()
    with Chromium(within=("nsenter", f"--net={MOUNTS / standing_lab.cpe.namespace.name}")) as browser:
        yield browser


@pytest.fixture
def page(browser_at_the_site: Chromium, make_agent: Callable[..., Agent]) -> Iterator[Page]:
    """Of an agent that has been watching for a while, and finds nothing wrong."""
    make_agent().start()
    page = browser_at_the_site.open(URL)
    page.wait_for("document.getElementById('live').dataset.is === 'live'", within=PATIENCE)
    page.wait_for("document.title === 'OK: lab-site'", within=PATIENCE)
    yield page
    browser_at_the_site.close_pages()


def shown_after(page: Page, finding: str, began: float) -> float:
    """Seconds from `began` until the finding stands on the page."""
    page.wait_for(f"document.getElementById('findings').textContent.includes('{finding}')", within=PATIENCE)
    return time.monotonic() - began


def test_an_sbc_that_dies_shows_within_two_seconds(lab: Lab, page: Page):
    began = time.monotonic()
    lab.sbc("primary").stop()
    took = shown_after(page, "sbc-down", began)

    assert took <= WITHIN
    assert page.bytes_loaded < MOST_BYTES
    page.wait_for("document.querySelector('#place').textContent.includes('alternate')", within=PATIENCE)
    assert page.text("main").startswith("PROBLEM SBC primary does not answer")
    assert page.text("#paths").count("down RTT") == 2
    assert page.complaints == []


def test_a_line_that_is_cut_shows_within_two_seconds(lab: Lab, page: Page):
    began = time.monotonic()
    lab.provider("fibre").cut()
    took = shown_after(page, "wan-down", began)

    assert took <= WITHIN
    page.wait_for("document.querySelector('#place').textContent.includes('lte')", within=PATIENCE)
    assert "fibre down" in page.text("#wans")
    lab.heal()
    page.wait_for("!document.getElementById('findings').textContent.includes('wan-down')", within=PATIENCE)


def test_a_diagnosis_of_the_agent_is_begun_from_the_page_and_tells_what_is_wrong(lab: Lab, page: Page):
    lab.sbc("primary").stop()
    shown_after(page, "sbc-down", time.monotonic())
    page.click("[data-do=quick]")
    page.wait_for("document.querySelector('#diagnosis progress')", within=PATIENCE)
    assert "Quick check:" in page.text("#diagnosis")
    page.wait_for("document.querySelector('#diagnosis [role=status]').textContent", within=PATIENCE)

    assert page.text("#diagnosis [role=status]").startswith("SBC primary does not answer")
    assert "Quick check done in" in page.text("#diagnosis")
    page.click("#diagnosis summary")
    assert "sbcs problem" in page.text("#diagnosis")
    assert page.complaints == []
