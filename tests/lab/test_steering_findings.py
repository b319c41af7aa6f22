"""What people are told about access circuits, and about moves that the kernel or the guardrails hold back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.kernel_state import host_routes, kernel_state
from tests.lab.phone import Phone
from tests.lab.test_steering_moves_sip import steers
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

HURRY = "from tonekeeper.core import walks; walks.FIRST, walks.SPACING = 1.0, 0.1"
"""Before the daemon starts: the first walk is due after a minute otherwise."""
FIBRE_ALONE = [{"name": "fibre", "interface": "eth0"}]


@pytest.fixture
def strict_lte(lab: Lab) -> Iterator[None]:
    def set_filters(everywhere: str, lte: str) -> None:
        lab.cpe.namespace.set_sysctls({"net.ipv4.conf.all.rp_filter": everywhere, "net.ipv4.conf.wwan0.rp_filter": lte})

    set_filters("0", "1")
    yield
    set_filters("2", "2")


@pytest.fixture
def narrow_nat(lab: Lab) -> Iterator[None]:
    """Somebody's rule hides the phones behind the address of lte, whatever way they take."""
    kernel = lab.cpe.namespace
    address = lab.provider("lte").wan_address
    rule = f"ip saddr 192.0.2.0/24 ip daddr 203.0.113.0/24 snat to {address}"
    kernel.nft(f"table ip wrong {{\nchain c {{\ntype nat hook postrouting priority srcnat - 2\n{rule}\n}}\n}}\n")
    yield
    kernel.run("nft", "delete", "table", "ip", "wrong")


def test_a_wan_without_carrier_is_named_with_its_interface(lab: Lab, steerer: Agent):
    with lab.provider("lte").cut():
        status = steerer.wait_for(lambda now: now.has("wan-down", "lte"), within=5)
    (finding,) = (finding for finding in status["findings"] if finding["code"] == "wan-down")
    assert "wwan0 has no carrier" in finding["summary"]
    assert status.active[0] == "fibre"


def test_a_lossy_wan_is_degraded_and_the_other_is_not(lab: Lab, make_steerer: Callable[..., Agent]):
    agent = make_steerer()
    agent.launch(prelude="from tonekeeper.core import budget; budget.ENOUGH = 10")
    agent.wait_ready()
    with lab.provider("fibre").lose(40):
        status = agent.wait_for(lambda now: now.has("wan-degraded", "fibre"), within=45)
    assert not status.has("wan-degraded", "lte")


def test_a_site_with_one_wan_is_told_that_it_has_one(make_steerer: Callable[..., Agent]):
    agent = make_steerer(wan=FIBRE_ALONE)
    agent.start()
    assert agent.status().has("single-wan", "fibre")


@pytest.mark.usefixtures("strict_lte")
def test_a_strict_reverse_path_filter_is_found_on_the_wan_that_has_it(make_steerer: Callable[..., Agent]):
    agent = make_steerer()
    agent.launch()
    agent.wait_served()
    status = agent.wait_for(lambda now: now.has("rp-filter-strict"), within=5)
    assert status.has("rp-filter-strict", "lte")
    assert not status.has("rp-filter-strict", "fibre")


@pytest.mark.usefixtures("narrow_nat")
def test_a_phone_that_is_held_to_another_wan_by_somebody_elses_rule_is_a_stale_binding(lab: Lab, steerer: Agent):
    with Phone(lab.phone).keep_registered(lab.sbc("primary"), every=0.1):
        status = steerer.wait_for(lambda now: now.has("stale-binding", "fibre"), within=20)
    (finding,) = (finding for finding in status["findings"] if finding["code"] == "stale-binding")
    assert "192.0.2.10 5062 > 203.0.113.2 5060" in finding["summary"]
    assert status["steering"]["phase"] == "resting", "it has given up"


def test_a_move_that_the_token_bucket_holds_back_is_said(lab: Lab, make_steerer: Callable[..., Agent]):
    agent = make_steerer(failover={"switches": 1, "failback_after": "1h"})
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    with lab.provider("fibre").cut():
        agent.wait_for(steers("lte"), within=10)
    agent.wait_for(lambda now: now.wan("fibre")["state"] == "up", within=10)
    with lab.provider("lte").cut():
        status = agent.wait_for(lambda now: now.has("failover-suppressed"), within=15)
        assert status.active[0] == "lte"
        assert set(host_routes(lab.cpe.namespace).values()) <= {lab.provider("lte").gateway}


def test_a_rule_in_the_way_is_a_refused_move_and_no_host_route_is_left_of_it(
    lab: Lab, make_steerer: Callable[..., Agent]
):
    kernel = lab.cpe.namespace
    kernel.run("ip", "rule", "add", "lookup", "main", "priority", "100")
    try:
        before = kernel_state(kernel)
        agent = make_steerer(wan=[{"name": "lte", "interface": "wwan0"}, *FIBRE_ALONE])
        agent.start()
        status = agent.wait_for(lambda now: now.has("steering-refused"), within=10)
        assert "it leaves through 'eth0', not 'wwan0'" in str(status["findings"])
        assert host_routes(kernel) == {}
        assert agent.stop() == 0
        assert before.differences(kernel_state(kernel)) == []
    finally:
        kernel.run("ip", "rule", "del", "priority", "100")


TWINS = {"twin1": "198.51.100.18/28", "twin2": "198.51.100.19/28"}
THEIR_ROUTER = "198.51.100.17"


@pytest.fixture
def twins(lab: Lab) -> Iterator[list[dict[str, str]]]:
    """Two more interfaces on the line of fibre: two WANs behind one router."""
    kernel, far = lab.cpe.namespace, lab.provider("fibre").namespace
    far.run("ip", "address", "add", f"{THEIR_ROUTER}/28", "dev", "access")
    lines = [
        line
        for metric, (name, address) in enumerate(TWINS.items(), start=300)
        for line in (
            f"link add link eth0 name {name} type macvlan mode bridge",
            f"address add {address} dev {name}",
            f"link set {name} up",
            f"route add default via {THEIR_ROUTER} dev {name} metric {metric}",
        )
    ]
    kernel.run("ip", "-batch", "-", stdin="\n".join(lines))
    yield [{"name": name, "interface": name} for name in TWINS]
    for name in TWINS:
        kernel.run("ip", "link", "del", name)
    far.run("ip", "address", "del", f"{THEIR_ROUTER}/28", "dev", "access")


def test_two_wans_behind_one_router_share_their_fate(make_steerer: Callable[..., Agent], twins: list[dict[str, str]]):
    agent = make_steerer(wan=twins)
    agent.launch(prelude=HURRY)
    agent.wait_ready()
    status = agent.wait_for(lambda now: now.has("shared-fate"), within=20)
    assert THEIR_ROUTER in str(status["findings"])


def test_two_wans_of_two_providers_do_not(lab: Lab, make_steerer: Callable[..., Agent]):
    agent = make_steerer()
    agent.launch(prelude=HURRY)
    agent.wait_ready()
    agent.wait_for(lambda now: walked(agent) >= {"fibre", "lte"}, within=20)
    assert not agent.status().has("shared-fate")


def walked(agent: Agent) -> set[str]:
    """WANs over which a walk has met a router, as the journal has it."""
    entries = [json.loads(line) for line in agent.journal_lines()]
    walks = [entry["data"] for entry in entries if entry.get("event") == "PathWalked"]
    return {walk["path"][0] for walk in walks if any(walk["hops"])}
