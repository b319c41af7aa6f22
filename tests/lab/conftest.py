"""One lab for the whole session, healed after each test; a fresh agent for each test that asks for one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.agent import Agent
from tests.lab.needs import missing
from tests.lab.provider_kit import Provider
from tests.lab.topology import Lab


@pytest.fixture(scope="session")
def standing_lab() -> Iterator[Lab]:
    if reason := missing():
        if os.environ.get("TONEKEEPER_LAB") == "required":
            pytest.fail(f"TONEKEEPER_LAB=required, but {reason}", pytrace=False)
        pytest.skip(reason)
    with Lab() as lab:
        yield lab


@pytest.fixture
def lab(standing_lab: Lab) -> Iterator[Lab]:
    yield standing_lab
    for sbc in standing_lab.sbcs:
        print(f"--- {sbc.name}\n{sbc.output[-2000:]}")
    standing_lab.heal()


@pytest.fixture
def make_agent(lab: Lab) -> Iterator[Callable[..., Agent]]:
    """Agents made with it are killed at the end; what they wrote is shown where the test fails."""
    agents: list[Agent] = []

    def make(**settings: object) -> Agent:
        agents.append(Agent(lab, name=f"agent-{os.urandom(3).hex()}", **settings))
        return agents[-1]

    yield make
    for agent in agents:
        agent.kill()
        print(f"--- the agent\n{agent.config.read_text()}\n{agent.output}")


@pytest.fixture
def agent(make_agent: Callable[..., Agent]) -> Agent:
    """Running and ready, both SBCs over both WANs, at a 1 s cadence."""
    agent = make_agent()
    agent.start()
    return agent


@pytest.fixture
def make_steerer(lab: Lab, make_agent: Callable[..., Agent]) -> Iterator[Callable[..., Agent]]:
    """As `make_agent`, in the mode that changes the kernel. What one that was killed leaves there is removed."""
    kernel = lab.cpe.namespace
    kernel.run("conntrack", "-F")
    agents: list[Agent] = []

    def make(failover: dict[str, object] | None = None, **settings: object) -> Agent:
        agents.append(make_agent(failover={"mode": "steer", **(failover or {})}, **settings))
        return agents[-1]

    yield make
    for agent in agents:
        agent.kill()
    for family in ("-4", "-6"):
        kernel.run("ip", family, "rule", "flush", "protocol", "106")
        kernel.run("ip", family, "route", "flush", "table", "all", "proto", "106")


@pytest.fixture
def steerer(make_steerer: Callable[..., Agent]) -> Agent:
    """Running and ready, as `agent`, but steering."""
    agent = make_steerer()
    agent.start()
    return agent


@pytest.fixture
def provider(lab: Lab, tmp_path: Path) -> Iterator[Provider]:
    """His programs beside the agent; those that a test starts end with it."""
    provider = Provider(lab.cpe.namespace, tmp_path, lab.authority)
    yield provider
    provider.close()
    print(provider.output)
