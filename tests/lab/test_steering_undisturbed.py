"""Others who change routes and rules while the agent steers: ours come back, theirs stay, and nobody starts a storm."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from signal import SIGCONT, SIGSTOP
from typing import Any

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.dual_stack import BY_FIBRE as BY_FIBRE_V6
from tests.lab.dual_stack import SBC as SBC_V6
from tests.lab.dual_stack import URI, DualStack
from tests.lab.kernel_state import RouteMonitor, host_routes, kernel_state
from tests.lab.namespace import Namespace, until
from tests.lab.phone import Phone
from tests.lab.test_life_of_the_daemon import replay
from tests.lab.test_steering_ipv6 import gateway
from tests.lab.test_steering_moves_sip import BY_FIBRE, FIBRE, on, passed, steers
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

FOREIGN = ("from", "10.0.0.0/8", "lookup", "100", "priority", "100")
WITHIN = 10.0
"""Seconds; it takes the agent a minute unless it is told."""


def journal(agent: Agent) -> list[dict[str, Any]]:
    """What happened and what was done about it, of an agent that has ended."""
    lines = [json.loads(line) for line in agent.journal_lines()]
    return [line for line in lines if "event" in line]


def told(lines: list[dict[str, Any]], *, ours: bool) -> list[str]:
    """Which parts of the routing changed."""
    changes = [line["data"] for line in lines if line["event"] == "RoutingChanged"]
    return [change["part"] for change in changes if change["ours"] is ours]


def plans(lines: list[dict[str, Any]]) -> list[float]:
    """When a plan was put, first or again."""
    return [line["at"] for line in lines for kind, _ in line["commands"] if kind == "ApplyPlan"]


@pytest.fixture
def dual_stack(lab: Lab) -> Iterator[DualStack]:
    with DualStack(lab) as dual_stack:
        yield dual_stack


@pytest.mark.parametrize(
    "taken",
    [
        "rule del priority 7070",
        "rule flush protocol 106",
        "route del 203.0.113.2 table 7060",
        "route flush table 7060",
        "route flush table all proto 106",
        "route replace 203.0.113.2 via 198.51.100.129 table 7060 metric 7060",
    ],
)
def test_what_another_took_from_us_is_back_at_once(lab: Lab, steerer: Agent, taken: str):
    kernel = lab.cpe.namespace
    steerer.wait_for(steers("fibre"), within=5)
    before = kernel_state(kernel)
    kernel.run("ip", *taken.split())
    until(lambda: before.differences(kernel_state(kernel)) == [], within=WITHIN, what="all of ours to be there again")
    assert host_routes(kernel) == BY_FIBRE
    assert not steerer.status().has("steering-disturbed")


@pytest.mark.parametrize("taken", ["rule del priority 7070", f"route del {SBC_V6} table 7060"])
def test_over_ipv6_what_another_took_from_us_is_back_at_once(
    lab: Lab, make_steerer: Callable[..., Agent], dual_stack: DualStack, taken: str
):
    kernel = lab.cpe.namespace
    agent = make_steerer(sbc=[{"name": "six", "uri": URI}])
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    rules = kernel.run("ip", "-6", "rule", "show")
    kernel.run("ip", "-6", *taken.split())
    until(lambda: gateway(kernel) == BY_FIBRE_V6, within=WITHIN, what="the host route to be there again")
    until(lambda: kernel.run("ip", "-6", "rule", "show") == rules, within=WITHIN, what="the rules to be there again")
    assert dual_stack.seen_from()


def test_a_flow_that_went_astray_meanwhile_is_brought_back(lab: Lab, make_steerer: Callable[..., Agent]):
    kernel, fibre = lab.cpe.namespace, lab.provider("fibre")
    lab.cpe.translate_statically(*lab.providers)
    agent = make_steerer(wan=[{"name": "lte", "interface": "wwan0"}, {"name": "fibre", "interface": "eth0"}])
    agent.start()
    agent.wait_for(steers("lte"), within=5)
    agent.process.signal(SIGSTOP)
    kernel.run("ip", "rule", "del", "priority", "7070")
    assert Phone(lab.phone).refresh(lab.sbc("primary")) == FIBRE
    assert on(kernel, fibre)
    agent.process.signal(SIGCONT)
    until(lambda: not on(kernel, fibre), within=WITHIN, what="no entry to be left on fibre")


@pytest.fixture
def foreign(lab: Lab) -> Iterator[Namespace]:
    """The namespace, in which a rule and routes of somebody else go in the end."""
    kernel = lab.cpe.namespace
    yield kernel
    kernel.run("ip", "route", "flush", "table", "100")
    if "lookup 100" in kernel.run("ip", "rule", "show"):
        kernel.run("ip", "rule", "del", *FOREIGN)


def test_what_is_not_ours_is_left_alone_and_moves_nothing(lab: Lab, steerer: Agent, foreign: Namespace):
    steerer.wait_for(steers("fibre"), within=5)
    with RouteMonitor(foreign) as monitor:
        foreign.run("ip", "rule", "add", *FOREIGN)
        foreign.run("ip", "route", "add", "192.0.2.128/25", "via", "198.51.100.1", "table", "100")
        steerer.watch(until=passed(3.0), within=15)
        assert len(monitor.seen()) == 2
    assert steerer.stop() == 0
    lines = journal(steerer)
    (first, *_) = [at for at, line in enumerate(lines) if line["event"] == "RoutingChanged"]
    assert {*told(lines, ours=False)} == {"routes", "rules"}
    assert plans(lines[first:]) == []
    assert "lookup 100" in foreign.run("ip", "rule", "show")


def test_what_the_agent_changes_itself_is_no_news_to_it(lab: Lab, steerer: Agent):
    steerer.wait_for(steers("fibre"), within=5)
    with lab.provider("fibre").cut():
        steerer.wait_for(steers("lte"), within=10)
    assert steerer.stop() == 0
    assert told(journal(steerer), ours=True) == []


def test_who_keeps_removing_is_told_of_and_answered_once_a_second(lab: Lab, steerer: Agent):
    kernel = lab.cpe.namespace
    steerer.wait_for(steers("fibre"), within=5)

    def disturbed(now: Status) -> bool:
        if "7070" in kernel.run("ip", "rule", "show"):
            kernel.run("ip", "rule", "del", "priority", "7070")
        return now.has("steering-disturbed", "fibre")

    steerer.wait_for(disturbed, within=60, every=0.02)
    assert steerer.stop() == 0
    lines = journal(steerer)
    (first, *_) = [at for at, line in enumerate(lines) if line["event"] == "RoutingChanged"]
    repairs = plans(lines[first:])
    assert len(repairs) >= 3
    assert min(later - earlier for earlier, later in pairwise(repairs)) > 0.99
    assert len({replay(steerer, hash_seed) for hash_seed in ("0", "1")}) == 1
