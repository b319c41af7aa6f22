"""The clock, against real time servers: right, wrong and silent ones, and for a host whose own is a year off."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.lab.agent import Agent
from tests.lab.behind_a_modem import TIME_SERVERS, Site, behind_a_modem, chrony, running, shifted
from tests.lab.edge_namespaces import run_inside
from tests.lab.stun import FIRST as SERVICES
from tests.lab.topology import Lab
from tests.lab.verdicts import finding, over
from tonekeeper.app.checks.clock import check_clock
from tonekeeper.core.beside.clock import ServerTime, SilentServer
from tonekeeper.core.checks import CheckResult, Outcome
from tonekeeper.core.report import Severity
from tonekeeper.core.site import ChecksPolicy, HttpPage
from tonekeeper.core.site import Site as Configured
from tonekeeper.edge.time_servers import TimeServers
from tonekeeper.wire.ntp import encode_question

pytestmark = pytest.mark.lab

RIGHT, WRONG, THIRD = TIME_SERVERS
A_YEAR = "-365d"
NOON, SINCE_1900 = 1795348800, 2208988800
CHECKED = """
import asyncio, json, sys
from tonekeeper.app.checks.clock import check_clock
from tonekeeper.core.site import ChecksPolicy, Site
servers = tuple((address, 123) for address in sys.argv[1:])
result = asyncio.run(check_clock(Site("lab", (), (), checks=ChecksPolicy(time_servers=servers))))
print(json.dumps([result.outcome, result.detail, [one.severity for one in result.observations]]))
"""
PAGE = """
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
server = http.server.HTTPServer(("198.51.100.10", 80), Page)
print("serving", flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with behind_a_modem() as made:
        yield made


def checked(site: Site, *servers: str, page: HttpPage | None = None) -> CheckResult:
    policy = ChecksPolicy(time_servers=tuple((address, 123) for address in servers), portal_page=page)
    return run_inside(site["router"], lambda: check_clock(Configured("lab", (), (), checks=policy)))


def test_a_clock_that_agrees_with_a_real_time_server_is_right(site: Site):
    with chrony(site["internet"], RIGHT):
        result = checked(site, RIGHT)
    assert (result.outcome, result.detail) == (Outcome.OK, f"0.0 s off, says the time server {RIGHT}")


def test_a_server_that_is_a_year_wrong_is_outvoted_by_two_that_are_right(site: Site):
    with ExitStack() as stack:
        for address, shift in ((RIGHT, ""), (WRONG, A_YEAR), (THIRD, "")):
            stack.enter_context(chrony(site["internet"], address, shift=shift))
        alone, two, three = checked(site, WRONG), checked(site, RIGHT, WRONG), checked(site, RIGHT, WRONG, THIRD)
    (wrong,) = alone.observations
    assert wrong.severity is Severity.CRITICAL
    assert wrong.evidence["why"] == f"is 365 days ahead, says the time server {WRONG}"
    assert two.outcome is Outcome.NOT_CHECKED
    assert "contradict each other" in two.detail
    assert (three.outcome, three.detail) == (Outcome.OK, "0.0 s off, 2 of 3 time servers agree")


def test_a_host_whose_clock_is_a_year_behind_is_told_by_servers_that_are_right(site: Site):
    with chrony(site["internet"], RIGHT), chrony(site["internet"], THIRD):
        command = (*shifted(A_YEAR), sys.executable, "-c", CHECKED, RIGHT, THIRD)
        outcome, detail, severities = json.loads(site["router"].run(*command))
    assert (outcome, detail) == ("problem", "365 days behind, 2 of 2 time servers agree")
    assert severities == ["critical"]


def test_servers_that_have_no_time_or_do_not_answer_are_no_witnesses(site: Site):
    with chrony(site["internet"], RIGHT, synchronised=False):
        asked = [(RIGHT, 123), (WRONG, 123), ("198.51.100.99", 123), ("no such name", 123)]
        unsure, closed, absent, nameless = run_inside(site["router"], lambda: TimeServers().ask(asked))
        result = checked(site, RIGHT)
    assert unsure == SilentServer(RIGHT, "is not synchronised itself")
    assert closed == SilentServer(WRONG, "cannot be asked (Connection refused)")
    assert absent == SilentServer("198.51.100.99", "does not answer")
    assert nameless.why.startswith("has a name that leads nowhere")
    assert "0.0 s off" not in result.detail


class Scripted:
    """A time server of a few lines, on the loop of who asks: it answers with what `say` makes of the question."""

    def __init__(self, site: Site, say: Callable[[bytes], list[bytes]]) -> None:
        self.asked = 0
        self._say = say
        self._sock = site["internet"].socket()
        self._sock.bind((WRONG, 123))
        self._sock.setblocking(False)
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self._answer)

    def _answer(self) -> None:
        question, whence = self._sock.recvfrom(1024)
        self.asked += 1
        for answer in self._say(question):
            self._sock.sendto(answer, whence)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        self._sock.close()


def answer_to(question: bytes, *, nonce: bytes = b"", stratum: int = 2, reference: bytes = bytes(4)) -> bytes:
    """A right one for NOON, unless told."""
    time = (NOON + SINCE_1900).to_bytes(4, "big") + bytes(4)
    head = bytes((0x24, stratum, 0, 0xE6)) + bytes(8) + reference
    return head + time + (nonce or question[40:48]) + time + time


def test_an_answer_to_another_question_and_what_is_no_answer_are_not_heard(site: Site):
    def say(question: bytes) -> list[bytes]:
        return [answer_to(question, nonce=b"anything"), b"noise", encode_question(1), answer_to(question)]

    async def ask() -> tuple[ServerTime | SilentServer, ...]:
        server = Scripted(site, say)
        try:
            return await TimeServers(wall=lambda: float(NOON)).ask([(WRONG, 123)])
        finally:
            server.close()

    (told,) = run_inside(site["router"], ask)
    assert isinstance(told, ServerTime)
    assert abs(told.offset) < 1.0


@pytest.mark.parametrize("kiss", [b"DENY", b"RATE"])
def test_a_server_that_asks_to_be_left_alone_is_asked_no_second_time(site: Site, kiss: bytes):
    async def ask() -> tuple[int, list[SilentServer]]:
        server = Scripted(site, lambda question: [answer_to(question, stratum=0, reference=kiss)])
        servers = TimeServers()
        try:
            told = [(await servers.ask([(WRONG, 123)]))[0] for _ in range(3)]
        finally:
            server.close()
        return server.asked, told

    asked, told = run_inside(site["router"], ask)
    assert asked == 1
    assert told == [SilentServer(WRONG, f"asks to be left alone ({kiss.decode()})", kiss.decode())] * 3


@pytest.mark.parametrize(("shift", "outcome"), [("+0d", Outcome.OK), (A_YEAR, Outcome.PROBLEM)])
def test_where_no_time_server_answers_the_date_of_the_operators_page_is_good_for_two_minutes(
    site: Site, shift: str, outcome: Outcome
):
    with running(site["sbc"], *shifted(shift), sys.executable, "-c", PAGE, ready="serving"):
        result = checked(site, page=HttpPage("198.51.100.10"))
    assert result.outcome is outcome
    assert "says the Date of http://198.51.100.10/" in result.detail


# --- the agent


def test_an_agent_whose_clock_is_a_year_off_says_so_first_and_not_that_the_site_is_offline(
    lab: Lab, make_agent: Callable[..., Agent]
):
    trusted = {"tls.ca_file": str(lab.authority.root)}
    servers = {"background": True, "time_servers": [SERVICES]}
    agent = make_agent(sbc=[over("tls", sbc, **trusted) for sbc in lab.sbcs], checks=servers)
    with chrony(lab.services, SERVICES):
        agent.launch(through=shifted(A_YEAR))
        agent.wait_served()
        agent.wait_for(lambda now: {path["state"] for path in now.paths} == {"down"}, within=20)
        agent.reload()  # looks at the clock soon, and not in a minute
        status = agent.wait_for(lambda now: now.has("clock-wrong"), within=30)
    told = finding(status, "clock-wrong", "")
    assert status["findings"][0] == told
    assert told["severity"] == "critical"
    assert told["summary"].startswith("The clock of this host is 365 days behind, says the time server")
    assert told["evidence"]["certificates"] == "primary, alternate"
    assert not status.has("site-offline")
    assert {(one["finding"]["code"], cause["code"]) for one in status["explained"] for cause in one["causes"]} >= {
        ("tls-invalid", "clock-wrong")
    }
