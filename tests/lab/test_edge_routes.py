"""Plans in a real kernel: one namespace with two WANs, each with a gateway at its far end.

  agent                             far
+--------+ wan0              wan0 +--------+
|     .2 +---- 192.0.2.0/30 ------+ .1     |
|    ::2 |     2001:db8:a::/64    | ::1    |
|        | wan1              wan1 |        |
|     .6 +---- 192.0.2.4/30 ------+ .5     |
|    ::2 |     2001:db8:b::/64    | ::1    |
+--------+                        +--------+
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from tests.lab.edge_namespaces import namespaces
from tests.lab.namespace import Namespace, until
from tonekeeper.core.commands import ApplyPlan
from tonekeeper.core.events import PlanApplied, PlanRefused
from tonekeeper.core.kernel import EMPTY_PLAN, FlowPin, HostRoute, KernelPlan, Protocol, WanTable
from tonekeeper.edge.capabilities import missing_for_flows, missing_for_steering
from tonekeeper.edge.routes import SteeringRoutes

pytestmark = pytest.mark.lab

SBC, SBC_V6 = "203.0.113.10", "2001:db8:5bc::10"
WAN0 = WanTable("wan0", "192.0.2.1", "2001:db8:a::1")
WAN1 = WanTable("wan1", "192.0.2.5", "2001:db8:b::1")
OVER_WAN0 = KernelPlan((WAN0, WAN1), (HostRoute(SBC, "wan0"), HostRoute(SBC_V6, "wan0")))
OVER_WAN1 = KernelPlan((WAN0, WAN1), (HostRoute(SBC, "wan1"), HostRoute(SBC_V6, "wan1")))
CALL = FlowPin(Protocol.UDP, "10.0.0.7", 11780, SBC, 30000, "wan0")
CALL_V6 = FlowPin(Protocol.UDP, "2001:db8:1a::7", 11780, SBC_V6, 30000, "wan0")

UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


@pytest.fixture
def agent():
    with namespaces("agent", "far") as made:
        near, far = made["agent"], made["far"]
        for namespace in (near, far):
            namespace.set_sysctls({"net.ipv6.conf.all.accept_dad": "0", "net.ipv6.conf.default.accept_dad": "0"})
        ip(near, *(f"link add {wan} type veth peer name {wan} netns {far.name}" for wan in ("wan0", "wan1")))
        ip(far, *addressed("wan0", "192.0.2.1/30", "2001:db8:a::1/64"))
        ip(far, *addressed("wan1", "192.0.2.5/30", "2001:db8:b::1/64"))
        ip(near, "link set lo up")
        ip(near, *addressed("wan0", "192.0.2.2/30", "2001:db8:a::2/64"))
        ip(near, *addressed("wan1", "192.0.2.6/30", "2001:db8:b::2/64"))
        ip(near, "route add default via 192.0.2.1", "route add default via 2001:db8:a::1")
        yield near


def addressed(wan: str, *addresses: str) -> list[str]:
    return [f"link set {wan} up", *(f"address add {address} dev {wan}" for address in addresses)]


def ip(namespace: Namespace, *lines: str) -> None:
    namespace.run("ip", "-batch", "-", stdin="\n".join(lines))


def kernel(agent: Namespace) -> str:
    """Everything that stands in it, ours and others', as `ip` shows it."""
    asked = ("route show table all", "-6 route show table all", "rule show", "-6 rule show")
    return "\n".join(agent.run("ip", *line.split()) for line in asked)


def apply(agent: Namespace, plan: KernelPlan, number: int = 1) -> PlanApplied | PlanRefused:
    answers: list[PlanApplied | PlanRefused] = []
    agent.inside(lambda: SteeringRoutes(answers.append).execute(ApplyPlan(number, plan)))
    (answer,) = answers
    return answer


def has_opened_netlink(pid: int) -> bool:
    table = Path(f"/proc/{pid}/net/netlink").read_text().splitlines()[1:]
    return any(groups != "00000000" for _, _, _, groups, *_ in (row.split() for row in table))


def way(agent: Namespace, destination: str, *how: str) -> str:
    """The interface that the kernel sends a packet through."""
    words = agent.run("ip", "route", "get", destination, *how).split()
    return words[words.index("dev") + 1]


def test_host_routes_steer_the_sbcs_and_nothing_else(agent):
    assert apply(agent, OVER_WAN1) == PlanApplied(1, changes=16)
    assert [way(agent, sbc) for sbc in (SBC, SBC_V6)] == ["wan1", "wan1"]
    assert [way(agent, other) for other in ("203.0.113.11", "2001:db8:5bc::11")] == ["wan0", "wan0"]


def test_undoing_leaves_routes_and_rules_as_they_were(agent):
    ip(agent, "rule add from 10.0.0.0/8 lookup 100 priority 7055", "route add default via 192.0.2.5 table 100")
    before = kernel(agent)
    apply(agent, KernelPlan(OVER_WAN1.tables, OVER_WAN1.routes, (CALL, CALL_V6)))
    assert kernel(agent) != before
    assert apply(agent, EMPTY_PLAN, number=2) == PlanApplied(2, changes=18)
    assert kernel(agent) == before
    assert apply(agent, EMPTY_PLAN, number=3) == PlanApplied(3, changes=0)


def test_a_switch_replaces_the_host_routes_without_a_moment_in_between(agent):
    apply(agent, OVER_WAN0)
    monitor = agent.popen("ip", "-ts", "monitor", "route", "rule", log="monitor")
    try:
        until(lambda: has_opened_netlink(monitor.pid), within=5, what="the monitor to listen")
        assert apply(agent, OVER_WAN1, number=2) == PlanApplied(2, changes=2)
        ip(agent, "route add blackhole 198.51.100.255")
        until(lambda: "198.51.100.255" in monitor.output, within=5, what="the monitor to come to the end")
    finally:
        monitor.kill()
    assert [way(agent, sbc) for sbc in (SBC, SBC_V6)] == ["wan1", "wan1"]
    assert "Deleted" not in monitor.output


def test_what_stands_already_is_not_touched(agent):
    apply(agent, OVER_WAN1)
    assert apply(agent, OVER_WAN1, number=2) == PlanApplied(2, changes=0)


def test_a_bound_socket_leaves_through_its_wan_but_reaches_neighbours_directly(agent):
    ip(agent, "route add 198.51.100.0/24 via 192.0.2.9 dev wan1 onlink")
    apply(agent, OVER_WAN0)
    bound = {
        to: agent.run("ip", "route", "get", to, "oif", "wan1") for to in (SBC, SBC_V6, "192.0.2.5", "198.51.100.1")
    }
    assert "via 192.0.2.5 dev wan1 table 7062" in bound[SBC]
    assert "via 2001:db8:b::1 dev wan1" in bound[SBC_V6]
    assert "via" not in bound["192.0.2.5"]
    assert "via 192.0.2.9 dev wan1" in bound["198.51.100.1"]


def test_a_pinned_call_stays_while_everything_else_to_the_sbc_moves(agent):
    agent.set_sysctls({"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"})
    ip(agent, "link add lan type bridge", *addressed("lan", "10.0.0.1/24", "2001:db8:1a::1/64"))
    apply(agent, KernelPlan(OVER_WAN1.tables, OVER_WAN1.routes, (CALL, CALL_V6)))
    for call in (CALL, CALL_V6):
        phone = ("from", call.source, "iif", "lan", "ipproto", "udp")
        ports = ("sport", str(call.source_port), "dport", str(call.destination_port))
        assert way(agent, call.destination, *phone, *ports) == "wan0"
        assert way(agent, call.destination, *phone, "sport", "5060", "dport", "5060") == "wan1"
    apply(agent, OVER_WAN1)
    assert (
        way(agent, SBC, "from", "10.0.0.7", "iif", "lan", "ipproto", "udp", "sport", "11780", "dport", "30000")
        == "wan1"
    )


def test_a_point_to_point_link_needs_no_gateway(agent):
    plan = KernelPlan((WanTable("wan1", "", ""),), (HostRoute("203.0.113.0/28", "wan1"), HostRoute(SBC_V6, "wan1")))
    assert apply(agent, plan) == PlanApplied(1, changes=10)
    assert [way(agent, sbc) for sbc in (SBC, SBC_V6)] == ["wan1", "wan1"]
    assert apply(agent, plan, number=2) == PlanApplied(2, changes=0)


def test_what_a_dead_predecessor_left_is_reconciled(agent):
    before = kernel(agent)
    ip(
        agent,
        f"route add {SBC} via 192.0.2.1 table 7060 proto 106 metric 7060",
        "route add 203.0.113.99 dev wan0 table 7060 proto 106",
        "route add default dev lo table 7069 proto 106 metric 5",
        "route add 2001:db8:99::/64 via 2001:db8:a::1 table 7060 proto 106",
        "rule add lookup 7060 priority 7070 protocol 106",
        "rule add fwmark 0x9 lookup 7060 priority 7070 protocol 106",
        "rule add from 10.0.0.0/8 lookup 7060 priority 7070 protocol 106",
        "rule add not to 10.0.0.0/8 lookup 7060 priority 7070 protocol 106",
        "rule add fwmark 0x9 from 10.0.0.0/8 iif wan0 lookup 7069 priority 9 protocol 106",
    )
    agent.run("ip", "-6", "-batch", "-", stdin="rule add oif wan9 lookup 7065 priority 7051 protocol 106")
    left_over = kernel(agent)
    apply(agent, OVER_WAN1)
    shown = kernel(agent)
    assert left_over != before
    assert all(word not in shown for word in ("203.0.113.99", "7069", "2001:db8:99", "wan9", "fwmark", "10.0.0.0/8"))
    assert way(agent, SBC) == "wan1"
    apply(agent, EMPTY_PLAN)
    assert kernel(agent) == before


def test_what_belongs_to_others_stays_even_in_our_tables_and_priorities(agent):
    ip(
        agent,
        "route add 203.0.113.99 dev wan0 table 7060 proto static",
        "route add default via 192.0.2.1 table 7062 metric 9",
        f"route add {SBC} dev wan0 metric 50",
        "rule add to 203.0.113.99 lookup 7060 priority 7070",
        "rule add lookup 7060 priority 7071 protocol static",
    )
    before = kernel(agent)
    apply(agent, OVER_WAN1)
    assert [line for line in before.splitlines() if line not in kernel(agent).splitlines()] == []
    apply(agent, EMPTY_PLAN)
    assert kernel(agent) == before


def test_routes_that_the_kernel_took_away_with_the_link_come_back_with_the_next_plan(agent):
    apply(agent, OVER_WAN1)
    ip(agent, "link set wan1 down")
    assert way(agent, SBC) == "wan0"
    ip(agent, "link set wan1 up", "address add 2001:db8:b::2/64 dev wan1")
    assert isinstance(apply(agent, OVER_WAN1, number=2), PlanApplied)
    assert [way(agent, sbc) for sbc in (SBC, SBC_V6)] == ["wan1", "wan1"]


def test_an_interface_that_came_back_under_another_index_is_routed_through_again(agent):
    apply(agent, OVER_WAN1)
    ip(agent, "link set wan1 down", "address flush dev wan1", "link set wan1 name old", "link add wan1 type bridge")
    ip(agent, *addressed("wan1", "192.0.2.6/30", "2001:db8:b::2/64"))
    assert isinstance(apply(agent, OVER_WAN1, number=2), PlanApplied)
    assert [way(agent, sbc) for sbc in (SBC, SBC_V6)] == ["wan1", "wan1"]


@pytest.mark.parametrize(
    ("plan", "number", "words"),
    [
        (KernelPlan((WanTable("wan9", "192.0.2.9", None),)), errno.ENODEV, "the interface has gone"),
        (KernelPlan((WanTable("wan1", "192.0.2.6", None),)), errno.EINVAL, "invalid gateway"),
        (
            KernelPlan((WAN0, WanTable("wan1", None, None)), (HostRoute(SBC, "wan1"),)),
            errno.ENETUNREACH,
            "no IPv4 gateway",
        ),
        (KernelPlan((WAN0,), (HostRoute(SBC, "lte"),)), errno.ENODEV, "no table for it"),
    ],
    ids=["interface gone", "gateway is ourselves", "gateway unknown", "table missing"],
)
def test_a_plan_that_the_kernel_refuses_leaves_all_as_it_was(agent, plan, number, words):
    apply(agent, OVER_WAN0)
    before = kernel(agent)
    refused = apply(agent, KernelPlan((WAN1, *plan.tables), plan.routes), number=2)
    assert isinstance(refused, PlanRefused)
    assert (refused.number, refused.errno) == (2, number)
    assert words in refused.reason
    assert kernel(agent) == before


def test_a_rule_in_the_way_is_noticed_and_the_plan_taken_back(agent):
    ip(agent, "rule add lookup main priority 100")
    before = kernel(agent)
    refused = apply(agent, OVER_WAN1)
    assert isinstance(refused, PlanRefused)
    assert "it leaves through 'wan0', not 'wan1'" in refused.reason
    assert kernel(agent) == before


def test_without_the_capability_the_kernel_is_read_but_not_changed(agent):
    script = (
        "from tonekeeper.core.commands import ApplyPlan\n"
        "from tonekeeper.core.kernel import EMPTY_PLAN, KernelPlan, WanTable\n"
        "from tonekeeper.edge.routes import SteeringRoutes\n"
        "routes = SteeringRoutes(lambda event: print(event))\n"
        "routes.execute(ApplyPlan(1, EMPTY_PLAN))\n"
        "routes.execute(ApplyPlan(2, KernelPlan((WanTable('wan1', '192.0.2.5', None),))))\n"
    )
    before = kernel(agent)
    applied, refused = agent.run(*UNPRIVILEGED, sys.executable, "-c", script).splitlines()
    assert applied == "PlanApplied(number=1, changes=0)"
    assert refused.startswith("PlanRefused(number=2, errno=1, ")
    assert "give the agent CAP_NET_ADMIN" in refused
    assert kernel(agent) == before


def test_what_steering_lacks_is_named(agent):
    assert agent.inside(missing_for_steering) == ()
    assert agent.inside(missing_for_flows) == ()
    script = (
        "from tonekeeper.edge.capabilities import missing_for_flows, missing_for_steering\n"
        "print(*missing_for_steering(), *missing_for_flows(), sep='\\n')\n"
    )
    steering, flows = agent.run(*UNPRIVILEGED, sys.executable, "-c", script).splitlines()
    assert steering.startswith("CAP_NET_ADMIN is missing: steering changes routes")
    assert flows.startswith("CAP_NET_ADMIN is missing")
