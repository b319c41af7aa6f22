from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.unit.faces import reports
from tonekeeper.core.report import Report
from tonekeeper.faces.http.page.render import CONTENT_SECURITY_POLICY, render_page


class Reader(HTMLParser):
    """Reads a page as a browser would: the elements in order, and the text a person sees."""

    VOID = ("meta", "link", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def read(report: Report) -> Reader:
    return Reader(render_page(report))


def test_the_verdict_names_what_is_wrong_and_whose_fault_it_is():
    text = read(reports.failed_over()).text

    assert "PROBLEM SBC primary does not answer, and it is not this site's WANs: both reach alternate." in text


def test_the_matrix_says_every_state_as_a_word():
    page = read(reports.failed_over())

    assert page.tags.count("td") - 4 * len(reports.failed_over().changes) == 4
    assert page.text.count("down for 42 s") == 2
    assert page.text.count("up for 3 h 12 min") == 2
    assert "udp 198.51.100.20:5060, round trip 9.3 ms, loss 0 %, last reply 200, 1.2 s ago" in page.text


def test_the_active_path_the_findings_and_the_changes_are_shown():
    text = read(reports.failed_over()).text

    assert "Active: alternate over fibre for 41 s; primary is down; way back possible in 4 min" in text
    assert "What to do: Report it to the SBC's operator; nothing on this site will mend it." in text
    assert "Measured: wans: fibre, lte, silent_for: 42 s" in text
    assert text.index("41 s ago active") < text.index("42 s ago sbc primary")


def test_a_move_and_a_flapping_wan_are_shown():
    text = read(reports.steered()).text

    assert "fibre suppressed penalty 2640, 3 losses in 1 h, trusted again in 7 min on eth0" in text
    assert "alternate healthy penalty 2510, trusted again in 6 min 38 s" in text
    assert "metered (0.4 % of 50 MiB)" in text
    assert "Steering: 3 destinations over lte; deleting flows that sit on another WAN; 1 call kept" in text


def test_the_functions_of_an_sbc_are_shown_with_when_they_passed_and_why_they_fail():
    text = read(reports.proven()).text

    assert "control healthy, media degraded; latest call: 100 % lost, round trip 22 ms;" in text
    assert "addresses confirmed 3 min 5 s ago; certificate good for 41 d" in text
    assert "ok calls, passed 1 min 4 s ago, latest outage 30 s failed media, passed 3 h 1 min ago fails over" in text
    assert "ok voicemail, passed 1 min 4 s ago fails over fibre: SUBSCRIBE was answered 489 Bad Event" in text


def test_voicemail_that_works_elsewhere_and_postponed_probes_are_shown():
    text = read(reports.proven()).text

    assert "Voicemail: works at alternate over lte, not where the site is" in text
    assert "Storm guard: 3 probes postponed since the start; 2.4 packets/s and 32 MiB a day are the limit" in text


@pytest.mark.parametrize("word", ["Voicemail", "Storm guard", "control", "certificate", "passed"])
def test_of_what_is_not_probed_or_not_held_back_nothing_is_said(word):
    assert word not in read(reports.healthy()).text


def test_what_the_nat_does_is_one_line_for_each_wan():
    text = read(reports.behind_nat()).text

    assert (
        "NAT fibre: mapping endpoint-independent, filtering address-and-port-dependent, seen as 203.0.113.9:40312; "
        "idle bindings live: unreplied up to 1.5 s, replied 28-30 s, stream over 300 s, tcp over 300 s; "
        "SIP ALG: no; keepalives at most 21 s apart; measured 2 h ago lte: seen as" in text
    )


def test_where_no_nat_was_measured_nothing_is_said_of_it():
    assert "NAT" not in read(reports.healthy()).text


def test_where_nothing_is_steered_nothing_is_said_of_it():
    assert "Steering" not in read(reports.healthy()).text


def test_a_healthy_site_says_so():
    text = read(reports.healthy()).text

    assert "OK Every path works: calls go over fibre to primary." in text
    assert "None since the agent started." in text


def test_at_the_start_nothing_is_claimed():
    text = read(reports.at_start()).text

    assert "UNKNOWN No SBC has answered yet; the first verdicts are still to come." in text
    assert "no path is chosen yet" in text
    assert "round trip -, loss -, last reply none" in text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=a()>', "a&b'c", "$tone ${word}"])
def test_hostile_names_are_text_and_nothing_else(name):
    page, harmless = read(reports.hostile(name)), read(reports.hostile("harmless"))

    assert page.tags == harmless.tags
    assert page.attributes == harmless.attributes
    assert name in page.text


def test_what_would_turn_the_text_around_is_shown_escaped():
    text = read(reports.hostile("a\u202eb\x00")).text

    assert "a\\u202eb\\x00" in text


def test_the_page_fetches_nothing_from_elsewhere():
    page = render_page(reports.large())

    assert set(re.findall(r'(?:href|src)="([^"]*)"', page)) == {"data:,", "api/v1/status", "metrics"}
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_of_the_largest_site_is_small():
    assert len(render_page(reports.large()).encode()) < 20_000


def test_with_every_deep_probe_it_is_still_small():
    proven = reports.proven()
    sbcs = tuple(replace(proven.sbcs[0], name=f"sbc-{number}") for number in range(8))

    assert len(render_page(replace(proven, sbcs=sbcs)).encode()) < 30_000


@pytest.mark.parametrize("element", ["style", "script"])
def test_the_policy_lets_in_this_very_style_and_script(element):
    (content,) = re.findall(f"<{element}>(.*?)</{element}>", render_page(reports.hostile("<script>")), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    assert f"{element}-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
