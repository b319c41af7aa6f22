"""Access circuits that change under the agent: another address, another index, another name, or not there at first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.extra_line import ADDRESS, GATEWAY, INTERFACE, OTHER_ADDRESS, OTHER_GATEWAY, ExtraLine
from tests.lab.kernel_state import host_routes, kernel_state, tracked
from tests.lab.phone import Phone
from tests.lab.test_steering_moves_sip import BY_FIBRE, BY_LTE, FIBRE, LTE, steers, wait_moved
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

BY_DSL = dict.fromkeys(BY_FIBRE, GATEWAY)
BY_RENEWED_DSL = dict.fromkeys(BY_FIBRE, OTHER_GATEWAY)
WANS = [{"name": "dsl", "interface": INTERFACE}, {"name": "lte", "interface": "wwan0"}]
"""The main table's default route is neither's: it is fibre's, which the agent knows nothing of."""
EAGER = {"failback_after": "1s", "failback_spread": "0s"}


@pytest.fixture
def line(lab: Lab) -> Iterator[ExtraLine]:
    with ExtraLine(lab) as line:
        yield line


@pytest.fixture
def phone(lab: Lab) -> Phone:
    return Phone(lab.phone)


def start(make_steerer: Callable[..., Agent]) -> Agent:
    agent = make_steerer(failover=EAGER, wan=WANS)
    agent.launch()
    agent.wait_served()
    return agent


@pytest.mark.parametrize("default_route", ["metric 300", "table 300"])
def test_a_wan_that_is_not_the_default_route_is_probed_and_steered_to(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone, default_route: str
):
    line.connect(default_route=default_route)
    before = kernel_state(lab.cpe.namespace)
    agent = start(make_steerer)
    agent.wait_for(steers("dsl"), within=10)
    assert host_routes(lab.cpe.namespace) == BY_DSL
    assert phone.refresh(lab.sbc("primary")) == ADDRESS
    assert {path["state"] for path in agent.status().paths} == {"up"}
    assert agent.stop() == 0
    assert before.differences(kernel_state(lab.cpe.namespace)) == []


def test_a_lease_with_another_address_moves_the_phones_to_it(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone
):
    line.connect()
    agent = start(make_steerer)
    agent.wait_for(steers("dsl"), within=10)
    assert phone.refresh(lab.sbc("primary")) == ADDRESS
    line.renew()
    wait_moved(lab, BY_RENEWED_DSL)
    status = agent.wait_for(lambda now: steers("dsl")(now) and now.path("dsl", "primary")["state"] == "up", within=10)
    assert phone.refresh(lab.sbc("primary")) == OTHER_ADDRESS
    assert not [entry for entry in tracked(lab.cpe.namespace) if entry.is_translated and entry.nat_source == ADDRESS]
    assert status.wan("dsl")["addresses"] == [OTHER_ADDRESS]


def test_a_lease_that_changes_without_a_gap_leaves_no_phone_behind_the_old_address(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone
):
    line.translate_statically(ADDRESS)
    line.connect()
    agent = start(make_steerer)
    agent.wait_for(steers("dsl"), within=10)
    assert phone.refresh(lab.sbc("primary")) == ADDRESS
    line.translate_statically(OTHER_ADDRESS)
    line.renew(gap=False)
    wait_moved(lab, BY_RENEWED_DSL)
    agent.wait_for(lambda now: now.wan("dsl")["addresses"] == [OTHER_ADDRESS] and steers("dsl")(now), within=10)
    assert agent.status()["steering"]["moves"] == 1
    assert phone.refresh(lab.sbc("primary")) == OTHER_ADDRESS


def test_an_interface_that_is_made_anew_gets_its_routes_again(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone
):
    line.connect()
    first = line.index()
    agent = start(make_steerer)
    agent.wait_for(steers("dsl"), within=10)
    line.disconnect()
    wait_moved(lab, BY_LTE)
    assert phone.refresh(lab.sbc("primary")) == LTE
    assert not agent.status().wan("dsl")["addresses"]
    line.connect()
    assert line.index() != first
    wait_moved(lab, BY_DSL)
    agent.wait_for(steers("dsl"), within=10)
    assert phone.refresh(lab.sbc("primary")) == ADDRESS


def test_an_interface_that_appears_only_later_is_steered_to_when_it_is_proven(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone
):
    agent = start(make_steerer)
    agent.wait_for(steers("lte"), within=15)
    assert host_routes(lab.cpe.namespace) == BY_LTE
    assert agent.status().has("wan-down", "dsl")
    line.connect()
    wait_moved(lab, BY_DSL)
    assert phone.refresh(lab.sbc("primary")) == ADDRESS


def test_an_interface_that_gets_its_configured_name_is_taken_and_one_that_loses_it_is_left(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone
):
    line.connect(name="ppp0-new")
    agent = start(make_steerer)
    agent.wait_for(steers("lte"), within=15)
    line.rename("ppp0-new", INTERFACE)
    wait_moved(lab, BY_DSL)
    assert phone.refresh(lab.sbc("primary")) == ADDRESS
    agent.wait_for(steers("dsl"), within=10)
    line.rename(INTERFACE, "ppp0-old")
    wait_moved(lab, BY_LTE)
    assert phone.refresh(lab.sbc("primary")) == LTE
    line.rename("ppp0-old", INTERFACE)
    wait_moved(lab, BY_DSL)


def test_a_gateway_that_comes_after_the_address_is_enough(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone
):
    line.connect(default_route="")
    agent = start(make_steerer)
    agent.wait_for(steers("lte"), within=15)
    lab.cpe.namespace.run("ip", "route", "add", "default", "via", GATEWAY, "dev", INTERFACE, "metric", "300")
    wait_moved(lab, BY_DSL)
    assert phone.refresh(lab.sbc("primary")) == ADDRESS


def test_a_gateway_that_changes_is_followed(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone
):
    line.connect()
    agent = start(make_steerer)
    agent.wait_for(steers("dsl"), within=10)
    lab.cpe.namespace.run(
        "ip",
        "-batch",
        "-",
        stdin=f"address add {OTHER_ADDRESS}/30 dev {INTERFACE}\n"
        f"route replace default via {OTHER_GATEWAY} dev {INTERFACE} metric 300\n",
    )
    wait_moved(lab, BY_RENEWED_DSL)
    assert phone.refresh(lab.sbc("primary")) in (ADDRESS, OTHER_ADDRESS)


def test_a_wan_that_was_set_down_and_up_by_hand_has_its_routes_again(
    lab: Lab, make_steerer: Callable[..., Agent], phone: Phone
):
    agent = make_steerer(failover=EAGER)
    agent.start()
    agent.wait_for(steers("fibre"), within=10)
    with lab.cpe.take_down(lab.provider("fibre")):
        wait_moved(lab, BY_LTE)
    wait_moved(lab, BY_FIBRE)
    agent.wait_for(steers("fibre"), within=10)
    assert phone.refresh(lab.sbc("primary")) == FIBRE


def test_a_wan_without_an_address_is_down_until_it_has_one(lab: Lab, make_steerer: Callable[..., Agent], phone: Phone):
    agent = make_steerer(failover=EAGER)
    with lab.cpe.remove_address(lab.provider("fibre")):
        agent.launch()
        agent.wait_served()
        agent.wait_for(steers("lte"), within=15)
        assert "no address" in str(agent.status()["findings"])
        assert phone.refresh(lab.sbc("primary")) == LTE
    wait_moved(lab, BY_FIBRE)
    assert phone.refresh(lab.sbc("primary")) == FIBRE


def test_a_gateway_outside_the_wans_own_network_is_used_as_it_is_in_the_main_table(
    lab: Lab, make_steerer: Callable[..., Agent], line: ExtraLine, phone: Phone
):
    line.connect(default_route="")
    lines = (
        f"address del {ADDRESS}/30 dev {INTERFACE}",
        f"address add {ADDRESS}/32 dev {INTERFACE}",
        f"route add default via {GATEWAY} dev {INTERFACE} metric 300 onlink",
    )
    lab.cpe.namespace.run("ip", "-batch", "-", stdin="\n".join(lines))
    agent = start(make_steerer)
    wait_moved(lab, BY_DSL)
    assert phone.refresh(lab.sbc("primary")) == ADDRESS
    assert not agent.status().has("steering-refused")
