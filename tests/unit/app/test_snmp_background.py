"""SNMP beside the probing, with a server that does as it is told."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import pytest
from tests.unit.faces import reports

from tonekeeper.app import snmp_background
from tonekeeper.app.snmp_background import BackgroundSnmp
from tonekeeper.core.events import Facility, FacilityFailed, FacilityRecovered
from tonekeeper.core.report import WanState
from tonekeeper.edge.notification_queue import NAME
from tonekeeper.errors import EdgeError
from tonekeeper.faces.log import Log
from tonekeeper.settings.model import LogFormat, LogLevel, SnmpSettings

HEALTHY = reports.healthy()
DOWN = replace(HEALTHY, wans=(replace(HEALTHY.wans[0], state=WanState.DOWN), *HEALTHY.wans[1:]))


class Server:
    """`refusals`: errors of the first attempts to open it. `takes`: whether it delivers what it is given."""

    def __init__(self, *refusals, targets=("manager",), takes=True):
        self.targets = targets
        self.refusals = list(refusals)
        self.takes = takes
        self.told: asyncio.Queue = asyncio.Queue()
        self.is_open = False

    async def open(self, *, beside_probes):
        if self.refusals:
            raise self.refusals.pop(0)
        self.is_open = True

    async def notify(self, target, notification):
        self.told.put_nowait((target, notification[0].value.content[-1]))
        return self.takes

    async def close(self):
        self.is_open = False


class Site:
    """The background of a site whose report the test makes."""

    def __init__(self, directory, server):
        self.report = HEALTHY
        self.events = []
        self.asked = 0
        self.said = io.StringIO()
        log = Log(self.said, LogFormat.TEXT, LogLevel.INFO)
        self.background = BackgroundSnmp(
            SnmpSettings(), directory, self._report, self.events.append, log, server=server
        )

    def _report(self):
        self.asked += 1
        return self.report

    def becomes(self, report):
        self.report = report
        self.background.changed()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Whatever is waited for comes with the next turn of the loop."""
    for name in ("SETTLED", "LOOK_EVERY", "FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(snmp_background, name, 0.0)


def run(tmp_path, server, body):
    async def whole():
        site = Site(tmp_path, server)
        await site.background.start()
        try:
            await asyncio.wait_for(body(site), 10.0)
        finally:
            await site.background.close()

    asyncio.run(whole())
    assert not server.is_open


def until(true):
    async def wait():
        while not true():
            await asyncio.sleep(0)

    return wait()


async def turns(count=50):
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_change_is_told_soon(tmp_path):
    server = Server()

    async def body(site):
        await until(lambda: server.is_open)
        site.becomes(DOWN)
        assert await server.told.get() == ("manager", 1)

    run(tmp_path, server, body)
    assert list(tmp_path.iterdir()) == []


def test_what_ripens_without_a_change_is_told_too(tmp_path):
    server = Server()

    async def body(site):
        await until(lambda: server.is_open)
        site.report = reports.failed_over()
        assert await server.told.get()

    run(tmp_path, server, body)


def test_what_cannot_be_opened_is_a_finding_until_it_is(tmp_path):
    taken = EdgeError("listen for SNMP", OSError(98, "in use"))
    server = Server(taken, taken, EdgeError("read the key"))

    async def body(site):
        await until(lambda: len(site.events) == 3)
        assert [type(event) for event in site.events] == [FacilityFailed, FacilityFailed, FacilityRecovered]
        assert {event.facility for event in site.events} == {Facility.SNMP}
        assert (site.events[0].errno, "listen for SNMP" in site.events[0].reason) == (98, True)
        assert "read the key" in site.events[1].reason

    run(tmp_path, server, body)


def test_what_cannot_be_delivered_is_repeated_in_order_and_is_on_disk_at_the_end(tmp_path):
    server = Server(takes=False)

    async def body(site):
        await until(lambda: server.is_open)
        site.becomes(DOWN)
        assert [await server.told.get() for _ in range(3)] == [("manager", 1)] * 3
        await until(lambda: (tmp_path / NAME).exists())
        site.becomes(replace(DOWN, findings=reports.failed_over().findings))
        await turns()

    run(tmp_path, server, body)
    again = Server()

    async def goes_on(site):
        assert [await again.told.get() for _ in range(2)] == [("manager", 1), ("manager", 5)]
        await until(lambda: not (tmp_path / NAME).exists())

    run(tmp_path, again, goes_on)


def test_what_changed_in_the_last_moment_is_on_disk_at_the_end(tmp_path, monkeypatch):
    for name in ("SETTLED", "LOOK_EVERY"):
        monkeypatch.setattr(snmp_background, name, 1000.0)
    server = Server(takes=False)

    async def body(site):
        await turns()
        site.becomes(DOWN)

    run(tmp_path, server, body)
    assert (tmp_path / NAME).exists()


def test_a_target_that_is_away_keeps_nobody_waiting(tmp_path):
    class OneIsAway(Server):
        async def notify(self, target, notification):
            await super().notify(target, notification)
            return target == "here"

    server = OneIsAway(targets=("away", "here"))

    async def body(site):
        await until(lambda: server.is_open)
        seen = []
        for report in (DOWN, HEALTHY, DOWN):
            site.becomes(report)
            while ("here", len(seen)) not in seen:
                target, _ = await server.told.get()
                if target == "here":
                    seen.append((target, len(seen) + 1))
                    break

    run(tmp_path, server, body)


def test_a_disk_that_refuses_is_said_once_and_nothing_stops(tmp_path):
    (tmp_path / NAME).with_suffix(".new").mkdir()
    server = Server(takes=False)

    async def body(site):
        await until(lambda: server.is_open)
        site.becomes(DOWN)
        for _ in range(4):
            await server.told.get()
        assert site.said.getvalue().count("notifications-not-kept") == 1

    run(tmp_path, server, body)


def test_a_view_serves_for_a_second_unless_something_changes(tmp_path):
    server = Server(targets=())

    async def body(site):
        await until(lambda: server.is_open)
        read = site.background._read_view
        first = read()
        assert read() is first
        assert site.asked == 1
        site.background.changed()
        assert read() is not first
        loop = asyncio.get_running_loop()
        later = loop.time() + snmp_background.FRESH
        second, loop.time = read(), lambda: later
        assert read() is not second

    run(tmp_path, server, body)


def test_a_bug_stops_nothing_else_and_is_heard_of(tmp_path):
    server = Server()
    heard = []

    async def body(site):
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))
        site.report = None
        await until(lambda: heard)

    run(tmp_path, server, body)
    assert isinstance(heard[0], AttributeError)


def test_without_targets_nobody_is_told_and_no_report_is_made(tmp_path):
    server = Server(targets=())

    async def body(site):
        await until(lambda: server.is_open)
        site.becomes(DOWN)
        await turns()
        assert site.asked == 0

    run(tmp_path, server, body)
