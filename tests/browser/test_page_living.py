"""The page as it lives: what changes shows by itself, nothing is torn from under the reader, and a silence is said."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.site import Site, eventful
from tests.unit.faces import examinations, reports
from tonekeeper.core.report import FindingReport, Report, Severity
from tonekeeper.faces.wording import verdict

pytestmark = pytest.mark.browser

SOON = 2.0
"""Seconds in which a change must show."""
PATIENCE = 30.0
"""Seconds for what has no such limit, on a slow machine."""
IS_LIVE = "document.getElementById('live').dataset.is === 'live'"


def open_live(browser: Chromium, site: Site) -> Page:
    page = browser.open(site.url)
    page.wait_for(IS_LIVE, within=PATIENCE)
    return page


def aged(report: Report, seconds: float) -> Report:
    """Nothing happened but that time passed."""
    return replace(
        report,
        agent=replace(report.agent, uptime_s=report.agent.uptime_s + seconds),
        active=replace(report.active, since_s=report.active.since_s + seconds),
        findings=tuple(replace(one, since_s=one.since_s + seconds) for one in report.findings),
    )


def test_a_failure_shows_by_itself(browser: Chromium, site: Site):
    page = open_live(browser, site)
    site.now = reports.failed_over()
    page.wait_for("document.querySelector('#verdict .word').textContent === 'PROBLEM'", within=SOON)

    assert page.text("main").startswith("PROBLEM SBC primary does not answer")
    assert "sbc-down" in page.text("#findings")
    assert page.evaluate("document.title") == "PROBLEM: site-0042"
    site.now = reports.healthy()
    page.wait_for("document.querySelector('#verdict .word').textContent === 'OK'", within=SOON)
    assert page.complaints == []


def test_numbers_move_on_without_anything_else_being_touched(browser: Chromium, site: Site):
    site.now = reports.failed_over()
    page = open_live(browser, site)
    page.evaluate(
        "window.touched = []; new MutationObserver(all => all.forEach(it => window.touched.push(it.target.nodeName)))"
        ".observe(document.querySelector('main'), {subtree: true, childList: true, characterData: true})"
    )
    site.now = aged(site.now, 7200.0)
    page.wait_for("document.querySelector('#place').textContent.includes('2 h')", within=PATIENCE)

    assert set(page.evaluate("window.touched")) == {"#text"}


def test_focus_selection_and_opened_folds_survive_what_changes(browser: Chromium, site: Site):
    site.now = eventful()
    page = open_live(browser, site)
    page.click("#firewall summary")
    page.click("#findings summary")
    page.evaluate("document.querySelector('#findings summary').focus()")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#wans h3'))")
    worse = FindingReport("site-offline", Severity.CRITICAL, "", "Nothing answers.", {}, "Look.", 0.0)
    site.now = replace(aged(site.now, 60.0), findings=(worse, *site.now.findings))
    page.wait_for("document.querySelector('#findings article h3').textContent.includes('Nothing')", within=PATIENCE)

    assert page.evaluate("document.activeElement.closest('details').dataset.key") == "so sbc-down primary"
    assert page.evaluate("[...document.querySelectorAll('details')].map(it => [it.dataset.key, it.open])") == [
        ["so sbc-down primary", True],
        ["open flows", True],
        ["open ways", False],
    ]
    assert "fibre" in page.evaluate("getSelection().toString()")


def test_who_reads_further_down_is_not_moved(browser: Chromium, site: Site):
    site.now = eventful()
    page = open_live(browser, site)
    page.evaluate("document.querySelector('#phones').scrollIntoView()")
    top = "document.querySelector('#phones').getBoundingClientRect().top"
    before = page.evaluate(top)
    more = tuple(replace(one, subject=f"{one.subject} {again}") for one in site.now.findings for again in range(4))
    site.now = replace(site.now, findings=(*site.now.findings, *more))
    page.wait_for("document.querySelectorAll('#findings article').length > 5", within=PATIENCE)

    assert page.evaluate("document.querySelector('#phones').getBoundingClientRect().top") == pytest.approx(
        before, abs=1
    )


def test_what_is_gone_leaves_no_trace_and_what_is_new_comes_in_its_place(browser: Chromium, site: Site):
    site.now = eventful()
    page = open_live(browser, site)
    for now in (reports.healthy(), eventful(), reports.offline(), reports.steered(), eventful()):
        site.now = now
        sentence = json.dumps(verdict(now).sentence)
        page.wait_for(f"document.querySelector('#verdict .sentence').textContent === {sentence}", within=PATIENCE)
        fresh = browser.open(site.url)
        assert page.text("main") == fresh.text("main")


def test_only_the_verdict_is_told_to_who_listens_to_the_page(browser: Chromium, site: Site):
    site.now = eventful()
    page = open_live(browser, site)

    assert page.evaluate(
        "[...document.querySelectorAll('[role=status], [role=alert], [aria-live]')]"
        ".filter(it => it.checkVisibility()).map(it => it.id || it.closest('[id]').id)"
    ) == ["verdict", "diagnosis"]
    assert page.evaluate("document.querySelector('#diagnosis [role=status]').textContent") == ""


# --- when the stream breaks


def test_a_connection_that_is_lost_is_made_again(browser: Chromium, site: Site):
    page = open_live(browser, site)
    site.let_go()
    page.wait_for("document.getElementById('live').dataset.is !== 'live'", within=PATIENCE)
    page.wait_for(IS_LIVE, within=PATIENCE)
    site.now = reports.failed_over()

    page.wait_for("document.title.startsWith('PROBLEM')", within=PATIENCE)


def test_where_there_is_no_stream_the_page_asks_now_and_then(browser: Chromium, site: Site):
    site.refuses.add("/api/v1/events")
    page = browser.open(site.url)
    site.now = reports.failed_over()
    page.wait_for("document.title.startsWith('PROBLEM')", within=PATIENCE)

    assert page.text("#live") == "reconnecting; asked every 5 s"
    assert not page.evaluate("document.getElementById('old').checkVisibility()")
    site.refuses.clear()
    page.wait_for(IS_LIVE, within=PATIENCE)


def test_an_agent_that_is_gone_is_said_to_be_and_what_stands_there_is_as_of_then(browser: Chromium, site: Site):
    page = open_live(browser, site)
    site.go_away()
    page.wait_for("document.getElementById('old').checkVisibility()", within=PATIENCE)

    assert page.text("#live") == "reconnecting"
    assert "The agent does not answer. What stands here is as of" in page.text("#old")
    assert "Every path works" in page.text("#verdict")
    site.now = reports.failed_over()
    site.come_back()
    page.wait_for("document.title.startsWith('PROBLEM')", within=PATIENCE)
    page.wait_for(f"{IS_LIVE} && !document.getElementById('old').checkVisibility()", within=PATIENCE)


# --- a diagnosis


def test_a_diagnosis_is_begun_shown_as_it_goes_on_and_its_result_shown(browser: Chromium, site: Site):
    page = open_live(browser, site)
    page.click("[data-do=quick]")
    page.wait_for("document.querySelector('#diagnosis progress')", within=PATIENCE)

    assert site.diagnoses.begun == [(True, ())]
    assert "Quick check: 2 of 4 checks done, over in at most 11 s" in page.text("#diagnosis")
    assert "nat running an answer of stun.example.net:3478, at most 8.0 s more" in page.text("#diagnosis")
    site.diagnoses.now = examinations.done()
    page.wait_for("document.querySelector('#diagnosis [role=status]').textContent", within=PATIENCE)
    assert "No DNS server answers over fibre. Quick check done in 12 s: 1 problem, 2 ok" in page.text("#diagnosis")
    page.click("#diagnosis summary")
    assert "dhcp not checked needs root" in page.text("#diagnosis")
    assert page.complaints == []


def test_a_full_one_is_begun_by_keyboard_and_stopped_and_the_focus_is_never_lost(browser: Chromium, site: Site):
    page = open_live(browser, site)
    for _ in range(2):
        page.press("Tab")
    page.press("Enter")
    page.wait_for("document.querySelector('[data-do=stop]')", within=PATIENCE)

    assert site.diagnoses.begun == [(False, ())]
    assert page.evaluate("document.activeElement.dataset.do") == "full"
    page.press("Tab")
    page.press(" ")
    page.wait_for("!document.querySelector('[data-do=stop]')", within=PATIENCE)
    assert "Full check stopped after 4.0 s" in page.text("#diagnosis")
    assert page.evaluate("document.activeElement.id") == "h-diagnosis"


def test_while_one_runs_no_second_one_is_begun(browser: Chromium, site: Site):
    site.diagnoses.now = examinations.running()
    page = open_live(browser, site)
    page.click("[data-do=full]")
    page.click("[data-do=quick]")
    page.click("[data-do=stop]")
    page.wait_for("!document.querySelector('[data-do=stop]')", within=PATIENCE)

    assert [one for one in site.asked if one.startswith("POST")] == []


def test_a_refusal_is_shown_as_the_agent_words_it(browser: Chromium, site: Site):
    page = open_live(browser, site)
    site.refuses.add("/api/v1/diagnose")
    page.click("[data-do=quick]")
    page.wait_for("document.getElementById('refused').checkVisibility()", within=PATIENCE)

    assert page.text("#refused") == "cannot take one more connection"
    site.refuses.clear()
    page.click("[data-do=quick]")
    page.wait_for("!document.getElementById('refused').checkVisibility()", within=PATIENCE)


def test_without_a_stream_the_progress_shows_all_the_same(browser: Chromium, site: Site):
    site.refuses.add("/api/v1/events")
    page = browser.open(site.url)
    page.wait_for("document.getElementById('live').dataset.is === 'asking'", within=PATIENCE)
    page.click("[data-do=quick]")

    page.wait_for("document.querySelector('#diagnosis progress')", within=PATIENCE)
    site.diagnoses.now = examinations.done()
    page.wait_for("document.querySelector('#diagnosis [role=status]').textContent", within=PATIENCE)


def test_a_page_of_another_site_cannot_begin_one(browser: Chromium, site: Site):
    with Site().served() as other:
        page = browser.open(other.url)
        for options in ("{method: 'POST'}", "{method: 'POST', mode: 'no-cors', body: '{}'}", "{method: 'DELETE'}"):
            page.evaluate(f"fetch('{site.url}api/v1/diagnose', {options}).catch(() => 0).then(() => 0)")
        # The policy of the agent's own page stops those; a foreign page has none.
        page.go_to("data:text/html,<form method=post enctype=text/plain action='" + site.url + "api/v1/diagnose'>")
        page.evaluate("document.forms[0].submit()")
        page.wait_for(f"location.href === '{site.url}api/v1/diagnose'", within=PATIENCE)

    assert "POST /api/v1/diagnose" in site.asked
    assert site.diagnoses.begun == []
