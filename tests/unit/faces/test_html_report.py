from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tests.browser.site import eventful
from tests.unit.faces import examinations, reports
from tests.unit.phones.models import model, played
from tonekeeper.core.examination import ExaminationState
from tonekeeper.core.report import NatReport, Report
from tonekeeper.core.verdict import verdict_of
from tonekeeper.faces.html_report import PhoneForecast, render_html_report

NOW = "2026-11-23 14:05:12 +0100"
PHONE = PhoneForecast("Example: desk phones", 2, played(model()), played(model(), registration_expiry=60.0))
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "</style></svg></title><svg onload=alert(1)>",
    "&lt;b&gt; &amp;",
    "\x1b[2J\x00\u202e",
    "--> ]]> <!--",
    "http://192.0.2.1/x.js",
)
SITUATIONS = {
    "healthy": reports.healthy(),
    "failed over": reports.failed_over(),
    "steered": reports.steered(),
    "behind nat": reports.behind_nat(),
    "offline": reports.offline(),
    "at start": reports.at_start(),
    "proven": reports.proven(),
    "eventful": eventful(),
    "large": reports.large(16),
}


class Document(HTMLParser):
    """A document as a browser reads it: elements with their attributes in order, and the words between them."""

    VOID = ("meta", "link", "br")

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.under: list[tuple[str, str]] = []
        """Each text with the elements that it stands in."""
        self._open: list[str] = []
        self.feed(markup)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "no attribute is given twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)
            self.under.append((" ".join(self._open), data))

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == tag]

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.elements if name in (attributes.get("class") or "").split()]


def markup(report: Report, **more: object) -> str:
    return render_html_report(report, verdict_of(report), NOW, **more)


def read(report: Report, **more: object) -> Document:
    return Document(markup(report, **more))


def with_all(report: Report) -> str:
    return markup(report, examination=examinations.done(), forecasts=(PHONE,), notes=("No configuration was named.",))


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_document_is_well_formed_and_its_ids_are_unique_and_found(situation):
    document = Document(with_all(SITUATIONS[situation]))
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]

    assert len(set(ids)) == len(ids)
    for _, attributes in document.elements:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set((attributes.get(name) or "").split()) <= set(ids)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_nothing_is_loaded_and_nothing_runs(situation):
    document = Document(with_all(SITUATIONS[situation]))
    names = {name for _, attributes in document.elements for name in attributes}
    policy = next(meta for meta in document.all("meta") if "http-equiv" in meta)["content"]

    assert not {"src", "srcset", "href", "xlink:href", "data", "action", "poster"} & names
    assert not [name for name in names if name.startswith("on")]
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & {tag for tag, _ in document.elements}
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    style = with_all(SITUATIONS[situation]).split("<style>")[1].split("</style>")[0]
    assert not re.search(r"url\(|@import|http", style)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_who_hears_the_document_finds_the_way_by_headings_captions_and_titles(situation):
    document = Document(with_all(SITUATIONS[situation]))
    levels = [int(tag[1]) for tag, _ in document.elements if re.fullmatch("h[1-6]", tag)]
    tags = [tag for tag, _ in document.elements]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert tags.count("caption") == tags.count("table")
    assert all(head.get("scope") for head in document.all("th"))
    for place, (tag, attributes) in enumerate(document.elements):
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or tags[place + 1] == "title"


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_things_are_called_it_stays_text(name):
    hostile = reports.hostile(name)
    phone = replace(reports.phones()[0], user_agent=name, vendor=name, model=name, address=name, mac=name)
    checks = tuple(replace(one, check=name, detail=name) for one in examinations.CHECKS)
    document = Document(
        render_html_report(
            replace(hostile, phones=(phone,), firewall=eventful().firewall, nat=(nat("x", wan=name, why=name),)),
            name,
            name,
            replace(examinations.done(), checks=checks, verdict=name),
            (replace(PHONE, model=name),),
            (name,),
        )
    )

    assert not {"script", "img"} & {tag for tag, _ in document.elements}
    assert not [key for _, attributes in document.elements for key in attributes if key.startswith("on")]
    assert document.text.replace(" ", "").isprintable()
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name)
    assert document.words.count(shown) >= 8


def nat(
    kind: str = "replied", *, wan: str = "fibre", why: str = "", keepalive_s: float | None = None, **known
) -> NatReport:
    lives = {"unreplied": None, "replied": None, "stream": None, "tcp": None} | known
    if not known:
        lives[kind] = (28.0, 30.0)
    reasons = dict.fromkeys(lives, why) if why else {}
    return NatReport(wan, "not checked", "not checked", "", lives, "not checked", keepalive_s, reasons, 1.0)


def test_the_answer_stands_first():
    text = read(reports.failed_over()).text

    assert text.startswith(f"PROBLEM: site-0042, {NOW} site-0042 router, mode observe")
    first = "PROBLEM SBC primary does not answer, and it is not this site's WANs: both reach alternate."
    assert text.index(first) < text.index("Calls go to alternate over fibre, for 41 s") < text.index("Findings")


def test_a_finding_says_what_was_measured_what_to_do_and_what_follows_from_it():
    text = read(eventful()).text

    assert "1 critical, 1 warning" in text
    assert (
        "critical SBC primary does not answer, and it is not this site's WANs: both reach alternate. "
        "What to do Report it to the SBC's operator; nothing on this site will mend it. "
        "Measured wans fibre, lte silent_for 42 s "
        "Follows from it warning There is nowhere to go if alternate over fibre fails. why: nothing else is proven "
        "sbc-down primary , for 42 s warning WAN fibre keeps coming and going"
    ) in text


def test_a_remedy_keeps_its_lines():
    start = reports.failed_over()
    typed = replace(start, findings=(replace(start.findings[0], remedy="nft add rule a\nnft add rule b"),))

    assert "nft add rule a<br>nft add rule b" in markup(typed)


def test_without_findings_it_says_none():
    assert "Findings None. Paths" in read(reports.healthy()).text


def test_everything_that_was_checked_is_listed_and_what_was_not_with_the_reason():
    text = read(reports.healthy(), examination=examinations.done()).text

    assert "Checks 4 in 12 s, the essentials only: 2 ok, 1 problem, 1 not checked" in text
    assert "dns problem 192.0.2.53 does not answer" in text
    assert "dhcp not checked needs root" in text


def test_checks_that_a_stopped_diagnosis_did_not_come_to_are_not_passed_over():
    stopped = replace(examinations.running(quick=False), state=ExaminationState.STOPPED)
    text = read(reports.healthy(), examination=stopped).text

    assert "Checks 4 stopped after 4.0 s: 1 ok, 1 problem, 1 not finished, 1 not begun" in text
    assert "nat not finished an answer of stun.example.net:3478" in text


def test_without_a_diagnosis_the_checks_are_those_of_the_agent():
    text = read(eventful()).text

    assert "Checks 2: 1 ok, 1 not checked" in text
    assert "dhcp not checked it takes a raw socket: run as root, or give it CAP_NET_RAW" in text


def test_every_path_has_its_numbers_and_bars_on_one_scale():
    document = read(reports.failed_over())
    bars = [attributes for tag, attributes in document.elements if tag == "rect"][1::2]

    assert "bars: round trip up to 63 ms, loss up to 10 %" in document.text
    assert "fibre udp 198.51.100.10:5060 down for 42 s 21 ms 2.5 % 200, 48 s ago 4 probes unanswered" in document.text
    assert "fibre udp 198.51.100.20:5060 calls go here up for 3 h 12 min 9.3 ms 0 % 200, 1.2 s ago" in document.text
    assert document.text.count("calls go here") == 1
    assert [bar["width"] for bar in bars] == ["33.81", "25", "87.62", "25", "14.76", "0", "100", "0"]


def test_what_was_not_measured_has_no_bar():
    document = read(reports.at_start())

    assert "unknown for 0.5 s - - none yet no probe has been answered yet" in document.text
    assert {bar["width"] for tag, bar in document.elements if tag == "rect"} == {"100", "0"}


def test_an_sbc_tells_its_functions_above_its_paths():
    text = read(reports.proven()).text

    assert "primary degraded sip:sbc1.example.net calls are not heard well: nothing comes back; control healthy" in text
    assert "failed media, passed 3 h 1 min ago fails over fibre and lte: nothing comes back" in text


def drawn(document: Document, name: str) -> list[tuple[float, float]]:
    """Where the shapes of a class begin and end."""
    shapes = [each for each in document.with_class(name) if "width" in each and "y" in each and each["height"] == "10"]
    return [(float(each["x"]), float(each["x"]) + float(each["width"])) for each in shapes]


def test_a_lifetime_is_drawn_as_what_is_sure_and_what_lies_between():
    document = read(replace(reports.healthy(), nat=(nat(replied=(28.0, 30.0), stream=(300.0, None)),)))
    (sure, lived), (between,), (beyond,) = (drawn(document, name) for name in ("sure", "between", "beyond"))

    assert sure[0] == lived[0] < sure[1] == between[0] < between[1] < lived[1] == beyond[0] < beyond[1]
    assert "answered once 28-30 s" in document.text
    assert "with traffic over 300 s" in document.text
    assert "fibre: answered once 28-30 s, with traffic over 300 s" in document.text


def test_a_binding_that_was_never_seen_alive_begins_at_the_left():
    document = read(replace(reports.healthy(), nat=(nat(unreplied=(0.0, 1.5)),)))

    assert drawn(document, "sure") == []
    assert len(drawn(document, "between")) == 1


def test_what_was_not_measured_says_why_in_the_drawing():
    document = read(replace(reports.healthy(), nat=(nat(why="no answer came back"),)))

    assert document.text.count("not checked: no answer came back") == 3


def test_the_keepalive_lies_within_what_is_sure_and_a_phone_beyond_it_is_told():
    phones = reports.phones()
    document = read(replace(reports.healthy(), nat=(nat(keepalive_s=21.0),), phones=phones))
    (keepalive,) = [each for each in document.all("line") if each["class"] == "keepalive"]
    (phone,) = [each for each in document.all("line") if "phone" in each["class"]]
    ((left, right),) = drawn(document, "sure")

    assert left < float(keepalive["x1"]) < right < float(phone["x1"])
    assert phone["class"] == "phone late"
    assert "slowest phone seen: every 30 s, too seldom for fibre" in document.text


def test_a_phone_that_is_quick_enough_is_no_trouble():
    quick = tuple(replace(phone, keepalive_s=15.0) for phone in reports.phones())
    document = read(replace(reports.healthy(), nat=(nat(keepalive_s=21.0),), phones=quick))

    assert "slowest phone seen: every 15 s " in document.text
    assert document.with_class("late") == []


@pytest.mark.parametrize("high", [1.0, 90.0, 3600.0, 7439.0, 432_000.0, 10_000_000.0])
def test_every_lifetime_finds_room_on_the_axis(high):
    document = read(replace(reports.healthy(), nat=(nat(replied=(high / 2, high), tcp=(high, None)),)))

    for name in ("sure", "between", "beyond"):
        assert all(120 <= begin < end <= 592 for begin, end in drawn(document, name))


def test_where_no_lifetime_is_known_there_is_no_drawing():
    unknown = nat(replied=None)

    assert "How long idle NAT bindings live" not in read(replace(reports.healthy(), nat=(unknown,))).text
    assert "How long idle NAT bindings live" not in read(reports.healthy()).text


def test_a_phone_is_forecast_as_it_is_today_and_as_tuned():
    document = read(reports.healthy(), forecasts=(PHONE,))

    assert "The first five minutes, by phone" in document.text
    assert "Example: desk phones 2 phones. sbc1.example.net stops answering." in document.text
    assert [words for under, words in document.under if under.endswith("figcaption")] == ["today", "tuned"]
    assert re.search(r"registered again .* an outgoing call rings", document.text)
    assert sum(each.get("role") == "img" for each in document.all("svg")) == 2


def test_a_phone_that_cannot_be_tuned_is_forecast_as_it_is():
    document = read(reports.healthy(), forecasts=(replace(PHONE, tuned=None),))

    assert [words for under, words in document.under if under.endswith("figcaption")] == ["today"]
    assert "tuned" not in document.text


def test_what_was_assumed_stands_at_the_end():
    assert read(reports.healthy(), notes=["No configuration was named."]).text.endswith(
        "Notes No configuration was named. "
    )


def test_the_document_is_small():
    assert len(with_all(reports.healthy()).encode()) < 40_000
    assert len(markup(reports.large(16)).encode()) < 80_000
