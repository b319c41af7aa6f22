"""Server-sent events: what goes out when, to whom, and what is left alone while nobody listens."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.faces import examinations, reports
from tonekeeper.core.examination import NOT_BEGUN, Examination
from tonekeeper.core.report import ChangeReport, Report
from tonekeeper.faces.http.events import LOOK, MOST, REFRESH, SETTLING, Events, what_people_see
from tonekeeper.faces.http.message import HttpStream


class Reader:
    """A peer that takes what it is given, or not."""

    def __init__(self) -> None:
        self.is_behind = False
        self._taken = b""

    def write(self, piece: bytes) -> None:
        assert not self.is_behind
        self._taken += piece

    def read(self) -> list[tuple[str, str]]:
        """Events since the last time: name and data, as a browser puts the lines together."""
        blocks = self._taken.decode().split("\n\n")
        self._taken = blocks.pop().encode()
        return [event_of(block) for block in blocks if block.startswith("event:")]


def event_of(block: str) -> tuple[str, str]:
    name, *data = block.split("\n")
    assert all(line.startswith("data: ") for line in data)
    return name.removeprefix("event: "), "\n".join(line.removeprefix("data: ") for line in data)


def parts_of(data: str) -> list[str]:
    return re.findall(r'id="(\w+)" data-part', data)


class Timer:
    def __init__(self, delay: float, act: Callable[[], None]) -> None:
        self.delay = delay
        self.act = act
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Site:
    def __init__(self) -> None:
        self.now = reports.healthy()
        self.examined: Examination | None = NOT_BEGUN
        self.reports = 0
        self._timers: list[Timer] = []
        self.events = Events(self._report, lambda: self.examined, self._call_later)

    def _report(self) -> Report:
        self.reports += 1
        return self.now

    def _call_later(self, delay: float, act: Callable[[], None]) -> Any:
        self._timers.append(Timer(delay, act))
        return self._timers[-1]

    @property
    def waits(self) -> list[float]:
        """Seconds until the next look."""
        return [timer.delay for timer in self._timers if not timer.is_cancelled]

    def pass_second(self) -> None:
        """Or less, when a look is wanted sooner."""
        running = [timer for timer in self._timers if not timer.is_cancelled]
        self._timers.clear()
        for timer in running:
            timer.act()

    def age(self, seconds: float) -> None:
        """Nothing happens; the numbers move on."""
        self.now = replace(
            self.now,
            agent=replace(self.now.agent, uptime_s=self.now.agent.uptime_s + seconds),
            active=replace(self.now.active, since_s=self.now.active.since_s + seconds),
        )

    def listen(self) -> tuple[Reader, Callable[[], None]]:
        stream = self.events.stream()
        assert isinstance(stream, HttpStream)
        reader = Reader()
        return reader, stream.open(reader)


def test_while_nobody_listens_nothing_is_looked_at():
    site = Site()
    site.events.look_soon()

    assert (site.reports, site.waits) == (0, [])


def test_whoever_comes_gets_the_whole_page_and_how_long_to_wait_before_coming_again():
    site = Site()
    taken: list[bytes] = []
    reader = Reader()
    reader.write = taken.append  # type: ignore[method-assign]
    stream = site.events.stream()
    assert stream is not None
    stream.open(reader)

    assert stream.content_type == "text/event-stream; charset=utf-8"
    assert taken[0] == b"retry: 2000\n\n"
    (name, data), (diagnosis, steps) = (event_of(one.decode().removesuffix("\n\n")) for one in taken[1:])
    assert (name, diagnosis) == ("status", "diagnosis")
    assert {"title", "verdict", "findings", "paths", "wans", "changes"} <= set(parts_of(data))
    assert parts_of(steps) == ["diagnosis"]


def test_what_people_see_goes_out_within_a_second():
    site = Site()
    reader, _ = site.listen()
    reader.read()
    site.now = reports.failed_over()
    site.pass_second()
    ((name, data),) = reader.read()

    assert name == "status"
    assert "SBC primary does not answer" in data
    assert {"title", "verdict", "findings", "paths"} <= set(parts_of(data))
    assert "wans" not in parts_of(data), "which did not change"


def test_numbers_go_out_every_five_seconds_and_only_the_parts_they_are_in():
    site = Site()
    reader, _ = site.listen()
    site.pass_second()
    reader.read()
    told = []
    for _ in range(2 * REFRESH):
        site.age(61.0)
        site.pass_second()
        told.append(reader.read())

    assert [len(events) for events in told] == 2 * [0, 0, 0, 0, 1]
    assert parts_of(told[REFRESH - 1][0][1]) == ["site", "place"]


def test_an_event_comes_every_five_seconds_even_if_there_is_nothing_to_say():
    site = Site()
    reader, _ = site.listen()
    for _ in range(REFRESH):
        site.pass_second()
    reader.read()
    for _ in range(REFRESH):
        site.pass_second()

    assert reader.read() == [("status", "")]


def test_a_diagnosis_is_told_as_it_moves_on():
    site = Site()
    reader, _ = site.listen()
    site.pass_second()
    reader.read()
    site.examined = examinations.running()
    site.pass_second()
    site.pass_second()
    site.examined = examinations.done()
    site.pass_second()
    begun, ended = [data for name, data in reader.read() if name == "diagnosis"]

    assert "2 of 4 checks done, over in at most 11 s" in begun
    assert "No DNS server answers over fibre." in ended


def test_what_has_happened_is_looked_at_before_the_second_is_over():
    site = Site()
    reader, _ = site.listen()
    site.pass_second()
    site.pass_second()
    reader.read()
    site.now = reports.failed_over()
    for _ in range(3):
        site.events.look_soon()

    assert site.waits == [SETTLING]
    site.pass_second()
    assert [name for name, _ in reader.read()] == ["status"]
    assert site.waits == [LOOK]


def test_however_much_happens_events_are_a_second_apart():
    site = Site()
    reader, _ = site.listen()
    site.pass_second()
    site.now = reports.failed_over()
    site.pass_second()
    reader.read()
    site.now = reports.offline()
    site.events.look_soon()

    assert site.waits == [LOOK]
    site.pass_second()
    assert [name for name, _ in reader.read()] == ["status"]


def test_one_look_serves_all_who_listen():
    site = Site()
    readers = [site.listen()[0] for _ in range(3)]
    before = site.reports
    site.now = reports.failed_over()
    site.pass_second()

    assert site.reports == before + 1
    assert all("SBC primary does not answer" in str(reader.read()) for reader in readers)


def test_whoever_does_not_keep_up_is_passed_over_and_then_gets_all_that_is_new():
    site = Site()
    slow, _ = site.listen()
    slow.read()
    slow.is_behind = True
    site.now = reports.failed_over()
    site.pass_second()
    site.now = reports.offline()
    site.pass_second()
    slow.is_behind = False
    site.now = replace(site.now, changes=(*site.now.changes, ChangeReport(0.1, "active", "a", "b", "c")))
    for _ in range(REFRESH):
        site.pass_second()
    ((_, data),) = slow.read()

    assert {"verdict", "findings", "paths", "wans", "changes"} <= set(parts_of(data))


def test_when_the_last_one_leaves_nothing_is_looked_at_any_more():
    site = Site()
    (_, leave), (_, leave_too) = site.listen(), site.listen()
    leave()
    assert site.waits == [LOOK]
    leave_too()
    assert site.waits == []


def test_there_is_room_for_some_and_a_place_that_is_left_is_free():
    site = Site()
    leaves = [site.listen()[1] for _ in range(MOST)]

    assert site.events.stream() is None
    leaves[3]()
    assert site.events.stream() is not None


def test_a_line_break_in_the_page_does_not_end_an_event():
    site = Site()
    site.now = reports.hostile("a\n\nevent: evil\r\rdata: b\u2028c")
    reader, _ = site.listen()

    assert [name for name, _ in reader.read()] == ["status", "diagnosis"]


@pytest.mark.parametrize(
    "other", [reports.failed_over, reports.steered, reports.behind_nat, reports.offline, reports.at_start]
)
def test_every_situation_is_news_after_another(other):
    assert what_people_see(other()) != what_people_see(reports.healthy())


def test_a_phone_that_is_refused_is_news_and_that_time_passes_is_not():
    site = Site()
    seen = what_people_see(replace(site.now, phones=reports.phones()))
    refused = tuple(replace(phone, status=403) for phone in reports.phones())
    later = tuple(replace(phone, last_seen_s=phone.last_seen_s + 60) for phone in reports.phones())
    site.age(60.0)

    assert what_people_see(replace(site.now, phones=refused)) != seen
    assert what_people_see(replace(site.now, phones=later)) == seen
