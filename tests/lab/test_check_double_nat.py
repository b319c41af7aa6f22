"""Two NATs of a site, made of two real ones, and what only looks alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.behind_a_modem import MODEM, PUBLIC, ROUTER_LAN, ROUTER_WAN, SBC, Site, behind_a_modem, ip
from tests.lab.edge_namespaces import run_inside
from tests.lab.namespace import Namespace
from tonekeeper.app.checks.double_nat import check_double_nat
from tonekeeper.core.beside.knowledge import Knowledge
from tonekeeper.core.checks import CheckResult, Outcome
from tonekeeper.core.site import Role, Wan
from tonekeeper.core.site import Site as Configured
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

FIBRE = Wan("fibre", "wan")
KNOWN = Knowledge(destinations={"fibre": Endpoint(SBC, 5060)})
MUTE = """
table ip mute {
    chain output {
        type filter hook output priority filter
        icmp type time-exceeded drop
    }
}
"""
CHECKED = """
import asyncio
from tonekeeper.app.checks.double_nat import check_double_nat
from tonekeeper.core.beside.knowledge import Knowledge
from tonekeeper.core.site import Site, Wan
from tonekeeper.wire.endpoint import Endpoint
known = Knowledge(destinations={"fibre": Endpoint("198.51.100.10", 5060)})
result = asyncio.run(check_double_nat(Site("lab", (Wan("fibre", "wan"),), ()), known))
print(result.outcome, result.detail)
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with behind_a_modem() as made:
        yield made


def checked(
    namespace: Namespace, *, wan: Wan = FIBRE, role: Role = Role.ROUTER, known: Knowledge = KNOWN, spare: bool = False
) -> CheckResult:
    configured = Configured("lab", (wan,), (), role=role)
    return run_inside(namespace, lambda: check_double_nat(configured, known, spare_metered=spare))


@contextmanager
def without_nat(namespace: Namespace) -> Iterator[None]:
    namespace.run("nft", "delete", "table", "ip", "nat")
    yield


def test_a_router_behind_a_modem_in_router_mode_is_behind_a_second_nat(site: Site):
    (one,) = checked(site["router"]).observations
    assert (one.code, one.subject) == ("double-nat", "fibre")
    assert one.evidence["local"] == ROUTER_WAN
    assert one.evidence["outer"] == MODEM
    assert one.evidence["hops"] == f"{MODEM}, 203.0.113.1"
    assert one.evidence["confidence"] == "strong"


def test_where_no_public_router_answers_it_is_likely_only(site: Site):
    site["internet"].nft(MUTE)
    (one,) = checked(site["router"]).observations
    assert one.evidence["hops"] == MODEM
    assert one.evidence["confidence"] == "likely"


def test_a_modem_in_bridge_mode_leaves_one_nat(site: Site):
    ip(site["modem"], "link set lan down", f"address del {MODEM}/24 dev lan", f"address del {PUBLIC}/30 dev dsl")
    ip(site["modem"], "link add br0 type bridge", "link set lan master br0", "link set dsl master br0")
    ip(site["modem"], "link set br0 up", "link set lan up")
    ip(site["router"], f"address del {ROUTER_WAN}/24 dev wan", f"address add {PUBLIC}/30 dev wan")
    ip(site["router"], "route add default via 203.0.113.1")
    result = checked(site["router"])
    assert (result.outcome, result.detail) == (Outcome.OK, f"fibre: {PUBLIC} is not private")


def test_a_router_that_only_routes_is_no_second_nat(site: Site):
    with without_nat(site["router"]):
        result = checked(site["router"])
    assert (result.outcome, result.detail) == (Outcome.OK, "fibre: this router does not translate")


def test_without_the_permission_to_read_the_rules_it_is_assumed_that_this_router_translates(site: Site):
    bounded = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    with without_nat(site["router"]):
        said = site["router"].run(*bounded, sys.executable, "-c", CHECKED, within=20.0)
    assert said.startswith(f"problem fibre: this router has the private address {ROUTER_WAN} there, and {MODEM}")


def test_the_address_of_a_carriers_nat_is_the_providers_and_nobody_walks(site: Site):
    ip(site["router"], f"address del {ROUTER_WAN}/24 dev wan", "address add 100.64.0.20/24 dev wan")
    ip(site["modem"], f"address del {MODEM}/24 dev lan", "address add 100.64.0.1/24 dev lan")
    ip(site["router"], "route add default via 100.64.0.1")
    result = checked(site["router"])
    assert result.outcome is Outcome.OK
    assert "shared with the provider's other customers" in result.detail


def test_a_laptop_behind_both_sees_two_private_routers(site: Site):
    result = checked(site["laptop"], wan=Wan("fibre", "eth0"), role=Role.ENDPOINT)
    (one,) = result.observations
    assert one.evidence["why"] == f"the private routers {ROUTER_LAN} and {MODEM} are on the way"
    assert one.evidence["outer"] == MODEM


def test_over_a_metered_line_nobody_walks_unasked_and_the_address_alone_makes_it_likely(site: Site):
    metered = Wan("fibre", "wan", metered=True)
    (one,) = checked(site["router"], wan=metered, spare=True).observations
    assert "hops" not in one.evidence
    assert one.evidence["confidence"] == "likely"


def test_a_line_without_an_address_is_not_checked_and_says_so(site: Site):
    ip(site["router"], f"address del {ROUTER_WAN}/24 dev wan")
    result = checked(site["router"])
    assert result.outcome is Outcome.NOT_CHECKED
    assert "'wan'" in result.detail
