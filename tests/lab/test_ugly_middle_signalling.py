"""The ugly middle of signalling: an SBC that neither works nor is plainly dead. For each the verdict, whose fault it is
and how sure that is, and the finding that a technician reads."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.topology import Lab
from tests.lab.verdicts import blamed_wans, codes, finding, over, path_states, sbc_states, shows
from tonekeeper.core.probe import TAKES_AND_SAYS_NOTHING

pytestmark = pytest.mark.lab

DOWN, UP = {"fibre": "down", "lte": "down"}, {"fibre": "up", "lte": "up"}


def assert_alternate_is_used(status: Status) -> None:
    assert status.sbc("alternate")["state"] == "healthy"
    assert path_states(status, "alternate") == UP
    assert status.active == ("fibre", "alternate")


def connects_in_vain(status: Status) -> int:
    """Paths to the primary on which that was found."""
    return sum(path["reason"] == TAKES_AND_SAYS_NOTHING for path in status.sbc("primary")["paths"])


def test_connections_that_are_accepted_and_never_answered_are_a_dead_sbc(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent(sbc=[over("tcp", sbc) for sbc in lab.sbcs])
    agent.start()
    lab.sbc("primary").freeze()
    silent = agent.wait_for(shows("sbc-down", "primary"), within=20)
    assert all("unanswered" in path["reason"] for path in silent.sbc("primary")["paths"])
    status = agent.wait_for(lambda now: connects_in_vain(now) == 2, within=20)
    assert path_states(status, "primary") == DOWN
    assert blamed_wans(status) == set()
    evidence = finding(status, "sbc-down", "primary")["evidence"]
    assert evidence["why"] == "primary is silent over fibre and lte, where alternate answers"
    assert evidence["confidence"] == "strong"
    assert evidence["last_sign"] == TAKES_AND_SAYS_NOTHING
    assert codes(status) == {("sbc-down", "primary")}
    assert_alternate_is_used(status)
    lab.sbc("primary").thaw()
    agent.wait_for(lambda now: now.sbc("primary")["state"] == "healthy", within=20)


def test_an_sbc_that_is_stopped_refuses_connections_and_is_down_at_once(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent(sbc=[over("tcp", sbc) for sbc in lab.sbcs])
    agent.start()
    lab.sbc("primary").stop()
    status = agent.wait_for(shows("sbc-down", "primary"), within=15)
    assert path_states(status, "primary") == DOWN
    assert {path["reason"] for path in status.sbc("primary")["paths"]} == {"the connection was refused"}
    assert_alternate_is_used(status)


def test_a_third_of_the_probes_lost_to_one_sbc_degrades_it_and_nobody_is_down(lab: Lab, agent: Agent):
    primary = lab.sbc("primary").address
    with lab.provider("fibre").lose(30, primary), lab.provider("lte").lose(30, primary):
        seen = agent.watch(until=lambda now: "over fibre and" in now.sbc("primary")["reason"], within=90)
        status = agent.wait_for(shows("sbc-degraded", "primary"), within=15)
        assert "down" not in {path["state"] for status in seen for path in status.paths}
    told = finding(status, "sbc-degraded", "primary")
    assert re.search(r"probes are lost, \d\d% over fibre and \d\d% over lte, not so with alternate", told["summary"])
    assert told["evidence"]["confidence"] == "strong"
    assert codes(status) == {("sbc-degraded", "primary")}
    assert sbc_states(status) == {"primary": "degraded", "alternate": "healthy"}
    assert blamed_wans(status) == set()
    assert_alternate_is_used(status)


def test_a_third_of_the_probes_lost_on_one_path_is_the_path(lab: Lab, agent: Agent):
    with lab.provider("fibre").lose(30, lab.sbc("primary").address):
        status = agent.wait_for(shows("path-degraded", "primary over fibre"), within=90)
    assert sbc_states(status) == {"primary": "healthy", "alternate": "healthy"}
    assert blamed_wans(status) == set()
    assert "not so with alternate" in finding(status, "path-degraded", "primary over fibre")["evidence"]["why"]


def test_answers_after_three_seconds_are_a_slow_sbc_and_not_a_dead_one(lab: Lab, agent: Agent):
    lab.sbc("primary").answer_late(3.0)
    degraded = agent.wait_for(lambda now: "s over fibre and" in now.sbc("primary")["reason"], within=30)
    assert sbc_states(degraded) == {"primary": "degraded", "alternate": "healthy"}
    status = agent.wait_for(lambda now: (now.path("lte", "primary")["rtt_ms"] or 0) > 2500, within=30)
    assert path_states(status, "primary") == UP
    assert blamed_wans(status) == set()
    evidence = finding(status, "sbc-degraded", "primary")["evidence"]
    assert re.fullmatch(r"answers take .* s over fibre and .* s over lte, not so with alternate", evidence["why"])
    assert evidence["confidence"] == "strong"
    assert codes(status) == {("sbc-degraded", "primary")}
    assert_alternate_is_used(status)


def test_503_with_retry_after_is_an_sbc_that_asks_to_be_left_alone(lab: Lab, agent: Agent):
    lab.sbc("primary").answer_503(retry_after=60)
    status = agent.wait_for(shows("sbc-draining", "primary"), within=10)
    assert sbc_states(status) == {"primary": "draining", "alternate": "healthy"}
    assert path_states(status, "primary") == UP
    assert blamed_wans(status) == set()
    evidence = finding(status, "sbc-draining", "primary")["evidence"]
    assert evidence["why"] == "answers 503 and asks to be left alone"
    assert evidence["confidence"] == "certain"
    assert codes(status) == {("sbc-draining", "primary")}
    assert status.active == ("fibre", "alternate")


def test_a_transit_of_one_provider_that_carries_neither_sbc_is_that_wan(lab: Lab, agent: Agent):
    """The line itself works: everything else is reached over it."""
    fibre, (primary, alternate) = lab.provider("fibre"), lab.sbcs
    with fibre.silence(primary.address), fibre.silence(alternate.address):
        status = agent.wait_for(shows("wan-down", "fibre"), within=20)
    assert blamed_wans(status) == {"fibre"}
    assert sbc_states(status) == {"primary": "healthy", "alternate": "healthy"}
    evidence = finding(status, "wan-down", "fibre")["evidence"]
    assert evidence["why"] == "alternate and primary silent over fibre, while lte works"
    assert evidence["confidence"] == "strong"
    assert codes(status) == {("wan-down", "fibre")}
    assert status.active == ("lte", "primary")


def test_a_transit_that_all_share_and_that_carries_neither_sbc_is_nobodys_alone(lab: Lab, agent: Agent):
    """Seen from here it is no other than a site that is offline: neither SBC is called down, nothing is moved."""
    with lab.silence(lab.sbc("primary")), lab.silence(lab.sbc("alternate")):
        status = agent.wait_for(shows("site-offline", "lab-site"), within=20)
    assert blamed_wans(status) == set()
    assert sbc_states(status) == {"primary": "unknown", "alternate": "unknown"}
    assert {wan["state"] for wan in status["wans"]} == {"unknown"}
    evidence = finding(status, "site-offline", "lab-site")["evidence"]
    assert evidence["why"] == "no SBC (alternate and primary) answers over any WAN (fibre and lte)"
    assert evidence["confidence"] == "strong"
    assert codes(status) == {("site-offline", "lab-site")}
    assert status.active == ("fibre", "primary")
    assert status["active"]["switches"] == 0
