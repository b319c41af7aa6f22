"""Plans become routes and rules, and the way from one state to another never leaves packets without a way."""

from __future__ import annotations

import errno
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.kernel import EMPTY_PLAN, FlowPin, HostRoute, KernelPlan, Protocol, WanTable
from tonekeeper.edge.steering import (
    STEERING_TABLE,
    TABLES,
    Route,
    Rule,
    changes_between,
    entries_of,
)
from tonekeeper.errors import EdgeError

SBC, SBC_V6 = "203.0.113.10", "2001:db8:5bc::10"
FIBRE = WanTable("eth0", "192.0.2.1", None)
LTE = WanTable("wwan0", "", "fe80::1")


def route(destination: str, gateway: str, interface: str, table: int = STEERING_TABLE) -> Route:
    return Route(table, ipaddress.ip_network(destination), gateway, interface)


def test_the_empty_plan_is_nothing():
    assert entries_of(EMPTY_PLAN) == ()


def test_a_wan_has_a_default_route_in_its_own_table_and_rules_for_what_is_bound_to_it():
    assert entries_of(KernelPlan((FIBRE,))) == (
        route("0.0.0.0/0", "192.0.2.1", "eth0", 7061),
        Rule(4, 7050, 254, outgoing="eth0", without_default=True),
        Rule(4, 7051, 7061, outgoing="eth0"),
    )


def test_tables_are_numbered_in_the_order_of_the_plan():
    entries = entries_of(KernelPlan((FIBRE, LTE)))
    assert {(entry.interface, entry.table) for entry in entries if isinstance(entry, Route)} == {
        ("eth0", 7061),
        ("wwan0", 7062),
    }


def test_a_wan_keeps_its_table_when_another_comes_or_goes():
    both = entries_of(KernelPlan((FIBRE, LTE)))
    left = entries_of(KernelPlan((LTE,)), held=both)
    assert set(left) < set(both)
    dsl = WanTable("ppp0", "", None)
    again = entries_of(KernelPlan((dsl, FIBRE, LTE)), held=left)
    assert {entry.interface: entry.table for entry in again if isinstance(entry, Route)} == {
        "ppp0": 7061,
        "wwan0": 7062,
        "eth0": 7063,
    }


def test_a_wan_whose_routes_went_with_its_link_is_known_by_its_rules():
    rules = [entry for entry in entries_of(KernelPlan((FIBRE, LTE))) if isinstance(entry, Rule)]
    assert all(entry.table in (254, 7062) for entry in entries_of(KernelPlan((LTE,)), held=rules))


def test_a_family_without_a_gateway_has_neither_route_nor_rule():
    versions = [entry.version for entry in entries_of(KernelPlan((FIBRE, LTE))) if isinstance(entry, Rule)]
    assert versions == [4, 4, 4, 4, 6, 6]


def test_host_routes_share_one_rule_for_each_family():
    plan = KernelPlan(
        (FIBRE, LTE), (HostRoute(SBC, "wwan0"), HostRoute("198.51.100.0/28", "eth0"), HostRoute(SBC_V6, "wwan0"))
    )
    entries = entries_of(plan)
    assert [entry for entry in entries if entry.table == STEERING_TABLE] == [
        route(SBC, "", "wwan0"),
        route("198.51.100.0/28", "192.0.2.1", "eth0"),
        route(SBC_V6, "fe80::1", "wwan0"),
        Rule(4, 7070, STEERING_TABLE),
        Rule(6, 7070, STEERING_TABLE),
    ]


def test_a_pinned_call_comes_before_steering_and_addresses_are_written_in_one_way():
    pin = FlowPin(Protocol.UDP, "2001:DB8:0::7", 11780, "2001:db8:5bc:0::10", 30000, "wwan0")
    plan = KernelPlan((LTE,), (HostRoute(SBC_V6, "wwan0"),), (pin,))
    pinned, steered = (entry for entry in entries_of(plan) if isinstance(entry, Rule) and not entry.outgoing)
    assert pinned == Rule(6, 7060, 7061, pin=FlowPin(Protocol.UDP, "2001:db8::7", 11780, SBC_V6, 30000, ""))
    assert pinned.priority < steered.priority


@pytest.mark.parametrize(
    ("plan", "number", "words"),
    [
        (KernelPlan((FIBRE,), (HostRoute(SBC_V6, "eth0"),)), errno.ENETUNREACH, "no IPv6 gateway is known"),
        (KernelPlan((FIBRE,), (HostRoute(SBC, "eth7"),)), errno.ENODEV, "'eth7'"),
    ],
    ids=["no gateway", "no table"],
)
def test_a_plan_without_a_way_says_what_is_missing(plan, number, words):
    with pytest.raises(EdgeError, match=words) as caught:
        entries_of(plan)
    assert caught.value.errno == number


def test_a_route_that_moves_is_replaced_not_removed():
    before, after = route(SBC, "192.0.2.1", "eth0"), route(SBC, "", "wwan0")
    changes = changes_between([before], [after])
    assert (changes.put, changes.remove) == ((after,), ())


def test_rules_go_before_the_routes_they_lead_to():
    entries = entries_of(KernelPlan((FIBRE,), (HostRoute(SBC, "eth0"),)))
    removed = changes_between(entries, ()).remove
    kinds = [type(entry) for entry in removed]
    assert kinds == sorted(kinds, key=lambda kind: kind is Route)
    assert set(removed) == set(entries)


destinations = st.sampled_from(["203.0.113.10", "203.0.113.11", "198.51.100.0/28", "2001:db8:5bc::10"])
interfaces = st.sampled_from(["eth0", "wwan0", "eth1"])
gateways_v4, gateways_v6 = st.sampled_from(["", "192.0.2.1", "192.0.2.5"]), st.sampled_from(["", "fe80::1"])
pins = st.builds(
    FlowPin,
    st.sampled_from(Protocol),
    st.sampled_from(["10.0.0.7", "10.0.0.8"]),
    st.integers(11780, 11782),
    st.just(SBC),
    st.integers(30000, 30001),
    interfaces,
)


@st.composite
def plans(draw) -> KernelPlan:
    names = draw(st.permutations(["eth0", "wwan0", "eth1"]))
    tables = tuple(WanTable(name, draw(gateways_v4), draw(gateways_v6)) for name in names)
    routes = draw(st.lists(st.builds(HostRoute, destinations, interfaces), unique_by=lambda one: one.destination))
    return KernelPlan(tables, tuple(routes), tuple(draw(st.lists(pins, max_size=4))))


@given(plans(), plans())
def test_the_changes_lead_from_any_plan_to_any_other(before, after):
    held = dict.fromkeys(entries_of(before))
    wanted = entries_of(after, held)
    changes = changes_between(held, wanted)
    for entry in changes.put:
        if isinstance(entry, Route):
            held = {one: None for one in held if not (isinstance(one, Route) and one.place == entry.place)}
        held[entry] = None
    for entry in changes.remove:
        del held[entry]
    assert set(held) == set(wanted)
    assert len(changes_between(held, entries_of(after, held))) == 0


@given(plans())
def test_everything_ours_is_in_our_tables_or_leads_from_our_priorities(plan):
    for entry in entries_of(plan):
        if isinstance(entry, Route):
            assert entry.table in TABLES
        else:
            assert 7050 <= entry.priority < 7100
            assert entry.table in TABLES or entry.without_default
