"""Flows of the daemon through the CGN of lte, which forgets them sooner than the operator's cadence comes round.

Of two SBCs one answers STUN on its SIP port and says so; of the other the operator says it, and is wrong.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.measuring import Truth, forgets_after
from tests.lab.stun import FIRST, PORT, SECOND, reflector
from tests.lab.stun_sbc import StunSbc
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

LIFETIME = 8
"""Seconds of an idle binding, and of an idle connection, so that nobody waits for that."""
CADENCE = 20
"""Seconds between the operator's probes."""
WATCHED = 2 * CADENCE
HURRY = "from tonekeeper.core.nat import watch; watch.QUIET = watch.LOOK = 1.0"
NO_STUN = """
table ip no_stun {
    chain prerouting {
        type filter hook prerouting priority -400
        udp dport 5062 @th,96,32 0x2112a442 drop
    }
}
"""
PORTS = re.compile(r"sport=\d+ dport=\d+ .*dport=(\d+)")


class Seen(NamedTuple):
    held: frozenset[str]
    """Ports at which the CGN knew a flow of the agent to the SBC, each time somebody looked."""
    sent: int
    """OPTIONS that left meanwhile."""


@pytest.fixture
def site(lab: Lab, make_agent: Callable[..., Agent]) -> Iterator[tuple[Lab, StunSbc, Agent]]:
    """The daemon, up on lte, with its NAT measured."""
    router = lab.provider("lte").namespace
    with (
        forgets_after(router, Truth(udp=LIFETIME, stream=LIFETIME, tcp=LIFETIME)),
        reflector(lab, "--alternate", SECOND),
        StunSbc(lab) as stunned,
    ):
        agent = make_agent(
            wan=[{"name": "lte", "interface": "wwan0"}],
            sbc=[
                {"name": "primary", "uri": stunned.uri},
                {"name": "alternate", "uri": lab.sbc("alternate").uri, "stun": True},
            ],
            probe={"interval": f"{CADENCE}s"},
            nat={"server": f"{FIRST}:{PORT}"},
        )
        lab.provider("lte").namespace.run("conntrack", "-F")  # what others left there has other lifetimes
        agent.launch(prelude=HURRY)
        agent.wait_ready()
        agent.wait_for(lambda status: status["nat"], within=60.0)
        yield lab, stunned, agent


@contextmanager
def without_stun(lab: Lab) -> Iterator[None]:
    router = lab.provider("lte").namespace
    router.nft(NO_STUN)
    try:
        yield
    finally:
        router.run("nft", "delete", "table", "ip", "no_stun")


def keepalive(status: Status, sbc: str) -> str:
    return str(status.path("lte", sbc)["keepalive"])


def watch(lab: Lab, agent: Agent, endpoints: dict[str, tuple[str, int]], seconds: float) -> dict[str, Seen]:
    router = lab.provider("lte").namespace
    before = agent.status()
    looks: dict[str, list[frozenset[str]]] = {sbc: [] for sbc in endpoints}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for sbc, (address, port) in endpoints.items():
            query = ("conntrack", "-L", "-p", "udp", "--orig-dst", address, "--orig-port-dst", str(port))
            own = [line for line in router.run(*query).splitlines() if "src=198.51.100.130" in line]
            looks[sbc].append(frozenset(PORTS.findall("\n".join(own))))
        time.sleep(0.2)
    after = agent.status()
    sent = {sbc: after.path("lte", sbc)["sent"] - before.path("lte", sbc)["sent"] for sbc in endpoints}
    assert {p["state"] for p in after.paths} == {"up"}
    return {sbc: Seen(frozenset.intersection(*known), sent[sbc]) for sbc, known in looks.items()}


def test_a_flow_is_kept_by_stun_where_the_sbc_answers_it_and_by_options_where_it_does_not(site):
    lab, stunned, agent = site
    agent.wait_for(lambda status: keepalive(status, "primary") == "stun", within=2 * CADENCE)
    time.sleep(LIFETIME)  # the alternate has been asked in vain by now
    endpoints = {"primary": stunned.endpoint, "alternate": lab.sbc("alternate").endpoint}
    seen = watch(lab, agent, endpoints, WATCHED)
    print(seen)

    assert [len(one.held) for one in seen.values()] == [1, 1], "one binding each that was never forgotten"
    assert seen["primary"].sent <= WATCHED / (0.9 * CADENCE) + 1
    assert seen["alternate"].sent >= WATCHED / LIFETIME
    status = agent.status()
    assert (keepalive(status, "primary"), keepalive(status, "alternate")) == ("stun", "options")


def test_a_firewall_that_drops_stun_takes_no_path_down_and_the_probes_keep_the_flow(site):
    lab, stunned, agent = site
    agent.wait_for(lambda status: keepalive(status, "primary") == "stun", within=2 * CADENCE)
    with without_stun(lab):
        seen = agent.watch(until=lambda status: keepalive(status, "primary") == "options", within=2 * CADENCE)
        kept = watch(lab, agent, {"primary": stunned.endpoint}, 3 * LIFETIME)["primary"]

    assert {status.path("lte", "primary")["state"] for status in seen} == {"up"}
    assert (len(kept.held), kept.sent >= 3) == (1, True)
