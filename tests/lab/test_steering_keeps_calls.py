"""Connected calls: left where they are while they can be heard there, and brought along when they cannot.

A call is a stream of packets both ways, 50 a second; the far end tells the phone which address it sees.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.faults import Provider
from tests.lab.phone import Call, Phone
from tests.lab.test_steering_moves_sip import FIBRE, LTE, passed, steers
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

MEDIA = "203.0.113.19"
"""A relay of the primary SBC at an address of its own."""
COUNTING = "net.netfilter.nf_conntrack_acct"
WATCH = 1.0
"""Seconds between two looks at kept calls: five otherwise."""
HURRY = f"from tonekeeper.core import steering; steering.WATCH = {WATCH}"
"""Before the daemon starts."""


@pytest.fixture(params=["counted", "not counted"])
def counting(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    """Whether the kernel counts each flow's packets, which by default it doesn't."""
    lab.cpe.namespace.set_sysctls({COUNTING: str(int(request.param == "counted"))})
    yield request.param
    lab.cpe.namespace.set_sysctls({COUNTING: "0"})


counted = pytest.mark.parametrize("counting", ["counted"], indirect=True)
not_counted = pytest.mark.parametrize("counting", ["not counted"], indirect=True)


@pytest.fixture
def call(lab: Lab) -> Iterator[Call]:
    """Begun before the agent starts, over fibre; the NAT's addresses are fixed."""
    lab.cpe.namespace.run("conntrack", "-F")
    lab.cpe.translate_statically(*lab.providers)
    with Phone(lab.phone).call(lab.services, MEDIA) as call:
        call.wait_heard(from_address=FIBRE, within=2.0)
        yield call


def start(lab: Lab, make_steerer: Callable[..., Agent], prefer: str, **settings: object) -> Agent:
    primary, alternate = lab.sbcs
    sbcs = [
        {"name": primary.name, "uri": primary.uri, "media": [MEDIA]},
        {"name": alternate.name, "uri": alternate.uri},
    ]
    agent = make_steerer(failover={"prefer": prefer, **settings}, sbc=sbcs)
    agent.launch(prelude=HURRY)
    agent.wait_ready()
    agent.wait_for(steers("fibre"), within=5)
    return agent


def close_for_sip(lab: Lab, provider: Provider) -> None:
    """The WAN works, but no SBC answers over it."""
    for sbc in lab.sbcs:
        provider.silence(sbc.address)


@counted
@pytest.mark.usefixtures("counting")
def test_a_call_that_is_heard_stays_on_the_old_wan_while_sip_moves(
    lab: Lab, make_steerer: Callable[..., Agent], call: Call
):
    agent = start(lab, make_steerer, "connected-calls")
    phone = Phone(lab.phone)
    close_for_sip(lab, lab.provider("fibre"))
    began = time.monotonic()
    status = agent.wait_for(steers("lte"), within=15)
    assert status["steering"]["kept_calls"] == 1
    assert phone.refresh(lab.sbc("primary")) == LTE
    looked = agent.watch(until=passed(3 * WATCH), within=10)
    assert {now["steering"]["kept_calls"] for now in looked} == {1}
    assert call.seen_from() == FIBRE
    assert not call.is_heard(from_address=LTE, since=began)
    assert not looked[-1].has("stale-binding")


@not_counted
@pytest.mark.usefixtures("counting")
def test_a_call_that_nobody_counts_goes_along_when_no_sbc_answers_over_its_wan(
    lab: Lab, make_steerer: Callable[..., Agent], call: Call
):
    agent = start(lab, make_steerer, "connected-calls")
    close_for_sip(lab, lab.provider("fibre"))
    agent.wait_for(lambda now: now.active[0] == "lte", within=15)
    call.wait_heard(from_address=LTE, within=5.0)
    assert agent.wait_for(steers("lte"), within=10)["steering"]["kept_calls"] == 0


def test_with_new_calls_preferred_a_call_goes_along(lab: Lab, make_steerer: Callable[..., Agent], call: Call):
    agent = start(lab, make_steerer, "new-calls")
    close_for_sip(lab, lab.provider("fibre"))
    agent.wait_for(lambda now: now.active[0] == "lte", within=15)
    call.wait_heard(from_address=LTE, within=1.0)
    assert agent.wait_for(steers("lte"), within=5)["steering"]["kept_calls"] == 0


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("fault", [Provider.cut, Provider.silence], ids=["carrier lost", "silently dead"])
def test_on_a_dead_wan_no_call_is_kept(
    lab: Lab, make_steerer: Callable[..., Agent], call: Call, fault: Callable[[Provider], object]
):
    agent = start(lab, make_steerer, "connected-calls")
    fault(lab.provider("fibre"))
    agent.wait_for(lambda now: now.active[0] == "lte", within=15)
    call.wait_heard(from_address=LTE, within=5.0)
    assert agent.wait_for(steers("lte"), within=10)["steering"]["kept_calls"] == 0


@counted
@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("fault", [Provider.cut, Provider.silence], ids=["carrier lost", "silently dead"])
def test_a_kept_call_is_let_go_when_it_is_heard_no_more(
    lab: Lab, make_steerer: Callable[..., Agent], call: Call, fault: Callable[[Provider], object]
):
    agent = start(lab, make_steerer, "connected-calls")
    close_for_sip(lab, lab.provider("fibre"))
    status = agent.wait_for(steers("lte"), within=15)
    assert status["steering"]["kept_calls"] == 1
    fault(lab.provider("fibre"))
    call.wait_heard(from_address=LTE, within=2 * WATCH + 3)
    assert agent.status()["steering"]["kept_calls"] == 0


@pytest.mark.usefixtures("counting")
def test_on_the_way_back_a_call_stays_where_it_began(lab: Lab, make_steerer: Callable[..., Agent]):
    lab.cpe.translate_statically(*lab.providers)
    agent = start(lab, make_steerer, "connected-calls", failback_after="3s", failback_spread="0s")
    phone = Phone(lab.phone)
    cut = lab.provider("fibre").cut()
    agent.wait_for(steers("lte"), within=10)
    with phone.call(lab.services, MEDIA) as call:
        call.wait_heard(from_address=LTE, within=2.0)
        cut.undo()
        began = time.monotonic()
        status = agent.wait_for(steers("fibre"), within=20)
        assert status["steering"]["kept_calls"] == 1
        assert phone.refresh(lab.sbc("primary")) == FIBRE
        assert call.seen_from() == LTE
        assert not call.is_heard(from_address=FIBRE, since=began)
