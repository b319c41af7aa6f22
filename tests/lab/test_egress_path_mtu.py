"""How long packets may be on real links: told, swallowed, cut into pieces, and pieces that are lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.dual_stack import BY_FIBRE, SBC, DualStack
from tests.lab.examining import FIBRE_ROUTER, TCP, UDP, examine, examine_inside, narrow, rules, seen, talkative_routers
from tonekeeper.core.egress.judgement import Cause
from tonekeeper.core.egress.result import Fact
from tonekeeper.core.firewall.flows import Places
from tonekeeper.core.report import Severity
from tonekeeper.core.site import Sbc, Site, Target, Transport, Wan
from tonekeeper.wire.endpoint import Endpoint

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("talkative")]

ON_FIBRE = "198.51.100.2"


@pytest.fixture
def talkative(lab) -> Iterator[None]:
    with talkative_routers(lab):
        yield


@pytest.mark.parametrize("mtu", [1400, 1437, 1492])
def test_a_narrow_link_whose_router_says_so_is_measured_and_harms_nobody(lab, mtu):
    with narrow(lab, mtu, tells=True):
        result = examine(lab, UDP, TCP)
    one = seen(result, "fibre", "primary")
    assert (one.cause, one.trial.mtu.largest, one.trial.mtu.told_by) == (Cause.FINE, mtu, FIBRE_ROUTER)
    assert one.trial.mtu.pieces is Fact.YES
    assert seen(result, "lte", "primary").trial.mtu.largest == 1500
    assert seen(result, "fibre", "primary", TCP).trial.stream is Fact.YES
    (found,) = result.observations
    assert (found.code, found.subject, found.severity) == ("path-mtu", "fibre", Severity.INFO)


@pytest.mark.parametrize(("mtu", "severity"), [(1300, Severity.CRITICAL), (1400, Severity.WARNING)])
def test_a_black_hole_is_measured_to_the_byte_and_placed(lab, mtu, severity):
    with narrow(lab, mtu, tells=False):
        result = examine(lab, UDP, TCP)
    one = seen(result, "fibre", "alternate")
    assert (one.cause, one.trial.mtu.largest) == (Cause.PATH_MTU, mtu)
    assert (one.trial.mtu.cut, one.trial.mtu.lost_after) == (Fact.YES, FIBRE_ROUTER)
    assert seen(result, "fibre", "alternate", TCP).cause is Cause.PATH_MTU
    assert seen(result, "lte", "alternate").cause is Cause.FINE
    (found,) = result.observations
    assert (found.code, found.subject, found.severity) == ("path-mtu", "fibre", severity)
    assert found.evidence["largest"] == str(mtu)


def test_the_remedy_for_a_black_hole_mends_it(lab):
    cpe = lab.cpe.namespace
    with narrow(lab, 1400, tells=False):
        (found,) = examine(lab, UDP, TCP, sbcs=("primary",)).observations
        typed = "\n".join(line for line in found.evidence["advice"].splitlines() if not line.startswith("("))
        try:
            cpe.run("sh", "-e", stdin=typed)
            mended = examine(lab, UDP, TCP, sbcs=("primary",))
        finally:
            cpe.run("ip", "link", "set", "eth0", "mtu", "1500")
            cpe.run("nft", "delete", "table", "inet", "mssclamp")
    assert mended.observations == ()
    assert {one.cause for one in mended.judged} == {Cause.FINE}


def test_fragments_that_are_lost_on_the_way_are_told(lab):
    dropped = f"ip saddr {ON_FIBRE} ip frag-off & 0x3fff != 0 drop"
    with rules(lab.provider("fibre").namespace, "prerouting", dropped):
        result = examine(lab)
    one = seen(result, "fibre", "primary")
    assert (one.cause, one.trial.mtu.largest, one.trial.mtu.pieces) == (Cause.PATH_MTU, 1500, Fact.NO)
    (found,) = result.observations
    assert (found.code, found.subject, found.severity) == ("path-mtu", "fibre", Severity.WARNING)


def test_an_interface_of_pppoe_is_no_limit_of_the_way(lab):
    cpe = lab.cpe.namespace
    cpe.run("ip", "link", "set", "eth0", "mtu", "1492")
    try:
        result = examine(lab, sbcs=("primary",))
    finally:
        cpe.run("ip", "link", "set", "eth0", "mtu", "1500")
    assert seen(result, "fibre", "primary").trial.mtu.largest == 1492
    assert result.observations == ()


def test_over_ipv6_a_router_says_how_long_a_packet_may_be(lab):
    site = Site("lab", (Wan("fibre", "eth0"),), (Sbc("six", "", SBC),))
    places = Places({"six": [Target(Transport.UDP, Endpoint(SBC, 5060))]}, {})
    with DualStack(lab), narrow(lab, 1400, tells=True):
        (one,) = examine_inside(lab.cpe.namespace, site, places).judged
    assert (one.trial.mtu.largest, one.trial.mtu.told_by) == (1400, BY_FIBRE)
    assert one.trial.mtu.pieces is Fact.YES
