"""What others take away is put back: at once, not oftener than once a second, and told of when it does not end."""

from __future__ import annotations

import pytest

from tests.unit.core.talk import GATEWAY, OWN, Talk, site
from tests.unit.core.test_steering import commanded, flow, steering
from tonekeeper.core.commands import ApplyPlan, DeleteFlows, ListFlows
from tonekeeper.core.events import FlowsListed, GatewayChanged, LinkChanged, RoutingChanged, RoutingPart
from tonekeeper.core.kernel import EMPTY_PLAN
from tonekeeper.core.repairs import APART, LATELY, TOO_OFTEN

OURS = RoutingChanged(RoutingPart.RULES, ours=True)
THEIRS = RoutingChanged(RoutingPart.RULES, ours=False)


def take_away(talk: Talk) -> None:
    """Somebody flushes the rules, and the kernel tells."""
    talk.kernel.plan = EMPTY_PLAN
    talk.tell(OURS)


def fight(talk: Talk, seconds: float) -> None:
    for _ in range(int(seconds * 10)):
        take_away(talk)
        talk.pass_time(0.1)


@pytest.fixture
def talk() -> Talk:
    return steering(prefer="new-calls").pass_time(20)


def test_what_somebody_took_away_is_put_back_at_once(talk):
    plan = talk.kernel.plan
    take_away(talk)
    talk.pass_time(0.01)
    assert talk.kernel.plan == plan


def test_what_somebody_takes_away_again_in_the_same_second_is_put_back_in_the_next(talk):
    plan = talk.kernel.plan
    for _ in range(2):
        take_away(talk)
        talk.pass_time(0.1)
    assert talk.kernel.plan == EMPTY_PLAN
    talk.pass_time(APART)
    assert talk.kernel.plan == plan


def test_what_somebody_took_away_during_a_move_is_put_back_at_once(talk):
    talk.silence(wan="fibre")
    talk.pass_until(lambda: talk.report.steering.phase == "flushing")
    plan = talk.kernel.plan
    take_away(talk)
    talk.pass_time(0.01)
    assert talk.kernel.plan == plan


def test_changes_of_the_sites_own_routing_are_none_of_our_business(talk):
    began = talk.now
    talk.tell(THEIRS)
    talk.tell(RoutingChanged(RoutingPart.ROUTES, ours=False))
    talk.pass_time(5)
    assert commanded(talk, ApplyPlan, began) == []


def test_a_plan_that_stands_is_put_again_once_and_leads_to_nothing(talk):
    began = talk.now
    talk.tell(OURS)
    talk.pass_time(5)
    assert len(commanded(talk, ApplyPlan, began)) == 1
    assert commanded(talk, ListFlows, began) == []


def test_flows_that_went_astray_meanwhile_are_flushed(talk):
    talk.kernel.flows = [flow("wwan0"), flow("eth0")]
    take_away(talk)
    talk.pass_time(5)
    assert talk.kernel.flows == [flow("eth0")]
    assert talk.report.steering.phase == "resting"


def test_who_never_stops_removing_is_answered_once_a_second_and_told_of(talk):
    began = talk.now
    fight(talk, 30)
    assert len(commanded(talk, ApplyPlan, began)) <= 30 / APART + 1
    assert "steering-disturbed fibre" in talk.findings()
    (finding,) = [finding for finding in talk.report.findings if finding.code == "steering-disturbed"]
    assert "the rules that steer" in finding.summary


def test_while_somebody_fights_no_flow_is_deleted_again_and_again(talk):
    fight(talk, TOO_OFTEN * APART + 1)
    began = talk.now
    talk.kernel.flows = [flow("wwan0")]
    fight(talk, 20)
    assert commanded(talk, DeleteFlows, began) == []


def test_when_the_fight_is_over_what_went_astray_is_flushed_and_the_finding_goes(talk):
    fight(talk, 10)
    talk.kernel.flows = [flow("wwan0")]
    talk.pass_time(3 * LATELY)
    assert talk.kernel.flows == []
    assert "steering-disturbed fibre" not in talk.findings()
    assert "stale-binding fibre" not in talk.findings()


def test_once_is_an_accident(talk):
    for _ in range(3):
        take_away(talk)
        talk.pass_time(LATELY)
    assert "steering-disturbed fibre" not in talk.findings()


def test_routes_that_the_kernel_dropped_with_a_link_are_nobodys_fault(talk):
    for _ in range(10):
        talk.tell(GatewayChanged("wwan0", None, None))
        talk.tell(LinkChanged("wwan0", True, False, ()))
        talk.tell(RoutingChanged(RoutingPart.ROUTES, ours=True))
        talk.pass_time(2)
        talk.tell(LinkChanged("wwan0", True, True, (OWN["wwan0"],)))
        talk.tell(GatewayChanged("wwan0", GATEWAY["wwan0"], None))
        talk.pass_time(2)
    assert talk.agent.situation.steering.repairs.made == ()


def test_on_a_dead_wan_nothing_can_be_put_back(talk):
    talk.silence()
    for interface in ("wwan0", "eth0"):
        talk.tell(GatewayChanged(interface, None, None))
        talk.tell(LinkChanged(interface, True, False, ()))
    talk.pass_time(1)
    began = talk.now
    take_away(talk)
    talk.pass_time(5)
    assert commanded(talk, ApplyPlan, began) == []


def test_an_observing_agent_has_nothing_to_put_back():
    talk = Talk(site()).begin()
    began = talk.now
    talk.tell(OURS)
    talk.pass_time(5)
    assert commanded(talk, ApplyPlan, began) == []


def test_where_flows_cannot_be_seen_the_routes_are_put_back_all_the_same(talk):
    talk.agent.situation.steering.unavailable = "not permitted"
    began = talk.now
    take_away(talk)
    talk.pass_time(5)
    assert talk.kernel.plan != EMPTY_PLAN
    assert commanded(talk, ListFlows, began) == []
    talk.tell(FlowsListed(()))
