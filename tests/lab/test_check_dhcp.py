"""DHCP servers on one LAN: real dnsmasq on the router, on a box that nobody knows of, on both."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.behind_a_modem import ROGUE, ROUTER_LAN, Site, behind_a_modem, dnsmasq
from tests.lab.edge_namespaces import run_inside
from tests.lab.namespace import Namespace
from tonekeeper.app.checks.dhcp import check_dhcp
from tonekeeper.core.checks import CheckResult, Outcome
from tonekeeper.core.report import Severity
from tonekeeper.core.site import LanPolicy, Role, Wan
from tonekeeper.core.site import Site as Configured

pytestmark = pytest.mark.lab

AT_ONCE = "--no-ping"
"""dnsmasq does not look for three seconds whether the address is free."""
ROUTER = Configured("lab", (Wan("fibre", "wan"),), (), lan=LanPolicy(("br0",)))
LAPTOP = Configured("lab", (Wan("here", "eth0"),), (), role=Role.ENDPOINT)
STRICT = """
table ip strict {
    chain input {
        type filter hook input priority filter; policy drop
        udp dport 67 accept
        iifname lo accept
    }
}
"""
CHECKED = """
import asyncio
from tonekeeper.app.checks.dhcp import check_dhcp
from tonekeeper.core.site import LanPolicy, Site
result = asyncio.run(check_dhcp(Site("lab", (), (), lan=LanPolicy(("br0",)))))
print(result.outcome, result.detail)
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with behind_a_modem() as made:
        yield made


def checked(namespace: Namespace, configured: Configured = ROUTER) -> CheckResult:
    return run_inside(namespace, lambda: check_dhcp(configured))


def test_the_routers_own_server_is_heard_although_it_looks_for_three_seconds_whether_the_address_is_free(site: Site):
    with dnsmasq(site["router"], "br0"):
        result = checked(site["router"])
    assert result.outcome is Outcome.OK
    assert result.detail == f"br0: one server, {ROUTER_LAN} (gateway {ROUTER_LAN}, no DNS)"


def test_a_lan_without_a_server_is_told_so(site: Site):
    result = checked(site["router"])
    assert (result.outcome, result.detail) == (Outcome.OK, "br0: no server answers")


def test_a_second_server_is_found_with_what_it_tells_the_phones(site: Site):
    rogue = ("--dhcp-option=6,198.51.100.53", "--dhcp-option=66,http://elsewhere.example/", AT_ONCE)
    with dnsmasq(site["router"], "br0", AT_ONCE), dnsmasq(site["rogue"], "eth0", *rogue):
        on_router, on_laptop = checked(site["router"]), checked(site["laptop"], LAPTOP)
    for result, interface in ((on_router, "br0"), (on_laptop, "eth0")):
        (one,) = result.observations
        assert (one.code, one.subject, one.severity) == ("dhcp-twice", interface, Severity.WARNING)
        assert one.evidence["why"] == "they name different gateways, resolvers and provisioning servers"
        assert one.evidence["servers"] == (
            f"{ROUTER_LAN} (gateway {ROUTER_LAN}, no DNS); "
            f"{ROGUE} (gateway {ROGUE}, DNS 198.51.100.53, option 66 http://elsewhere.example/)"
        )


def test_two_servers_that_tell_the_same_are_no_alarm(site: Site):
    same = (AT_ONCE, f"--dhcp-option=3,{ROUTER_LAN}")
    with dnsmasq(site["router"], "br0", *same), dnsmasq(site["rogue"], "eth0", *same):
        (one,) = checked(site["router"]).observations
    assert one.severity is Severity.INFO


def test_no_lease_is_taken_and_the_same_address_is_offered_each_time(site: Site):
    with dnsmasq(site["router"], "br0", AT_ONCE, "--log-dhcp") as server:
        checked(site["router"])
        checked(site["router"])
        said = server.output
        leases = [path.read_text() for path in Path(site["router"].directory).glob("*.leases")]
    assert said.count("DHCPDISCOVER") == 4
    assert "DHCPREQUEST" not in said
    assert len({line.split()[-2] for line in said.splitlines() if "DHCPOFFER" in line}) == 1
    assert not any(leases)


def test_an_offer_that_this_hosts_firewall_drops_is_heard_all_the_same(site: Site):
    site["router"].nft(STRICT)
    try:
        with dnsmasq(site["rogue"], "eth0", AT_ONCE):
            result = checked(site["router"])
    finally:
        site["router"].run("nft", "delete", "table", "ip", "strict")
    assert ROGUE in result.detail


@pytest.mark.parametrize(
    ("capability", "outcome", "words"),
    [
        ("-all", "not checked", "CAP_NET_BIND_SERVICE"),
        ("-all,+net_bind_service", "ok", "one server"),
    ],
)
def test_without_a_permission_it_is_not_checked_and_the_permission_is_named(
    site: Site, capability: str, outcome: str, words: str
):
    bounded = ("setpriv", f"--bounding-set={capability}", f"--inh-caps={capability}")
    with dnsmasq(site["rogue"], "eth0", AT_ONCE):
        said = site["router"].run(*bounded, sys.executable, "-c", CHECKED, within=20.0)
    assert said.startswith(outcome)
    assert words in said


def test_an_interface_that_is_not_there_is_named(site: Site):
    configured = Configured("lab", (), (), lan=LanPolicy(("br9",)))
    result = checked(site["router"], configured)
    assert result.outcome is Outcome.NOT_CHECKED
    assert "'br9': No such device" in result.detail
