"""Where real packets to the SBCs stop, and whose doing that is, seen from a router with two WANs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.examining import (
    CORE_ROUTER,
    FIBRE_ROUTER,
    TCP,
    TLS,
    UDP,
    examine,
    examine_inside,
    rules,
    seen,
    talkative_routers,
)
from tonekeeper.core.egress.judgement import Cause
from tonekeeper.core.egress.result import Fact, Outcome
from tonekeeper.core.firewall.flows import Places
from tonekeeper.core.report import Severity
from tonekeeper.core.site import Sbc, Site, Target, Wan
from tonekeeper.wire.endpoint import Endpoint

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("talkative")]

EVERYTHING = (UDP, TCP, TLS)
QUICK = 5.0
"""Seconds in which a site that is well is examined, many times over."""


@pytest.fixture
def talkative(lab) -> Iterator[None]:
    with talkative_routers(lab):
        yield


def codes(result) -> list[tuple[str, str]]:
    return [(one.code, one.subject) for one in result.observations]


def test_all_is_well_over_every_transport_and_nothing_is_said(lab):
    result = examine(lab, *EVERYTHING)
    assert {one.cause for one in result.judged} == {Cause.FINE}
    assert {one.trial.mtu.largest for one in result.judged if one.trial.mtu is not None} == {1500}
    assert {one.trial.stream for one in result.judged if one.trial.path.transport is TCP} == {Fact.YES}
    assert codes(result) == []
    assert result.elapsed_s < QUICK


def test_what_is_lost_now_and_then_is_no_block_and_no_limit(lab):
    fibre = lab.provider("fibre").namespace
    with rules(fibre, "prerouting", "numgen random mod 100 < 5 drop"):
        for _ in range(8):
            result = examine(lab, UDP, TCP)
            assert {one.cause for one in result.judged} == {Cause.FINE}
            assert codes(result) == []


@pytest.mark.parametrize(
    ("hook", "last_hop"),
    [("prerouting", FIBRE_ROUTER), ("forward", CORE_ROUTER)],
    ids=["before it is routed", "after it is routed"],
)
def test_a_silent_block_upstream_is_found_behind_the_last_router_that_answers(lab, hook, last_hop):
    sbc = lab.sbc("alternate")
    with rules(lab.core, hook, f"iifname fibre ip daddr {sbc.address} drop"):
        result = examine(lab, UDP, TCP)
    for transport in (UDP, TCP):
        one = seen(result, "fibre", "alternate", transport)
        assert (one.trial.outcome, one.trial.last_hop, one.cause) == (
            Outcome.SILENT,
            last_hop,
            Cause.UPSTREAM_FILTER,
        )
        assert seen(result, "lte", "alternate", transport).cause is Cause.FINE
    assert codes(result) == [("upstream-blocks", "alternate over fibre")]
    (found,) = result.observations
    assert found.severity is Severity.WARNING
    assert "alternate udp over lte" in found.evidence["passes"]
    assert found.evidence["last_hop"] == last_hop


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("admin-prohibited", Outcome.PROHIBITED),
        ("host-prohibited", Outcome.PROHIBITED),
        ("net-prohibited", Outcome.PROHIBITED),
        ("port-unreachable", Outcome.PORT_UNREACHABLE),
    ],
)
def test_a_rule_upstream_that_rejects_is_named_by_its_router(lab, reason, outcome):
    sbc = lab.sbc("alternate")
    reject = f"iifname access ip daddr {sbc.address} reject with icmp type {reason}"
    with rules(lab.provider("fibre").namespace, "forward", reject):
        result = examine(lab, UDP, TCP)
    for transport in (UDP, TCP):
        one = seen(result, "fibre", "alternate", transport)
        assert (one.trial.outcome, one.trial.hop, one.cause) == (outcome, FIBRE_ROUTER, Cause.UPSTREAM_FILTER)
    assert codes(result) == [("upstream-blocks", "alternate over fibre")]


def test_a_router_that_knows_no_way_is_told_apart_from_a_filter(lab):
    sbc, fibre = lab.sbc("alternate"), lab.provider("fibre").namespace
    fibre.run("ip", "route", "add", "unreachable", f"{sbc.address}/32")
    try:
        one = seen(examine(lab), "fibre", "alternate")
    finally:
        fibre.run("ip", "route", "delete", "unreachable", f"{sbc.address}/32")
    assert (one.trial.outcome, one.trial.hop, one.cause) == (Outcome.UNREACHABLE, FIBRE_ROUTER, Cause.NO_ROUTE)


def test_a_reset_in_the_sbc_s_name_is_noticed_by_the_other_wan(lab):
    sbc = lab.sbc("alternate")
    forge = f"iifname access ip daddr {sbc.address} meta l4proto tcp reject with tcp reset"
    with rules(lab.provider("fibre").namespace, "forward", forge):
        one = seen(examine(lab, TCP), "fibre", "alternate", TCP)
    assert (one.trial.outcome, one.cause) == (Outcome.RESET, Cause.UPSTREAM_FILTER)


def test_a_rule_of_this_host_is_known_by_what_the_kernel_says(lab):
    sbc = lab.sbc("alternate")
    with rules(lab.cpe.namespace, "output", f"ip daddr {sbc.address} udp dport 5060 drop", priority=0):
        result = examine(lab)
    for wan in ("fibre", "lte"):
        one = seen(result, wan, "alternate")
        assert (one.trial.outcome, one.cause) == (Outcome.FORBIDDEN_HERE, Cause.LOCAL_RULE)
        assert "EPERM" in one.why
    assert codes(result) == [("firewall-blocks-sip", "alternate")]


def test_a_rule_of_this_host_that_rejects_is_its_own_as_well(lab):
    sbc = lab.sbc("alternate")
    with rules(lab.cpe.namespace, "output", f"ip daddr {sbc.address} reject", priority=0):
        result = examine(lab, UDP, TCP)
    for transport in (UDP, TCP):
        assert seen(result, "fibre", "alternate", transport).cause is Cause.LOCAL_RULE


def test_an_sbc_whose_process_has_ended_is_down_and_egress_works(lab):
    lab.sbc("alternate").stop()
    result = examine(lab, *EVERYTHING)
    for wan in ("fibre", "lte"):
        assert seen(result, wan, "alternate", UDP).trial.outcome is Outcome.PORT_UNREACHABLE
        assert seen(result, wan, "alternate", TCP).trial.outcome is Outcome.RESET
        assert {seen(result, wan, "alternate", kind).cause for kind in EVERYTHING} == {Cause.SBC_DOWN}
    assert codes(result) == []


def test_an_sbc_that_is_silent_on_every_wan_is_down_and_nobody_upstream_is_blamed(lab):
    with lab.silence(lab.sbc("alternate")):
        result = examine(lab)
    assert {seen(result, wan, "alternate").cause for wan in ("fibre", "lte")} == {Cause.SBC_DOWN}
    assert codes(result) == []


def test_an_sbc_that_hangs_is_down_although_its_kernel_accepts_connections(lab):
    lab.sbc("alternate").freeze()
    one = seen(examine(lab, UDP, TCP), "fibre", "alternate")
    assert (one.trial.outcome, one.cause) == (Outcome.SILENT, Cause.SBC_DOWN)
    assert "tcp of it answers" in one.why


def test_a_wan_on_which_nobody_is_heard_is_down_itself(lab):
    with lab.provider("fibre").silence(), rules(lab.provider("fibre").namespace, "prerouting", "iifname access drop"):
        result = examine(lab, sbcs=("primary",))
    assert seen(result, "fibre", "primary").cause is Cause.WAN_DOWN
    assert codes(result) == []


def test_a_wan_without_a_route_is_known_before_anybody_is_silent(lab):
    cpe = lab.cpe.namespace
    cpe.run("ip", "route", "delete", "default", "dev", "wwan0")
    try:
        result = examine(lab, UDP, TCP)
    finally:
        cpe.run("ip", "route", "add", "default", "via", "198.51.100.129", "dev", "wwan0", "metric", "200")
    for transport in (UDP, TCP):
        one = seen(result, "lte", "primary", transport)
        assert (one.trial.outcome, one.cause) == (Outcome.NO_ROUTE, Cause.NO_ROUTE)
    assert seen(result, "fibre", "primary").cause is Cause.FINE
    assert codes(result) == []
    assert result.elapsed_s < QUICK


def test_an_interface_that_is_not_there_is_no_route_either(lab):
    site = Site("lab", (Wan("dsl", "ppp7"),), (Sbc("primary", "", "203.0.113.2"),))
    places = Places({"primary": [Target(kind, Endpoint("203.0.113.2", 5060)) for kind in (UDP, TCP)]}, {})
    result = examine_inside(lab.cpe.namespace, site, places)
    assert {one.cause for one in result.judged} == {Cause.NO_ROUTE}
    assert all("ppp7" in one.why for one in result.judged)


def test_a_gateway_that_keeps_sip_back_is_seen_by_what_it_does_not_recognise(lab):
    """It takes for SIP what has a space where Via has its sent-by; a tab is as legal, and passes."""
    sbc = lab.sbc("primary")
    before = len("UDP head" + f"OPTIONS sip:{sbc.address} SIP/2.0\r\nVia: SIP/2.0/UDP")
    recognised = f"iifname access ip daddr {sbc.address} udp dport 5060 @th,{8 * before},8 0x20 drop"
    with rules(lab.provider("fibre").namespace, "forward", recognised):
        result = examine(lab, sbcs=("primary",))
    assert seen(result, "fibre", "primary").cause is Cause.SIP_ALG
    assert codes(result) == [("sip-alg-active", "fibre")]


def test_a_route_in_a_table_of_its_own_is_a_way(lab):
    cpe, default = lab.cpe.namespace, ("default", "via", "198.51.100.129", "dev", "wwan0")
    cpe.run("ip", "route", "delete", "default", "dev", "wwan0")
    cpe.run("ip", "route", "add", *default, "table", "77")
    cpe.run("ip", "rule", "add", "oif", "wwan0", "lookup", "77")
    try:
        result = examine(lab, UDP, TCP)
    finally:
        cpe.run("ip", "rule", "delete", "oif", "wwan0", "lookup", "77")
        cpe.run("ip", "route", "delete", "default", "table", "77")
        cpe.run("ip", "route", "add", *default, "metric", "200")
    assert {one.cause for one in result.judged} == {Cause.FINE}
