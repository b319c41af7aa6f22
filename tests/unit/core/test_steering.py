"""Moves of the site's SIP and RTP, as the agent commands them and the kernel answers."""

from __future__ import annotations

import dataclasses

import pytest

from tests.unit.core.talk import ADDRESS, GATEWAY, OWN, Talk, site
from tonekeeper.core.commands import ApplyPlan, DeleteFlows, ListFlows
from tonekeeper.core.events import FlowsUnavailable, GatewayChanged, LinkChanged, PlanRefused, SiteChanged
from tonekeeper.core.kernel import EMPTY_PLAN, Flow, FlowPin, HostRoute, Protocol, WanTable

PHONE = "192.168.1.20"
BOTH_TABLES = (WanTable("eth0", GATEWAY["eth0"], None), WanTable("wwan0", GATEWAY["wwan0"], None))


def flow(wan: str, *, port: int = 5060, sbc: str = "primary", **changes) -> Flow:
    known = Flow(Protocol.UDP, PHONE, 5060, ADDRESS[sbc].host, port, OWN[wan], 5060, packets_out=10, packets_in=10)
    return dataclasses.replace(known, **changes)


def steering(prefer: str = "connected-calls", **failover) -> Talk:
    return Talk(site(mode="steer", prefer=prefer, **failover)).begin()


def commanded(talk: Talk, kind: type, since: float = 0.0) -> list:
    return [command for at, command in talk.done if at >= since and isinstance(command, kind)]


def routes(talk: Talk) -> set[str]:
    return {route.interface for route in talk.kernel.plan.routes}


def test_observing_asks_the_kernel_for_nothing_but_to_drop_what_a_dead_predecessor_left():
    talk = Talk().begin()
    talk.silence(sbc="primary")
    talk.pass_time(60)
    assert commanded(talk, ApplyPlan) == [ApplyPlan(0, EMPTY_PLAN)]
    assert commanded(talk, ListFlows) == []


def test_a_healthy_site_is_steered_to_its_first_choice_for_every_sbc():
    talk = steering()
    assert talk.kernel.plan.tables == BOTH_TABLES
    assert talk.kernel.plan.routes == tuple(HostRoute(ADDRESS[sbc].host, "eth0") for sbc in ("primary", "alternate"))


def test_a_lost_carrier_moves_the_routes_without_asking_for_calls_first():
    talk = steering()
    began = talk.now
    talk.tell(GatewayChanged("eth0", None, None))
    talk.tell(LinkChanged("eth0", True, False, ()))
    talk.pass_time(0.1)
    assert routes(talk) == {"wwan0"}
    kinds = [type(c) for at, c in talk.done if at >= began and isinstance(c, ApplyPlan | ListFlows)]
    assert kinds[0] is ApplyPlan


def test_routes_first_then_the_flows_of_the_old_wan_and_only_those():
    talk = steering(prefer="new-calls").pass_time(5)
    stuck, fresh, own = flow("eth0"), flow("wwan0", source="192.168.1.21"), flow("eth0", source=OWN["eth0"])
    talk.kernel.flows = [stuck, fresh, own]
    began = talk.now
    talk.silence(wan="fibre")
    talk.pass_time(10)
    order = [type(c) for at, c in talk.done if at > began and isinstance(c, ApplyPlan | ListFlows | DeleteFlows)]
    assert order[:3] == [ApplyPlan, ListFlows, DeleteFlows]
    assert talk.kernel.flows == [fresh, own]


def test_a_flow_that_appears_again_on_the_old_wan_is_deleted_again():
    talk = steering(prefer="new-calls")
    talk.silence(wan="fibre")
    talk.pass_until(lambda: routes(talk) == {"wwan0"})
    for _ in range(3):
        talk.kernel.flows.append(flow("eth0"))
        talk.pass_time(0.6)
    assert talk.kernel.flows == []
    assert talk.findings().count("stale-binding lte") == 0


def test_flows_that_cannot_be_got_rid_of_are_told_of_in_the_end():
    talk = steering(prefer="new-calls")
    talk.silence(wan="fibre")
    talk.pass_until(lambda: routes(talk) == {"wwan0"})
    for _ in range(150):
        talk.kernel.flows = [flow("eth0")]
        talk.pass_time(0.1)
    assert "stale-binding lte" in talk.findings()


def test_a_connected_call_stays_while_the_old_wan_carries_it():
    talk = steering()
    call = flow("eth0", port=30000)
    talk.kernel.flows = [flow("eth0"), call]
    talk.silence(wan="fibre", sbc="primary")
    talk.pass_until(lambda: routes(talk) == {"wwan0"})
    pin = FlowPin(Protocol.UDP, PHONE, 5060, ADDRESS["primary"].host, 30000, "eth0")
    assert talk.kernel.plan.pins == (pin,)
    for _ in range(10):
        talk.pass_time(2)
        call = dataclasses.replace(call, packets_out=call.packets_out + 100, packets_in=call.packets_in + 100)
        talk.kernel.flows = [call]
    assert talk.kernel.plan.pins == (pin,)
    assert talk.report.steering.kept_calls == 1
    talk.kernel.flows = []
    talk.pass_time(10)
    assert talk.kernel.plan.pins == ()


def test_a_call_that_hears_nothing_any_more_is_let_go():
    talk = steering()
    call = flow("eth0", port=30000)
    talk.kernel.flows = [call]
    talk.silence(wan="fibre")
    talk.pass_until(lambda: talk.kernel.plan.pins != ())
    talk.kernel.flows = [dataclasses.replace(call, packets_out=500)]
    talk.pass_time(10)
    assert talk.kernel.plan.pins == ()
    assert talk.kernel.flows == []


def test_new_calls_first_leaves_no_call_behind():
    talk = steering(prefer="new-calls")
    talk.kernel.flows = [flow("eth0", port=30000)]
    talk.silence(wan="fibre")
    talk.pass_time(10)
    assert talk.kernel.flows == []


def test_with_both_wans_dead_nothing_in_the_kernel_is_changed():
    talk = steering()
    plans = len(talk.kernel.plans)
    talk.silence()
    talk.pass_time(120)
    assert len(talk.kernel.plans) == plans


def test_with_both_carriers_lost_nothing_in_the_kernel_is_changed_either():
    talk = steering()
    began = talk.now
    for interface in ("wwan0", "eth0"):
        talk.tell(GatewayChanged(interface, None, None))
        talk.tell(LinkChanged(interface, True, False, ()))
    talk.pass_time(120)
    assert commanded(talk, ApplyPlan, began) == []


def test_a_way_that_comes_back_is_put_back_because_the_kernel_dropped_it():
    talk = steering()
    talk.tell(GatewayChanged("wwan0", None, None))
    talk.tell(LinkChanged("wwan0", True, False, ()))
    began = talk.now
    talk.tell(LinkChanged("wwan0", True, True, (OWN["wwan0"],)))
    talk.tell(GatewayChanged("wwan0", GATEWAY["wwan0"], None))
    assert [command.plan.tables for command in commanded(talk, ApplyPlan, began)] == [BOTH_TABLES]


def test_a_refused_plan_is_a_finding_and_is_tried_again():
    talk = steering()
    talk.kernel.refuses = "not permitted: needs CAP_NET_ADMIN"
    talk.silence(wan="fibre")
    talk.pass_time(10)
    assert "steering-refused primary over lte" in talk.findings()
    talk.kernel.refuses = ""
    talk.pass_time(40)
    assert routes(talk) == {"wwan0"}
    assert "steering-refused primary over lte" not in talk.findings()


def test_an_answer_to_an_older_plan_is_nothing():
    talk = steering()
    talk.tell(PlanRefused(0, 1, "long ago"))
    assert talk.agent.situation.steering.refused == ""


def test_without_conntrack_the_routes_are_moved_all_the_same():
    talk = steering()
    talk.tell(FlowsUnavailable(1, "not permitted"))
    talk.silence(wan="fibre")
    talk.pass_time(10)
    assert routes(talk) == {"wwan0"}
    assert "flows-unseen" in talk.findings()


def test_going_back_to_observing_takes_everything_back():
    talk = steering()
    talk.tell(SiteChanged(site()))
    talk.pass_time(1)
    assert talk.kernel.plan == EMPTY_PLAN


def test_going_back_to_observing_frees_the_flows_that_leave_elsewhere_now_once_the_routes_are_back():
    talk = steering(prefer="new-calls", failback_after=10_000)
    talk.silence(wan="fibre")
    talk.pass_until(lambda: talk.active == "primary over lte")
    talk.pass_time(20)
    steered, own, pooled = flow("wwan0"), flow("wwan0", source=OWN["wwan0"]), flow("wwan0", nat_source="192.0.2.200")
    talk.kernel.flows = [steered, own, pooled]
    began = talk.now
    talk.tell(SiteChanged(site()))
    talk.pass_time(1)
    done = [c for at, c in talk.done if at >= began and isinstance(c, ApplyPlan | ListFlows | DeleteFlows)]
    assert [type(command) for command in done] == [ApplyPlan, ListFlows, DeleteFlows]
    assert done[1] == ListFlows(tuple(ADDRESS[sbc].host for sbc in ("primary", "alternate")))
    assert done[2] == DeleteFlows((steered,), unless_through="wwan0")
    assert talk.kernel.flows == [own, pooled]


def test_going_back_to_observing_leaves_the_flows_that_stay_where_they_are():
    talk = steering().pass_time(5)
    talk.kernel.flows = [flow("eth0")]
    talk.tell(SiteChanged(site()))
    talk.pass_time(1)
    assert talk.kernel.flows == [flow("eth0")]


def test_going_back_to_observing_lets_go_of_a_pinned_call_only_where_it_leaves_elsewhere_now():
    talk = steering(failback_after=10_000)
    call = flow("eth0", port=30000)
    talk.kernel.flows = [call]
    talk.silence(wan="fibre", sbc="primary")
    talk.pass_until(lambda: talk.kernel.plan.pins != ())
    talk.tell(SiteChanged(site()))
    talk.pass_time(1)
    assert commanded(talk, DeleteFlows)[-1] == DeleteFlows((call,), unless_through="eth0")
    assert talk.kernel.flows == [call]


@pytest.mark.parametrize("later", ["steered again", "flows cannot be seen", "the plan is refused"])
def test_what_comes_between_going_back_and_the_freed_flows_ends_well(later):
    talk = steering().pass_time(5)
    talk.kernel.refuses = "not permitted" if later == "the plan is refused" else ""
    talk.tell(SiteChanged(site()))
    if later == "steered again":
        talk.tell(SiteChanged(site(mode="steer")))
    elif later == "flows cannot be seen":
        talk.tell(FlowsUnavailable(1, "not permitted"))
    talk.pass_time(5)
    talk.kernel.refuses = ""
    talk.pass_time(40)
    assert talk.agent.situation.steering.phase == "resting"
    assert routes(talk) == ({"eth0"} if later == "steered again" else set())


def test_going_back_to_observing_before_anything_was_steered_takes_the_tables_back_as_well():
    talk = Talk(site(mode="steer"))
    talk.tell(GatewayChanged("eth0", GATEWAY["eth0"], None))
    talk.pass_time(0.1)
    assert talk.kernel.plan.tables == BOTH_TABLES[:1]
    talk.tell(SiteChanged(site()))
    talk.pass_time(0.1)
    assert talk.kernel.plan == EMPTY_PLAN


def test_the_media_of_an_sbc_is_steered_with_it():
    primary, alternate = site().sbcs
    of = dataclasses.replace(
        site(mode="steer"), sbcs=(dataclasses.replace(primary, media=("198.51.100.128/25",)), alternate)
    )
    talk = Talk(of).begin()
    assert HostRoute("198.51.100.128/25", "eth0") in talk.kernel.plan.routes


def test_a_wan_that_flaps_for_a_minute_costs_one_switch():
    talk = steering()
    for _ in range(10):
        talk.tell(LinkChanged("eth0", True, False, ()))
        talk.pass_time(3)
        talk.tell(LinkChanged("eth0", True, True, (OWN["eth0"],)))
        talk.pass_time(3)
    assert talk.switches() == ["primary over fibre", "primary over lte"]
    assert "wan-flapping fibre" in talk.findings()
    assert talk.report.wans[0].suppressed_s > 300
    talk.pass_time(300)
    assert talk.active == "primary over lte"


def test_a_suppressed_wan_is_still_taken_when_it_is_the_only_one():
    talk = steering()
    for _ in range(4):
        talk.tell(LinkChanged("eth0", True, False, ()))
        talk.pass_time(3)
        talk.tell(LinkChanged("eth0", True, True, (OWN["eth0"],)))
        talk.pass_time(3)
    assert talk.wan("fibre") == "suppressed"
    talk.silence(wan="lte")
    talk.pass_time(10)
    assert talk.active == "primary over fibre"


def test_a_switch_that_does_not_help_is_taken_back_once():
    talk = steering()
    talk.silence(wan="fibre")
    talk.pass_until(lambda: talk.active == "primary over lte")
    talk.silence()
    talk.pass_time(60)
    assert talk.switches()[-2:] == ["primary over lte", "primary over fibre"]
    assert "switch-taken-back primary over lte" in talk.agent.situation.findings
    assert routes(talk) == {"eth0"}


@pytest.mark.parametrize("prefer", ["connected-calls", "new-calls"])
def test_it_is_at_rest_again_after_every_move(prefer):
    talk = steering(prefer=prefer)
    talk.silence(wan="fibre")
    talk.pass_time(20)
    assert talk.report.steering.phase == "resting"


def test_a_new_lease_on_the_active_wan_frees_the_flows_of_the_old_address():
    talk = steering().pass_time(5)
    talk.kernel.flows = [flow("eth0")]
    talk.tell(LinkChanged("eth0", True, True, ("198.51.100.77",)))
    talk.pass_time(3)
    assert talk.kernel.flows == []
    assert talk.report.steering.moves == 1


def test_an_address_that_was_never_a_wans_is_somebodys_choice_and_is_left_alone():
    talk = steering(prefer="new-calls")
    pooled = flow("eth0", nat_source="192.0.2.200")
    talk.kernel.flows = [pooled]
    talk.silence(wan="fibre")
    talk.pass_time(20)
    assert talk.kernel.flows == [pooled]
    assert "stale-binding lte" not in talk.findings()


def test_where_the_kernel_does_not_count_a_call_on_a_dead_wan_is_let_go():
    talk = steering()
    talk.kernel.flows = [flow("eth0", port=30000, packets_out=None, packets_in=None)]
    talk.silence(wan="fibre")
    talk.pass_time(20)
    assert talk.kernel.flows == []
    assert talk.kernel.plan.pins == ()


def test_what_others_removed_is_put_back_also_while_another_wan_is_dead():
    talk = steering()
    talk.tell(GatewayChanged("wwan0", None, None))
    talk.tell(LinkChanged("wwan0", True, False, ()))
    began = talk.now
    talk.pass_time(70)
    plans = [command.plan for command in commanded(talk, ApplyPlan, began)]
    assert plans
    assert {table.interface for table in plans[-1].tables} == {"eth0"}
