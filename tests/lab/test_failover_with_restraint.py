"""Where the site should be: left quickly when it must be, returned to slowly, and never for nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

FAILBACK_AFTER = 5.0


def seconds_between(status: Status, first: tuple[str, str], then: tuple[str, str]) -> float:
    """From the latest change of `first` (subject, state) to the latest of `then`, by the agent's own clock."""

    def ago(wanted: tuple[str, str]) -> float:
        return next(
            change["ago_s"]
            for change in reversed(status["changes"])
            if change["subject"].startswith(wanted[0]) and change["after"].startswith(wanted[1])
        )

    return ago(first) - ago(then)


def test_the_way_back_waits_until_the_first_choice_has_proven_itself(lab: Lab, agent: Agent):
    with lab.silence(lab.sbc("primary")):
        agent.wait_for(lambda now: now.active == ("fibre", "alternate"), within=15)
    waiting = agent.wait_for(lambda now: now["active"]["failback_s"] is not None, within=15)
    assert waiting.active == ("fibre", "alternate")
    assert waiting.has("not-on-first-choice")
    status = agent.wait_for(lambda now: now.active == ("fibre", "primary"), within=FAILBACK_AFTER + 15)
    proven = ("path fibre/primary", "up")
    assert seconds_between(status, proven, ("active", "primary over fibre")) >= FAILBACK_AFTER
    assert status["active"]["switches"] == 2


def test_a_first_choice_that_fails_again_starts_its_wait_anew(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent(failover={"failback_after": "60s"})
    agent.start()
    with lab.silence(lab.sbc("primary")):
        agent.wait_for(lambda now: now.active == ("fibre", "alternate"), within=15)
    agent.wait_for(lambda now: now["active"]["failback_s"] is not None, within=15)
    with lab.silence(lab.sbc("primary")):
        status = agent.wait_for(lambda now: now.sbc("primary")["state"] == "down", within=15)
        assert status.active == ("fibre", "alternate")
        assert status["active"]["failback_s"] is None
    assert agent.status()["active"]["switches"] == 1


def test_it_never_goes_where_nothing_is_proven(lab: Lab, agent: Agent):
    lab.sbc("alternate").stop()
    agent.wait_for(lambda now: now.sbc("alternate")["state"] == "down", within=10)
    with lab.provider("fibre").silence(lab.sbc("primary").address):
        status = agent.wait_for(lambda now: now.path("fibre", "primary")["state"] == "down", within=15)
        status = agent.wait_for(lambda now: now.active != ("fibre", "primary"), within=5)
        assert status.active == ("lte", "primary"), "the only proven place that is left"


def test_a_draining_sbc_is_left_alone_and_left(lab: Lab, agent: Agent):
    primary = lab.sbc("primary")
    primary.answer_503(retry_after=60)
    before = agent.wait_for(lambda now: now.sbc("primary")["state"] == "draining", within=10)
    assert before.has("sbc-draining", "primary")
    assert not before.has("sbc-down")
    asked = before.path("fibre", "alternate")["sent"]
    after = agent.wait_for(lambda now: now.path("fibre", "alternate")["sent"] >= asked + 3, within=10)
    for wan in ("fibre", "lte"):
        assert after.path(wan, "primary")["sent"] == before.path(wan, "primary")["sent"]
        assert after.path(wan, "primary")["state"] == "up"
    assert after.active == ("fibre", "alternate")
    assert not after.wan("fibre")["blamed"]


def test_a_drained_sbc_is_asked_again_when_its_time_is_over(lab: Lab, agent: Agent):
    primary = lab.sbc("primary")
    primary.answer_503(retry_after=2)
    agent.wait_for(lambda now: now.sbc("primary")["state"] == "draining", within=10)
    primary.answer_normally()
    agent.wait_for(lambda now: now.sbc("primary")["state"] == "healthy", within=15)


def test_a_metered_wan_is_the_last_resort(lab: Lab, make_agent: Callable[..., Agent]):
    wans = [
        {"name": "lte", "interface": "wwan0", "metered": True},
        {"name": "fibre", "interface": "eth0"},
    ]
    agent = make_agent(wan=wans)
    agent.start()
    agent.wait_for(lambda now: now.active == ("fibre", "primary"), within=10)
    with lab.silence(lab.sbc("primary")):
        agent.wait_for(lambda now: now.active == ("fibre", "alternate"), within=15)
