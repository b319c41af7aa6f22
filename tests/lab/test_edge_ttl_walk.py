"""Walks to an SBC behind three routers, of which the third never says that a time was exceeded.

 agent              first              second             mute               sbc
+------+ wan  near +-------+ far  near +------+ far  near +------+ far  wan +-----+
|      +-----------+       +-----------+      +-----------+      +----------+     | lo: 203.0.113.10
|      | .1     .2 |       | .5     .6 |      | .9    .10 |      | .13  .14 |     |     2001:db8:5bc::10
+------+           +-------+           +------+           +------+          +-----+
  192.0.2.0/30, 2001:db8:a0::/64        ... :a2::/64
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.lab.edge_namespaces import Heard, namespaces, run_inside
from tests.lab.namespace import Namespace
from tonekeeper.core.commands import WalkPath
from tonekeeper.core.events import PathWalked
from tonekeeper.core.site import Path, Transport
from tonekeeper.edge.ttl_walk import LONGEST, TtlWalk
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

SBC, SBC_V6 = "203.0.113.10", "2001:db8:5bc::10"
ROLES = ("agent", "first", "second", "mute", "sbc")
MUTE = """
table inet filter {
    chain output {
        type filter hook output priority filter
        icmp type time-exceeded drop
        icmpv6 type time-exceeded drop
    }
}
"""


@pytest.fixture
def line() -> Iterator[dict[str, Namespace]]:
    with namespaces(*ROLES) as made:
        for namespace in made.values():
            namespace.set_sysctls({"net.ipv6.conf.all.accept_dad": "0", "net.ipv6.conf.default.accept_dad": "0"})
            namespace.set_sysctls({"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"})
            ip(namespace, "link set lo up")
        for number, (near, far) in enumerate(pairwise(ROLES)):
            connect(made[near], made[far], number)
        ip(made["sbc"], f"address add {SBC}/32 dev lo", f"address add {SBC_V6}/128 dev lo")
        made["mute"].nft(MUTE)
        yield made


def connect(near: Namespace, far: Namespace, number: int) -> None:
    """Line `number`: towards the SBC over it, and back to the agent."""
    here, there = ("wan" if near.role == "agent" else "far"), ("wan" if far.role == "sbc" else "near")
    ip(near, f"link add {here} type veth peer name {there} netns {far.name}")
    left, right = ends(number)
    for namespace, device, own in ((near, here, left), (far, there, right)):
        ip(namespace, f"link set {device} up", *(f"address add {one} dev {device}" for one in own))
    route(near, ("203.0.113.0/24", "2001:db8:5bc::/48"), right)
    if number:
        route(far, ("192.0.2.0/30", "2001:db8:a0::/64"), left)


def ends(number: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """The addresses of the end near the agent, and of the other one."""
    left, right = ((f"192.0.2.{4 * number + end}/30", f"2001:db8:a{number}::{end}/64") for end in (1, 2))
    return left, right


def route(namespace: Namespace, networks: tuple[str, str], gateways: tuple[str, str]) -> None:
    for network, gateway in zip(networks, gateways, strict=True):
        ip(namespace, f"route add {network} via {gateway.partition('/')[0]}")


def ip(namespace: Namespace, *lines: str) -> None:
    namespace.run("ip", "-batch", "-", stdin="\n".join(lines))


def path_to(host: str) -> Path:
    return Path("fibre", "primary", Transport.UDP, Endpoint(host, 5060))


def walk(line: dict[str, Namespace], host: str, interface: str = "wan") -> PathWalked:
    async def run() -> PathWalked:
        heard = Heard()
        walks = TtlWalk(heard.report)
        walks.execute(WalkPath(path_to(host), interface, ""))
        walked = await heard.first(lambda event: True, within=LONGEST + 2)
        walks.close()
        return walked

    return run_inside(line["agent"], run)


class Answering:
    """An SBC that sends back what it gets."""

    def __init__(self, sbc: Namespace, host: str) -> None:
        self._sock = sbc.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._sock.bind((host, 5060))
        self._sock.setblocking(False)
        self.heard: list[bytes] = []

    def answer(self) -> None:
        data, source = self._sock.recvfrom(65535)
        self.heard.append(data)
        self._sock.sendto(data, source)

    async def __aenter__(self) -> Answering:
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self.answer)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        self._sock.close()


@pytest.mark.parametrize(
    ("host", "hops"),
    [(SBC, ("192.0.2.2", "192.0.2.6")), (SBC_V6, ("2001:db8:a0::2", "2001:db8:a1::2"))],
    ids=["IPv4", "IPv6"],
)
def test_the_routers_up_to_the_sbc_are_named(line, host, hops):
    async def run() -> tuple[PathWalked, list[bytes]]:
        heard = Heard()
        walks = TtlWalk(heard.report)
        async with Answering(line["sbc"], host) as sbc:
            walks.execute(WalkPath(path_to(host), "wan", ""))
            return await heard.first(lambda event: True), sbc.heard

    walked, asked = run_inside(line["agent"], run)
    assert walked == PathWalked(path_to(host), hops)
    assert asked[0].startswith(b"OPTIONS sip:")


def test_a_closed_port_is_an_answer_of_the_sbc_as_well(line):
    assert walk(line, SBC).hops == ("192.0.2.2", "192.0.2.6")


def test_an_sbc_that_says_nothing_ends_the_walk_after_its_time(line):
    line["sbc"].nft("table ip filter { chain input { type filter hook input priority filter; udp dport 5060 drop; }; }")
    assert walk(line, SBC).hops == ("192.0.2.2", "192.0.2.6")


def test_a_hop_that_stays_silent_in_between_is_left_empty(line):
    line["first"].nft(MUTE)
    assert walk(line, SBC).hops == ("", "192.0.2.6")


def test_a_router_that_knows_no_way_ends_the_walk(line):
    ip(line["second"], "route delete 203.0.113.0/24", "route add unreachable 203.0.113.0/24")
    assert walk(line, SBC).hops == ("192.0.2.2",)


def test_without_the_interface_there_are_no_hops(line):
    assert walk(line, SBC, interface="wan7") == PathWalked(path_to(SBC), ())


def test_without_a_route_there_are_no_hops(line):
    ip(line["agent"], "route delete 2001:db8:5bc::/48")
    assert walk(line, SBC_V6) == PathWalked(path_to(SBC_V6), ())


def test_a_walk_begun_again_is_told_once_and_nothing_stays_open(line):
    async def run() -> None:
        open_before = len(os.listdir("/proc/self/fd"))
        heard = Heard()
        walks = TtlWalk(heard.report)
        for _ in range(3):
            walks.execute(WalkPath(path_to(SBC), "wan", ""))
        await heard.first(lambda event: True)
        walks.execute(WalkPath(path_to(SBC), "wan", ""))
        await asyncio.sleep(0)
        walks.close()
        assert heard.events == []
        assert len(os.listdir("/proc/self/fd")) == open_before

    run_inside(line["agent"], run)
