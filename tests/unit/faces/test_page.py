from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.unit.faces import examinations, reports
from tonekeeper.core.examination import NOT_BEGUN, Examination, ExaminationState
from tonekeeper.core.report import (
    CauseReport,
    CheckReport,
    EgressReport,
    ExplainedReport,
    FindingReport,
    FirewallReport,
    Report,
    RuleReport,
    Severity,
)
from tonekeeper.faces.http.page.parts import diagnosis_part, report_parts
from tonekeeper.faces.http.page.render import CONTENT_SECURITY_POLICY, render_page

MOST_BYTES = 60_000
FREE = ("data-key", "data-th")
"""Attributes that hold names; all others are the page's own words."""

LET_THROUGH = FirewallReport("lan", "primary", "fibre", "udp", "198.51.100.10:5060", "out", "accept", None, "", "")
DROPPED = replace(
    LET_THROUGH,
    sbc="alternate",
    address="198.51.100.20:5060",
    verdict="drop",
    rule=RuleReport("inet", "fw", "forward", 0, "policy drop", ""),
)
NOBODY_KNOWS = replace(LET_THROUGH, direction="return", verdict="not checked", reason="the rules cannot be read")
REACHED = EgressReport(
    "fibre", "primary", "udp", "198.51.100.10:5060", "answered", "", "", "fine", 1500, "OPTIONS was answered 200"
)
BLOCKED = replace(
    REACHED,
    sbc="alternate",
    address="198.51.100.20:5060",
    outcome="prohibited",
    hop="192.0.2.1",
    cause="upstream filter",
    largest=None,
)
NOT_TRIED = replace(REACHED, wan="lte", outcome="not checked", cause="not checked", detail="needs CAP_NET_RAW")
FOLLOWS = FindingReport(
    "no-alternate",
    Severity.WARNING,
    "alternate over fibre",
    "There is nowhere to go if alternate over fibre fails.",
    {"why": "nothing else is proven"},
    "Configure a second SBC.",
    40.0,
)


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

    @property
    def own_attributes(self) -> list[tuple[str, str | None]]:
        return [(name, None if name in FREE else value) for name, value in self.attributes]


def read(report: Report, examination: Examination | None = None) -> Reader:
    return Reader(render_page(report, examination))


def part(name: str, report: Report) -> str:
    return Reader(report_parts(report)[name]).text.strip()


def diagnosis(examination: Examination | None) -> Reader:
    return Reader(diagnosis_part(examination)["diagnosis"])


def full() -> Report:
    """Something in every part."""
    return replace(
        reports.failed_over(),
        nat=reports.behind_nat().nat,
        phones=reports.phones(),
        firewall=(LET_THROUGH, DROPPED, NOBODY_KNOWS),
        egress=(REACHED, BLOCKED, NOT_TRIED),
        checks=(CheckReport("clock", "ok", "2 time servers agree, 0.004 s off", 61.0),),
        explained=(ExplainedReport(FOLLOWS, (CauseReport("sbc-down", "primary"),)),),
    )


# --- the answer


def test_the_verdict_names_what_is_wrong_and_whose_fault_it_is():
    text = read(reports.failed_over()).text

    assert "PROBLEM SBC primary does not answer, and it is not this site's WANs: both reach alternate." in text
    assert text.index("PROBLEM SBC primary") < text.index("Calls go to") < text.index("Findings")


def test_only_the_verdict_is_read_out_when_it_changes():
    parts = report_parts(full()).values()

    assert [one for one in parts if 'role="status"' in one or "aria-live" in one] == [
        report_parts(full())["verdict"],
    ]


def test_no_number_of_a_site_that_moves_by_itself_is_read_out():
    later = replace(reports.failed_over(), active=replace(reports.failed_over().active, since_s=90.0))

    assert report_parts(later)["verdict"] == report_parts(reports.failed_over())["verdict"]


def test_where_calls_go_and_why_is_shown():
    assert part("place", reports.failed_over()) == (
        "Calls go to alternate over fibre for 41 s Because primary is down; way back possible in 4 min"
    )


def test_a_finding_has_its_evidence_its_remedy_and_its_code():
    text = part("findings", reports.failed_over())

    assert "1 critical" in text
    assert "What to do Report it to the SBC's operator; nothing on this site will mend it." in text
    assert "Measured wans: fibre, lte, silent_for: 42 s" in text
    assert "sbc-down primary, for 42 s" in text


def test_commands_of_a_remedy_keep_their_lines():
    finding = replace(reports.failed_over().findings[0], remedy="Type this:\nnft add rule <x>")
    page = render_page(replace(reports.failed_over(), findings=(finding,)))

    assert "Type this:<br>nft add rule &lt;x&gt;" in page


def test_what_follows_from_a_finding_is_folded_under_it():
    page = report_parts(full())["findings"]
    (folded,) = re.findall(r"<details.*?</details>", page)

    assert "and what follows from it: 1 finding" in folded
    assert "There is nowhere to go if alternate over fibre fails." in folded
    assert "nowhere to go" not in page.replace(folded, "")


def test_a_healthy_site_says_so():
    text = read(reports.healthy()).text

    assert "OK Every path works: calls go over fibre to primary." in text
    assert "Findings None." in text
    assert "None since the agent started." in text


def test_at_the_start_nothing_is_claimed():
    text = read(reports.at_start()).text

    assert "UNKNOWN No SBC has answered yet; the first verdicts are still to come." in text
    assert "no path is chosen yet" in text
    assert "RTT - loss -" in text
    assert "last reply none" in text


# --- the site


def test_the_matrix_says_every_state_as_a_word():
    page = Reader(report_parts(reports.failed_over())["paths"])

    assert page.tags.count("td") == 4
    assert page.text.count("down RTT") == 2
    assert page.text.count("up RTT") == 2
    assert "up RTT 9.3 ms loss 0 % udp 198.51.100.20:5060 for 3 h 12 min; last reply 200, 1.2 s ago" in page.text
    assert "for 42 s; last reply 200, 48 s ago 4 probes unanswered" in page.text


def test_the_path_that_calls_take_is_marked_with_words():
    assert part("paths", reports.failed_over()).count("calls go here up RTT 9.3 ms") == 1


def test_every_column_and_every_row_has_a_heading():
    page = render_page(full())
    heads = re.findall(r"<th\b[^>]*>", page)

    assert len(heads) > 20
    assert set(heads) == {'<th scope="col">', '<th scope="row">'}
    assert page.count("<table") == page.count("<caption")


def test_a_move_and_a_flapping_wan_are_shown():
    text = read(reports.steered()).text

    assert "fibre suppressed Line on eth0" in text
    assert "Flapping penalty 2640, 3 losses in 1 h, trusted again in 7 min" in text
    assert "penalty 2510, trusted again in 6 min 38 s" in text
    assert "metered (0.4 % of 50 MiB)" in text
    assert "Steering 3 destinations over lte; deleting flows that sit on another WAN; 1 call kept" in text


def test_the_functions_of_an_sbc_are_shown_with_when_they_passed_and_why_they_fail():
    text = read(reports.proven()).text

    assert "control healthy, media degraded; latest call: 100 % lost, round trip 22 ms;" in text
    assert "addresses confirmed 3 min 5 s ago; certificate good for 41 d" in text
    assert "ok calls, passed 1 min 4 s ago, latest outage 30 s failed media, passed 3 h 1 min ago fails over" in text
    assert "ok voicemail, passed 1 min 4 s ago fails over fibre: SUBSCRIBE was answered 489 Bad Event" in text


def test_voicemail_that_works_elsewhere_and_postponed_probes_are_shown():
    text = read(reports.proven()).text

    assert "Voicemail works at alternate over lte, not where the site is" in text
    assert "Storm guard 3 probes postponed since the start; 2.4 packets/s and 32 MiB a day are the limit" in text


@pytest.mark.parametrize(
    "word", ["Voicemail", "Storm guard", "Steering", "control", "certificate", "passed", "NAT", "Phones", "Firewall"]
)
def test_of_what_is_not_there_and_not_held_back_nothing_is_said(word):
    assert word not in read(reports.healthy()).text


def test_what_the_nat_does_stands_with_its_wan():
    text = part("wans", reports.behind_nat())

    assert "NAT mapping endpoint-independent, filtering address-and-port-dependent Seen as 203.0.113.9:40312" in text
    assert "unanswered up to 1.5 s answered once 28-30 s with traffic over 300 s TCP over 300 s" in text
    assert "Keepalives at most 21 s apart SIP ALG no NAT measured 2 h ago" in text
    assert "Not checked mapping, filtering (stun.example.net:3478 has no other address), replied, stream, tcp" in text


def test_of_the_firewall_only_what_is_stopped_stands_open():
    page = report_parts(full())["firewall"]
    folds = re.findall(r"<details.*?</details>", page)
    shown = Reader(re.sub(r"<details.*?</details>", "", page)).text

    assert "UDP, from phones alternate over fibre 198.51.100.20:5060 drop fw forward: policy drop" in shown
    assert ["1 flow not checked" in folds[0], "1 flow let through" in folds[1]] == [True, True]
    assert "the rules cannot be read" in folds[0]


def test_a_flow_that_ends_up_elsewhere_is_a_problem():
    stolen = replace(LET_THROUGH, arrives_at="192.0.2.53:5060")

    assert "redirected it ends up at 192.0.2.53:5060" in part("firewall", replace(full(), firewall=(stolen,)))


def test_of_the_way_out_only_what_does_not_arrive_stands_open():
    page = report_parts(full())["egress"]
    folded = re.findall(r"<details.*?</details>", page)
    shown = Reader(re.sub(r"<details.*?</details>", "", page)).text

    assert "alternate over fibre udp 198.51.100.20:5060 upstream filter prohibited from 192.0.2.1" in shown
    assert "1 address not checked" in folded[0]
    assert "1 address reached" in folded[1]
    assert "answered packets of up to 1500 bytes" in Reader(folded[1]).text


def test_the_phones_are_shown_with_model_profile_firmware_and_registration():
    text = part("phones", full())

    assert "3 found" in text
    assert "Yealink T46U 192.168.1.20, 00:15:65:aa:bb:cc 108.86.0.20 profile yealink-desk registered over udp" in text
    assert "good for 600 s, asks for 3600 s, again after 9 min every 30 s 17 s ago" in text
    assert "refused: 403" in text
    assert "Snom 192.168.1.22" in text


def test_of_very_many_phones_the_page_shows_some_and_says_so():
    many = tuple(replace(reports.phones()[0], address=f"192.0.2.{number}") for number in range(200))

    refused = replace(many[0], address="192.0.2.250", status=403)
    text = part("phones", replace(full(), phones=(*many, refused)))

    assert "201 found" in text
    assert "and 177 more: see the JSON" in text
    assert text.index("192.0.2.250") < text.index("192.0.2.0"), "the one that is refused is among them"


def test_what_was_not_checked_says_why():
    blind = CheckReport("dhcp", "not checked", "it takes a raw socket: run as root", 61.0)

    assert "dhcp not checked it takes a raw socket: run as root 1 min 1 s ago" in part(
        "checks", replace(full(), checks=(blind,))
    )


def test_the_latest_change_stands_first():
    text = part("changes", reports.failed_over())

    assert text.index("41 s ago active") < text.index("42 s ago sbc primary")
    assert "healthy → down silent on every WAN" in text


def test_earlier_changes_are_folded_away():
    many = tuple(replace(reports.failed_over().changes[0], ago_s=60.0 * ago) for ago in range(20, 0, -1))
    page = report_parts(replace(full(), changes=many))["changes"]
    (folded,) = re.findall(r"<details.*?</details>", page)

    assert "12 earlier" in folded
    assert "20 min ago" in folded
    assert "1 min ago" in page.replace(folded, "")


def test_evidence_that_the_sentence_holds_already_is_not_said_twice():
    finding = replace(FOLLOWS, summary="Nothing else is proven on lte.", evidence={"why": "lte", "losses": "3"})

    assert "Measured losses: 3 no-alternate" in part("findings", replace(full(), findings=(finding,)))


# --- a diagnosis


def test_where_none_can_be_begun_nothing_is_said_of_it():
    assert diagnosis(None).text == ""
    assert "button" not in read(reports.healthy()).tags


def test_one_can_be_begun_quick_or_full():
    page = diagnosis(NOT_BEGUN)

    assert [value for name, value in page.attributes if name == "data-do"] == ["quick", "full"]
    assert "Quick check Full check Looks at all that this host can see" in page.text


def test_one_that_runs_says_what_is_waited_for_and_until_when():
    page = diagnosis(examinations.running())

    assert "Quick check: 2 of 4 checks done, over in at most 11 s" in page.text
    assert "nat running an answer of stun.example.net:3478, at most 8.0 s more" in page.text
    assert "dhcp waiting" in page.text
    assert [value for name, value in page.attributes if name == "data-do"] == ["quick", "full", "stop"]
    assert page.attributes.count(("aria-disabled", "true")) == 2


def test_one_that_is_done_gives_its_verdict_first_and_can_be_begun_again():
    page = diagnosis(examinations.done())

    assert "No DNS server answers over fibre. Quick check done in 12 s: 1 problem, 2 ok, 1 not checked" in page.text
    assert "dhcp not checked needs root" in page.text
    assert ("aria-disabled", "true") not in page.attributes


def test_one_that_was_stopped_says_so():
    stopped = replace(examinations.done(), state=ExaminationState.STOPPED, quick=False)

    assert "Full check stopped after 12 s" in diagnosis(stopped).text


# --- safety and size


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=a()>', "a&b'c", "$tone ${word}"])
def test_hostile_names_are_text_and_nothing_else(name):
    page, harmless = read(hostile(name), hostile_examination(name)), read(hostile("x"), hostile_examination("x"))

    assert page.tags == harmless.tags
    assert page.own_attributes == harmless.own_attributes
    assert name in page.text


def hostile(name: str) -> Report:
    report = reports.hostile(name)
    rule = RuleReport(name, name, name, 0, name, name)
    flow = FirewallReport(name, name, name, name, name, name, name, rule, "", "")
    way = EgressReport(name, name, name, name, name, name, name, name, 1500, name)
    phone = replace(reports.phones()[0], address=name, user_agent=name, profile=name, firmware=name, vendor=name)
    return replace(
        report,
        firewall=(
            flow,
            replace(flow, verdict="accept", arrives_at=name),
            replace(flow, reason=name, verdict="not checked"),
        ),
        egress=(way, replace(way, cause="fine", hop=""), replace(way, cause="not checked")),
        phones=(replace(phone, model=name, mac=name, transport=name), replace(phone, vendor="", model="", firmware="")),
        checks=(CheckReport(name, name, name, 1.0),),
        explained=(ExplainedReport(report.findings[0], (CauseReport(name, name),)),),
    )


def hostile_examination(name: str) -> Examination:
    checks = tuple(replace(check, check=name, detail=name) for check in examinations.done().checks)
    outcome = replace(checks[0], outcome=name)
    return replace(examinations.done(), checks=(outcome, *checks[1:]), verdict=name)


def test_what_would_turn_the_text_around_is_shown_escaped():
    text = read(reports.hostile("a\u202eb\x00")).text

    assert "a\\u202eb\\x00" in text


def test_the_page_fetches_nothing_from_elsewhere():
    page = render_page(full(), examinations.done())
    links = {link for link in re.findall(r'(?:href|src)="([^"]*)"', page) if not link.startswith("data:")}

    assert links == {"api/v1/status", "metrics", ""}
    assert "url(" not in page
    assert "@import" not in page


def test_no_part_has_a_script_or_a_style_of_its_own():
    parts = report_parts(full()) | diagnosis_part(examinations.running())

    assert not [
        one for one in parts.values() if "<script" in one or "<style" in one or re.search(r"\b(on\w+|style)=", one)
    ]


def test_the_page_of_the_largest_site_is_small():
    largest = replace(
        full(),
        sbcs=tuple(replace(reports.proven().sbcs[0], name=f"sbc-{number}") for number in range(8)),
        phones=tuple(replace(reports.phones()[0], address=f"192.0.2.{number}") for number in range(60)),
        firewall=8 * full().firewall,
        egress=8 * full().egress,
        changes=8 * full().changes,
    )

    assert len(render_page(full(), examinations.done()).encode()) < MOST_BYTES / 2
    assert len(render_page(largest, examinations.done()).encode()) < MOST_BYTES


@pytest.mark.parametrize("element", ["style", "script"])
def test_the_policy_lets_in_this_very_style_and_script(element):
    (content,) = re.findall(f"<{element}>(.*?)</{element}>", render_page(reports.hostile("<script>")), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    assert f"{element}-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
