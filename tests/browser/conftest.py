"""One browser for the whole session, a page of its own and a site of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium
from tests.browser.needs import missing
from tests.browser.site import Site
from tests.lab.conftest import lab, make_agent, standing_lab  # noqa: F401 - fixtures of the agent that it watches


@pytest.fixture(scope="session")
def standing_browser() -> Iterator[Chromium]:
    need_browser()
    with Chromium() as browser:
        yield browser


def need_browser() -> None:
    if reason := missing():
        if os.environ.get("TONEKEEPER_LAB") == "required":
            pytest.fail(f"TONEKEEPER_LAB=required, but {reason}", pytrace=False)
        pytest.skip(reason)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site().served() as site:
        yield site


@pytest.fixture
def browser(standing_browser: Chromium, site: Site) -> Iterator[Chromium]:
    """Its pages are closed before the site goes."""
    yield standing_browser
    standing_browser.close_pages()
