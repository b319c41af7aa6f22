"""Steering beside what else lives in a router: TCP, other tools' rules, a NAT of its own making, the operator."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.kernel_state import host_routes, tracked, way_of_the_lan
from tests.lab.namespace import until
from tests.lab.phone import Phone
from tests.lab.test_life_of_the_daemon import replay
from tests.lab.test_steering_moves_sip import BY_LTE, FIBRE, LTE, on, passed, steers, wait_moved
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

POOL = "198.51.100.50"
"""Of a network that the provider routes to the CPE, and that is on none of its interfaces."""
OFTEN = "from tonekeeper.core import steering; steering.REST = 1.0"
"""Before the daemon starts: at rest it looks once a minute otherwise."""


@pytest.fixture
def pool(lab: Lab) -> Iterator[str]:
    kernel, provider = lab.cpe.namespace, lab.provider("fibre")
    rule = f"ip saddr 192.0.2.0/24 oifname eth0 snat to {POOL}"
    kernel.nft(f"table ip pool {{\nchain c {{\ntype nat hook postrouting priority srcnat - 2\n{rule}\n}}\n}}\n")
    provider.namespace.run("ip", "route", "add", POOL, "via", provider.wan_address)
    yield POOL
    provider.namespace.run("ip", "route", "del", POOL)
    kernel.run("nft", "delete", "table", "ip", "pool")


def test_a_phone_on_tcp_is_told_at_once_that_its_connection_is_gone(lab: Lab, steerer: Agent):
    lab.cpe.translate_statically(*lab.providers)
    steerer.wait_for(steers("fibre"), within=5)
    with lab.phone.socket(socket.AF_INET, socket.SOCK_STREAM) as phone:
        phone.settimeout(2.0)
        phone.connect(lab.sbc("primary").endpoint)
        with lab.provider("fibre").cut():
            steerer.wait_for(steers("lte"), within=10)
            phone.sendall(b"\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                phone.recv(64)
        with lab.phone.socket(socket.AF_INET, socket.SOCK_STREAM) as again:
            again.settimeout(2.0)
            again.connect(lab.sbc("primary").endpoint)


def test_a_nat_to_an_address_of_a_routed_pool_is_no_stale_binding(
    lab: Lab, make_steerer: Callable[..., Agent], pool: str
):
    phone = Phone(lab.phone)
    assert phone.refresh(lab.sbc("primary")) == pool
    held = on_pool(lab, pool)
    agent = make_steerer()
    agent.launch(prelude=OFTEN)
    agent.wait_ready()
    status = agent.watch(until=passed(4.0), within=10)[-1]
    assert status["steering"]["flushed_flows"] == 0
    assert not status.has("stale-binding")
    assert on_pool(lab, pool) == held


def on_pool(lab: Lab, pool: str) -> set[object]:
    return {entry for entry in tracked(lab.cpe.namespace) if entry.nat_source == pool}


TAKEN = {"rule": ("ip", "rule", "del", "priority", "7070"), "routes": ("ip", "route", "flush", "table", "7060")}


@pytest.mark.parametrize("taken", TAKEN)
@pytest.mark.parametrize("fibre", ["up", "down"])
def test_what_another_tool_took_away_is_put_back(lab: Lab, make_steerer: Callable[..., Agent], taken: str, fibre: str):
    kernel = lab.cpe.namespace
    agent = make_steerer(wan=[{"name": "lte", "interface": "wwan0"}, {"name": "fibre", "interface": "eth0"}])
    agent.launch(prelude=OFTEN)
    agent.wait_ready()
    agent.wait_for(steers("lte"), within=5)
    if fibre == "down":
        lab.provider("fibre").cut()
        agent.wait_for(lambda now: now.wan("fibre")["state"] == "down", within=5)
    kernel.run(*TAKEN[taken])
    assert way_of_the_lan(kernel, lab.sbc("primary").address) == "eth0"
    until(
        lambda: way_of_the_lan(kernel, lab.sbc("primary").address) == "wwan0",
        within=5.0,
        what="SIP to be steered to lte again",
    )


def test_an_sbc_that_is_no_longer_configured_is_no_longer_steered(lab: Lab, steerer: Agent):
    steerer.wait_for(steers("fibre"), within=5)
    primary, alternate = lab.sbcs
    steerer.configure(failover={"mode": "steer"}, sbc=[{"name": primary.name, "uri": primary.uri}])
    steerer.reload()
    steerer.wait_for(lambda now: len(now["sbcs"]) == 1, within=5)
    until(lambda: set(host_routes(lab.cpe.namespace)) == {primary.address}, within=2, what="one host route is left")
    assert way_of_the_lan(lab.cpe.namespace, alternate.address) == "eth0"


def test_a_move_that_did_not_help_is_taken_back_once_with_the_routes(lab: Lab, steerer: Agent):
    steerer.wait_for(steers("fibre"), within=5)
    phone = Phone(lab.phone)
    with lab.provider("fibre").silence() as first:
        wait_moved(lab, BY_LTE)
        lab.provider("lte").silence()
        status = steerer.wait_for(lambda now: now.active[0] == "fibre", within=15)
        assert status.has("switch-taken-back")
        until(
            lambda: set(host_routes(lab.cpe.namespace).values()) == {lab.provider("fibre").gateway},
            within=2,
            what="the routes are taken back",
        )
        first.undo()
        steerer.wait_for(lambda now: now.wan("fibre")["state"] == "up", within=15)
        assert phone.refresh(lab.sbc("primary")) == FIBRE
        assert steerer.status()["active"]["wan"] == "fibre"


def test_the_journal_of_a_move_replays_byte_for_byte(lab: Lab, steerer: Agent):
    lab.cpe.translate_statically(*lab.providers)
    steerer.wait_for(steers("fibre"), within=5)
    with Phone(lab.phone).keep_registered(lab.sbc("primary"), every=0.2) as registration:
        registration.wait_seen_from(FIBRE, within=2)
        with lab.provider("fibre").cut():
            registration.wait_seen_from(LTE, within=5)
            steerer.wait_for(steers("lte"), within=10)
            assert not on(lab.cpe.namespace, lab.provider("fibre"))
    assert steerer.stop() == 0
    assert len({replay(steerer, hash_seed) for hash_seed in ("0", "1")}) == 1
