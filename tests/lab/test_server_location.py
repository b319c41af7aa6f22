"""SBCs by name: two WANs, a resolver of each, and what the agent makes of it when these fail or lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.resolver import Failing, Resolver
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

RESOLVERS = {"fibre": "203.0.113.18", "lte": "203.0.113.19"}
PORTAL = "203.0.113.20"
"""Nobody lives there."""


@pytest.fixture
def resolvers(lab: Lab) -> Iterator[dict[str, Resolver]]:
    """By WAN; both know both SBCs."""
    made = {wan: Resolver(lab.services, address, name=f"resolver-{wan}") for wan, address in RESOLVERS.items()}
    try:
        for resolver in made.values():
            resolver.start()
            resolver.publish(*(f"{sbc.name}.example.net. 60 IN A {sbc.address}" for sbc in lab.sbcs))
        yield made
    finally:
        for resolver in made.values():
            resolver.stop()
            print(f"--- {resolver.name}\n{resolver.output[-1000:]}")


@pytest.fixture
def make_named(lab: Lab, resolvers: dict[str, Resolver], make_agent: Callable[..., Agent]) -> Callable[..., Agent]:
    """Agents that know the SBCs by name, and each WAN's own resolver."""

    def make() -> Agent:
        return make_agent(
            wan=[
                {"name": wan.name, "interface": wan.wan_interface, "resolvers": [RESOLVERS[wan.name]]}
                for wan in lab.providers
            ],
            sbc=[{"name": sbc.name, "uri": f"sip:{sbc.name}.example.net"} for sbc in lab.sbcs],
        )

    return make


@pytest.fixture
def named(make_named: Callable[..., Agent]) -> Agent:
    """Running and ready."""
    agent = make_named()
    agent.start()
    return agent


def places(status: Status, sbc: str = "primary") -> set[tuple[str, str]]:
    """WAN and address of each path that is up."""
    return {(path["wan"], path["address"]) for path in status.sbc(sbc)["paths"] if path["state"] == "up"}


def everywhere(lab: Lab, sbc: str = "primary") -> set[tuple[str, str]]:
    return {(wan.name, f"{lab.sbc(sbc).address}:5060") for wan in lab.providers}


def restart(agent: Agent) -> None:
    assert agent.stop() == 0
    agent.launch()
    agent.wait_served()


def test_names_lead_to_paths_over_every_wan(lab, named):
    status = named.status()
    for sbc in ("primary", "alternate"):
        assert places(status, sbc) == everywhere(lab, sbc)


def test_every_address_of_every_server_is_a_path_and_the_first_in_order_is_used(lab, resolvers, make_named):
    primary, alternate = lab.sbc("primary").address, lab.sbc("alternate").address
    for resolver in resolvers.values():
        resolver.withdraw("primary.example.net")
        resolver.publish(
            'primary.example.net. 60 IN NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.primary.example.net.',
            "_sip._udp.primary.example.net. 60 IN SRV 20 0 5060 b.example.net.",
            "_sip._udp.primary.example.net. 60 IN SRV 10 0 5060 a.example.net.",
            f"a.example.net. 60 IN A {primary}",
            f"b.example.net. 60 IN A {alternate}",
        )
    agent = make_named()
    agent.start()
    status = agent.wait_for(lambda status: len(places(status)) == 4, within=5.0)
    assert places(status) == everywhere(lab, "primary") | everywhere(lab, "alternate")
    assert status.active == ("fibre", "primary")


@pytest.mark.parametrize("how", list(Failing), ids=lambda how: how.name.lower())
def test_an_agent_that_starts_while_every_resolver_fails_uses_what_it_had_proven(lab, resolvers, named, how):
    for resolver in resolvers.values():
        resolver.fail(how)
    restart(named)
    named.wait_ready()
    for status in named.watch(until=lambda status: status["agent"]["uptime_s"] > 3.0, within=10.0):
        for sbc in ("primary", "alternate"):
            assert places(status, sbc) == everywhere(lab, sbc)
            assert status.sbc(sbc)["confirmed_s"] >= status["agent"]["uptime_s"]
        assert status.active == ("fibre", "primary")


@pytest.mark.parametrize("how", list(Failing), ids=lambda how: how.name.lower())
def test_the_wan_whose_dns_is_broken_is_named_and_its_paths_come_from_the_other(lab, resolvers, make_named, how):
    resolvers["lte"].fail(how)
    agent = make_named()
    agent.start()
    status = agent.wait_for(lambda status: status.has("dns-broken"), within=25.0)
    assert status.has("dns-broken", "lte")
    assert not status.has("dns-broken", "fibre")
    assert places(status) == everywhere(lab)


def test_resolvers_that_are_gone_are_told_apart_from_sbcs_that_are_gone(lab, resolvers, named):
    for resolver in resolvers.values():
        resolver.stop()
    restart(named)
    status = named.wait_for(lambda status: all(status.has("dns-broken", wan) for wan in RESOLVERS), within=25.0)
    assert not status.has("sbc-down")
    assert places(status) == everywhere(lab)


def test_a_landing_page_does_not_replace_an_address_that_works_and_is_told(lab, resolvers, named):
    for resolver in resolvers.values():
        resolver.lie(PORTAL)
    restart(named)
    seen = named.watch(until=lambda status: status.has("dns-lies"), within=30.0)
    assert all(status.active == ("fibre", "primary") for status in seen if status.paths)
    assert places(seen[-1]) == everywhere(lab)


def test_an_sbc_that_moves_is_followed_once_its_new_address_has_answered(lab, resolvers, named):
    for resolver in resolvers.values():
        resolver.withdraw("primary.example.net")
        resolver.publish(f"primary.example.net. 60 IN A {lab.sbc('alternate').address}")
    restart(named)
    named.wait_for(lambda status: places(status) == everywhere(lab, "alternate"), within=10.0)


def test_a_file_of_addresses_that_is_broken_costs_nothing_but_a_warning(lab, named):
    assert named.stop() == 0
    (named.state_dir / "addresses.json").write_bytes(b"\0" * 100)
    named.start()
    assert places(named.status()) == everywhere(lab)
    assert "addresses.json.broken" in named.output
