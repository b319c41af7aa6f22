"""What a router knows of the flows that pass it, when the agent is on it: how long they have left, and their helper."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.measuring import Measuring, Truth, cpe_forgets_after
from tests.lab.namespace import LabError
from tests.lab.test_nat_sip_alg import HELPER
from tests.lab.topology import Lab
from tonekeeper.core.nat.messages import SendSip
from tonekeeper.core.nat.result import BindingKind
from tonekeeper.core.nat.tracked import TrackedFlow
from tonekeeper.edge.nat_kernel import tracked_flows
from tonekeeper.edge.nat_sockets import sip_request
from tonekeeper.edge.sip_rewriting import sip_helper
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

KAMAILIO, NOBODY = Endpoint("203.0.113.2", 5060), Endpoint("203.0.113.3", 5060)
PATIENCE = 5.0
OWN_TIMEOUT = """
table ip own {
    ct timeout sip-lives-longer {
        protocol udp
        policy = { unreplied : 777, replied : 888 }
    }
    chain prerouting {
        type filter hook prerouting priority filter
        udp dport 5060 ct timeout set "sip-lives-longer"
    }
}
"""


@pytest.fixture
def site(standing_lab: Lab) -> Iterator[Lab]:
    """The CPE forgets an answered flow after 31 s, and knows none yet."""
    with cpe_forgets_after(standing_lab, Truth(udp=31, stream=131)):
        standing_lab.cpe.namespace.run("conntrack", "-F")
        yield standing_lab


@contextmanager
def rules(lab: Lab, text: str, name: str) -> Iterator[None]:
    try:
        lab.cpe.namespace.nft(text)
    except LabError as error:
        pytest.skip(f"this kernel cannot do that: {error}")
    try:
        yield
    finally:
        lab.cpe.namespace.run("nft", "delete", "table", "ip", name)


@contextmanager
def phone_that_asked(lab: Lab, server: Endpoint) -> Iterator[Endpoint]:
    """OPTIONS from the phone, answered if there is somebody; where it came from."""
    with lab.phone.socket() as phone:
        phone.bind(("192.0.2.10", 0))
        local = Endpoint(*phone.getsockname())
        branch = f"z9hG4bK{os.urandom(8).hex()}"
        phone.sendto(sip_request(SendSip(1, server, branch, "1", os.urandom(8).hex(), 1), local), server)
        if server == KAMAILIO:
            phone.settimeout(PATIENCE)
            assert phone.recv(4096).startswith(b"SIP/2.0 ")
        yield local


def seen_by_the_router(lab: Lab, server: Endpoint, local: Endpoint) -> TrackedFlow:
    flows = lab.cpe.namespace.inside(lambda: tracked_flows([server.host]))
    (found,) = (one for one in flows if Endpoint(one.flow.source, one.flow.source_port) == local)
    return found


def test_the_time_that_a_flow_has_left_is_what_the_kernel_was_told(site):
    with phone_that_asked(site, KAMAILIO) as local:
        replied = seen_by_the_router(site, KAMAILIO, local)
    with phone_that_asked(site, NOBODY) as local:
        unreplied = seen_by_the_router(site, NOBODY, local)

    assert (replied.kind, replied.helper) == (BindingKind.REPLIED, "")
    assert (unreplied.kind, unreplied.helper) == (BindingKind.UNREPLIED, "")
    for one in (replied, unreplied):
        assert 31 - PATIENCE <= one.remaining_s <= 31


def test_a_flow_with_a_timeout_of_its_own_has_more_left_than_the_settings_say(site):
    with rules(site, OWN_TIMEOUT, "own"), phone_that_asked(site, KAMAILIO) as local:
        found = seen_by_the_router(site, KAMAILIO, local)
        document = Measuring(site.cpe.namespace, "203.0.113.18:9", "--sip", KAMAILIO.host).wait(within=30.0).document

    assert 777 - PATIENCE <= found.remaining_s <= 777
    assert document["kernel_timeouts_s"]["stream"] == 131
    (told,) = (one for one in document["kernel_flows"] if one["flow"] == str(found))
    assert 700 < told["remaining_s"] <= 777


def test_a_helper_is_found_at_the_flow_although_no_rule_assigns_it_any_more(site):
    with rules(site, HELPER, "alg"), phone_that_asked(site, KAMAILIO) as local:
        with_rule = site.cpe.namespace.inside(lambda: sip_helper([NOBODY]))
        found = seen_by_the_router(site, KAMAILIO, local)
    left = site.cpe.namespace.inside(lambda: sip_helper([KAMAILIO]))
    elsewhere = site.cpe.namespace.inside(lambda: sip_helper([NOBODY]))

    assert found.helper.startswith("sip")
    assert with_rule.is_attached
    assert "rule ip alg prerouting" in with_rule.text
    assert left.is_attached
    assert f"the flow {found} has the helper {found.helper} attached" in left.text
    assert elsewhere.is_attached is False


def test_flows_without_a_helper_are_told_beside_a_ruleset_without_one(site):
    with phone_that_asked(site, KAMAILIO):
        state = site.cpe.namespace.inside(lambda: sip_helper([KAMAILIO]))

    assert state.is_attached is False
    assert "no rule of this host assigns a helper" in state.text
    assert "none of the 1 SIP flows that are tracked has a helper" in state.text


def test_without_the_privilege_the_reason_is_told(site):
    """In a process of its own, which gives its capabilities away."""
    code = (
        "from tonekeeper.edge.nat_kernel import tracked_flows\n"
        "try:\n    tracked_flows(['203.0.113.2'])\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    unprivileged = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    said = site.cpe.namespace.run(*unprivileged, sys.executable, "-c", code)
    assert EdgeError.__name__ in said
    assert "CAP_NET_ADMIN" in said
