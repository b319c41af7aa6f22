"""The ugly middle of DNS: answers that lead astray, answers that never come, and two names for one place.

Each WAN has a resolver of its own. That every way of failing is survived is proven in test_server_location.py; here it
is whose fault it is called, and that nothing else is blamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.resolver import Failing, Resolver
from tests.lab.topology import Lab
from tests.lab.verdicts import blamed_wans, codes, finding, sbc_states, shows

pytestmark = pytest.mark.lab

RESOLVERS = {"fibre": "203.0.113.18", "lte": "203.0.113.19"}
PORTAL = "203.0.113.20"
"""Nobody lives there."""
HEALTHY = {"primary": "healthy", "alternate": "healthy"}


@pytest.fixture
def resolvers(lab: Lab) -> Iterator[dict[str, Resolver]]:
    """By WAN; both know both SBCs."""
    with ExitStack() as stack:
        made = {
            wan: stack.enter_context(Resolver(lab.services, address, name=f"names-{wan}"))
            for wan, address in RESOLVERS.items()
        }
        for resolver in made.values():
            resolver.publish(*(f"{sbc.host}. 60 IN A {sbc.address}" for sbc in lab.sbcs))
        yield made


@pytest.fixture
def named(lab: Lab, make_agent: Callable[..., Agent]) -> Agent:
    """Knows the SBCs by name only; not started."""
    return make_agent(
        wan=[
            {"name": wan.name, "interface": wan.wan_interface, "resolvers": [RESOLVERS[wan.name]]}
            for wan in lab.providers
        ],
        sbc=[{"name": sbc.name, "uri": f"sip:{sbc.host}"} for sbc in lab.sbcs],
    )


def start_again(agent: Agent) -> None:
    assert agent.stop() == 0
    agent.launch()
    agent.wait_served()


def assert_proven_as_before(lab: Lab, status: Status) -> None:
    """All four paths, at the true addresses, and nobody is to blame."""
    assert sbc_states(status) == HEALTHY
    assert blamed_wans(status) == set()
    for sbc in lab.sbcs:
        paths = {(path["wan"], path["address"], path["state"]) for path in status.sbc(sbc.name)["paths"]}
        assert paths == {(wan, f"{sbc.address}:5060", "up") for wan in RESOLVERS}
    assert status.active == ("fibre", "primary")


def test_a_landing_page_of_one_wan_is_that_wans_resolver_and_no_sbc(
    lab: Lab, resolvers: dict[str, Resolver], named: Agent
):
    named.start()
    resolvers["lte"].lie(PORTAL)
    start_again(named)
    lies = {("dns-lies", "primary"), ("dns-lies", "alternate")}
    status = named.wait_for(lambda now: lies <= codes(now), within=40, every=0.2)
    assert codes(status) == lies
    assert_proven_as_before(lab, status)
    for sbc in lab.sbcs:
        evidence = finding(status, "dns-lies", sbc.name)["evidence"]
        assert (evidence["wan"], evidence["resolver"]) == ("lte", RESOLVERS["lte"])
        assert (evidence["named"], evidence["kept"]) == (f"{PORTAL}:5060", f"{sbc.address}:5060")


def test_dead_resolvers_are_told_and_nothing_else_and_what_was_proven_is_probed_after_a_restart(
    lab: Lab, resolvers: dict[str, Resolver], named: Agent
):
    named.start()
    for resolver in resolvers.values():
        resolver.fail(Failing.SILENT)
    start_again(named)
    broken = {("dns-broken", "fibre"), ("dns-broken", "lte")}
    status = named.wait_for(lambda now: broken <= codes(now), within=40, every=0.2)
    assert codes(status) == broken
    assert_proven_as_before(lab, status)
    for wan, resolver in RESOLVERS.items():
        evidence = finding(status, "dns-broken", wan)["evidence"]
        assert (evidence["resolver"], evidence["names"]) == (resolver, "2")
    for sbc in lab.sbcs:
        assert all(path["sent"] > 1 for path in status.sbc(sbc.name)["paths"])
        assert status.sbc(sbc.name)["confirmed_s"] >= status["agent"]["uptime_s"]


def test_two_names_for_one_address_are_no_alternate(lab: Lab, resolvers: dict[str, Resolver], named: Agent):
    primary, alternate = lab.sbcs
    for resolver in resolvers.values():
        resolver.withdraw(alternate.host)
        resolver.publish(f"{alternate.host}. 60 IN A {primary.address}")
    named.start()
    status = named.wait_for(shows("same-address-twice", "primary and alternate"), within=15)
    told = finding(status, "same-address-twice", "primary and alternate")
    assert told["severity"] == "warning"
    assert told["evidence"]["why"] == f"have the same address {primary.address}"
    assert codes(status) == {("same-address-twice", "primary and alternate")}


def test_a_landing_page_at_the_very_first_start_is_no_dead_sbc(lab: Lab, resolvers: dict[str, Resolver], named: Agent):
    """Nothing is remembered yet, so nobody can say that it is a lie; that two names lead to one place is told."""
    for resolver in resolvers.values():
        resolver.lie(PORTAL)
    named.launch()
    named.wait_served()
    status = named.wait_for(lambda now: now.has("site-offline"), within=30, every=0.2)
    assert blamed_wans(status) == set()
    assert sbc_states(status) == {"primary": "unknown", "alternate": "unknown"}
    assert codes(status) == {("site-offline", "lab-site"), ("same-address-twice", "primary and alternate")}
    for resolver in resolvers.values():
        resolver.answer_normally()
    status = named.wait_for(lambda now: sbc_states(now) == HEALTHY, within=90, every=0.5)
