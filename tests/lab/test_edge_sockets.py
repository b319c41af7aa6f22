"""Probing sockets against the real kernel: two WANs, a router that may refuse, an SBC that may be gone.

  agent                          router                       sbc
+--------+ wan0           wan0 +--------+ sbc          wan +-------+
|        +---------------------+        +------------------+       |
|        | .2   metric 100  .1 |        | 203.0.113.1   .2 |       |
|        | wan1           wan1 |        |                  |       |
|        +---------------------+        |                  |       |
+--------+ .6   metric 200  .5 +--------+                  +-------+

WANs 192.0.2.0/30 and 192.0.2.4/30, 2001:db8:0::/64 and 2001:db8:1::/64; the SBC 203.0.113.2, 2001:db8:9::2
"""

from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import Callable
from typing import TypeVar

import pytest

from tests.lab.edge_namespaces import Heard, namespaces, run_inside
from tests.lab.namespace import Namespace, until
from tonekeeper.core.commands import ClosePath, OpenPath, SendBindingRequest, SendCrlf, SendOptions
from tonekeeper.core.events import (
    BindingResponseReceived,
    DatagramIgnored,
    Event,
    IcmpReceived,
    PathOpened,
    PathRefused,
    ReplyReceived,
    SendRefused,
)
from tonekeeper.core.site import Path, Transport
from tonekeeper.edge.probing import STRANGERS_PER_SECOND
from tonekeeper.edge.reading import MOST_AT_ONCE
from tonekeeper.edge.sockets import ProbeSockets
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_request
from tonekeeper.wire.sip.render import render_response
from tonekeeper.wire.stun.codec import decode_stun, encode_stun
from tonekeeper.wire.stun.message import StunClass, StunMessage

pytestmark = pytest.mark.lab

E = TypeVar("E", bound=Event)

SBC = Endpoint("203.0.113.2", 5060)
SBC6 = Endpoint("2001:db8:9::2", 5060)
TRANSACTION = "0123456789abcdef01234567"
WANS = {"wan0": ("192.0.2.2", "192.0.2.1"), "wan1": ("192.0.2.6", "192.0.2.5")}

SITE = {
    "agent": """
        address add 192.0.2.2/30 dev wan0
        address add 192.0.2.6/30 dev wan1
        address add 2001:db8:0::2/64 dev wan0 nodad
        address add 2001:db8:1::2/64 dev wan1 nodad
        link set lo up
        link set wan0 up
        link set wan1 up
        route add default via 192.0.2.1 metric 100
        route add default via 192.0.2.5 metric 200
        route add default via 2001:db8:0::1 metric 100
        route add default via 2001:db8:1::1 metric 200
    """,
    "router": """
        address add 192.0.2.1/30 dev wan0
        address add 192.0.2.5/30 dev wan1
        address add 203.0.113.1/29 dev sbc
        address add 2001:db8:0::1/64 dev wan0 nodad
        address add 2001:db8:1::1/64 dev wan1 nodad
        address add 2001:db8:9::1/64 dev sbc nodad
        link set lo up
        link set wan0 up
        link set wan1 up
        link set sbc up
    """,
    "sbc": """
        address add 203.0.113.2/29 dev wan
        address add 2001:db8:9::2/64 dev wan nodad
        link set lo up
        link set wan up
        route add default via 203.0.113.1
        route add default via 2001:db8:9::1
    """,
}
SYSCTLS = {
    "net.ipv6.conf.all.accept_dad": "0",
    "net.ipv6.conf.default.accept_dad": "0",
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "1",
    "net.ipv4.icmp_ratelimit": "0",
    "net.ipv6.icmp.ratelimit": "0",
}
NEIGHBOURS_GIVE_UP_SOON = {
    "net.ipv4.neigh.wan1.mcast_solicit": "1",
    "net.ipv4.neigh.wan1.retrans_time_ms": "50",
}


def ip(namespace: Namespace, *lines: str) -> None:
    namespace.run("ip", "-batch", "-", stdin="\n".join(line.strip() for line in lines))


@pytest.fixture
def site():
    with namespaces("agent", "router", "sbc") as made:
        agent, router, sbc = made["agent"], made["router"], made["sbc"]
        for namespace in made.values():
            namespace.set_sysctls(SYSCTLS)
        for wan in WANS:
            ip(agent, f"link add {wan} type veth peer name {wan} netns {router.name}")
        ip(router, f"link add sbc type veth peer name wan netns {sbc.name}")
        for role, namespace in made.items():
            ip(namespace, *SITE[role].strip().splitlines())
        yield made


class Answerer:
    """An SBC on the test's own loop: answers what it is asked, and remembers it."""

    def __init__(self, sbc: Namespace, endpoint: Endpoint = SBC) -> None:
        family = 10 if endpoint.is_ipv6 else 2
        self.sock = sbc.socket(family)
        self.sock.setblocking(False)
        self.sock.bind(endpoint)
        self.clients: list[Endpoint] = []
        asyncio.get_running_loop().add_reader(self.sock, self._answer)

    def _answer(self) -> None:
        data, client = self.sock.recvfrom(65535)
        self.clients.append(Endpoint(*client[:2]))
        self.sock.sendto(render_response(decode_request(data), 200, "OK", received=self.clients[-1]), client)

    def __enter__(self) -> Answerer:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self.sock)
        self.sock.close()


class Probing:
    """Probe sockets inside the agent's namespace, inside `async with`."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.sockets = ProbeSockets(self.heard.report)

    async def __aenter__(self) -> Probing:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sockets.close()

    def open(self, wan: str = "wan0", address: Endpoint = SBC, source: str = "") -> Path:
        path = Path(wan, "primary", Transport.UDP, address)
        self.sockets.execute(OpenPath(path, wan, source))
        return path

    def send(self, path: Path, branch: str = "z9hG4bK-1") -> None:
        self.sockets.execute(SendOptions(path, "sbc.example.net", branch, "tag", "call", 1, "tonekeeper"))

    async def find_neighbours(self, path: Path) -> None:
        """Send a probe that only the wait for ARP and neighbour discovery may delay, and hear what comes of it."""
        self.send(path)
        await self.hear(IcmpReceived)

    async def hear(self, kind: type[E], within: float = 5.0) -> E:
        return await self.heard.first(lambda event: isinstance(event, kind), within)


def probe(site: dict[str, Namespace], scenario: Callable[[Probing], object]) -> None:
    async def run() -> None:
        async with Probing() as probing:
            await scenario(probing)

    run_inside(site["agent"], run)


@pytest.mark.parametrize("wan", WANS)
def test_each_wan_is_probed_from_its_own_address_whichever_has_the_default_route(site, wan):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]) as sbc:
            path = probing.open(wan)
            opened = await probing.hear(PathOpened)
            assert opened.local.host == WANS[wan][0]
            probing.send(path)
            reply = await probing.hear(ReplyReceived)
            assert (reply.path, reply.source, reply.reply.status) == (path, SBC, 200)
            assert (reply.reply.branch, reply.reply.received, reply.reply.rport) == ("z9hG4bK-1", *opened.local)
            assert sbc.clients == [opened.local]

    probe(site, scenario)


@pytest.mark.parametrize(("wan", "local"), [("wan0", "2001:db8::2"), ("wan1", "2001:db8:1::2")])
def test_each_wan_is_probed_over_ipv6_too(site, wan, local):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"], SBC6):
            path = probing.open(wan, SBC6)
            assert (await probing.hear(PathOpened)).local.host == local
            probing.send(path)
            assert (await probing.hear(ReplyReceived)).source == SBC6

    probe(site, scenario)


def test_a_source_that_was_given_is_used(site):
    ip(site["agent"], "address add 192.0.2.10/32 dev wan0")
    ip(site["router"], "route add 192.0.2.10/32 dev wan0")

    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]):
            path = probing.open(source="192.0.2.10")
            assert (await probing.hear(PathOpened)).local.host == "192.0.2.10"
            probing.send(path)
            await probing.hear(ReplyReceived)

    probe(site, scenario)


@pytest.mark.parametrize(("address", "kind", "code"), [(SBC, 3, 3), (SBC6, 1, 4)], ids=["ipv4", "ipv6"])
def test_a_port_that_nobody_listens_on_is_known_at_once(site, address, kind, code):
    async def scenario(probing: Probing) -> None:
        path = probing.open(address=address)
        await probing.find_neighbours(path)
        probing.send(path)
        assert await probing.hear(IcmpReceived, within=2.0) == IcmpReceived(path, kind, code, address.host)

    probe(site, scenario)


@pytest.mark.parametrize(
    ("address", "rule", "expected"),
    [
        (SBC, "reject with icmp type admin-prohibited", (3, 13, "192.0.2.5")),
        (SBC6, "reject with icmpv6 type admin-prohibited", (1, 1, "2001:db8:1::1")),
    ],
    ids=["ipv4", "ipv6"],
)
def test_a_firewall_on_the_way_is_named_as_the_one_that_refused(site, address, rule, expected):
    site["router"].nft(
        f"table inet firewall {{ chain forward {{ type filter hook forward priority 0; udp dport 5060 {rule}; }}; }}"
    )

    async def scenario(probing: Probing) -> None:
        path = probing.open("wan1", address)
        await probing.find_neighbours(path)
        probing.send(path)
        assert await probing.hear(IcmpReceived, within=2.0) == IcmpReceived(path, *expected)

    probe(site, scenario)


def test_an_icmp_error_is_not_taken_for_the_failure_of_the_probe_after_it(site):
    """The kernel fails the next call on the socket with ECONNREFUSED; the loop gets no turn to read the queue first."""

    async def scenario(probing: Probing) -> None:
        path = probing.open()
        for number in range(4):
            probing.send(path, f"z9hG4bK-{number}")
        for _ in range(4):
            await probing.hear(IcmpReceived)
        assert not [event for event in probing.heard.events if isinstance(event, SendRefused)]

    probe(site, scenario)


def test_a_local_rule_that_drops_the_probe_refuses_to_send_it(site):
    site["agent"].nft("table inet own { chain output { type filter hook output priority 0; udp dport 5060 drop; }; }")

    async def scenario(probing: Probing) -> None:
        path = probing.open()
        probing.send(path)
        assert await probing.hear(SendRefused) == SendRefused(path, "z9hG4bK-1", errno.EPERM)

    probe(site, scenario)


def test_sending_on_a_device_that_is_gone_is_refused(site):
    async def scenario(probing: Probing) -> None:
        path = probing.open("wan1")
        ip(site["agent"], "link delete wan1")
        probing.send(path)
        refused = await probing.hear(SendRefused)
        assert refused.errno in (errno.ENODEV, errno.ENXIO, errno.ENETUNREACH, errno.EHOSTUNREACH)

    probe(site, scenario)


def test_a_path_that_is_not_open_sends_nothing_and_says_so(site):
    async def scenario(probing: Probing) -> None:
        path = Path("wan0", "primary", Transport.UDP, SBC)
        probing.send(path)
        probing.sockets.execute(SendCrlf(path))
        probing.sockets.execute(SendBindingRequest(path, TRANSACTION))
        assert probing.heard.events == [
            SendRefused(path, "z9hG4bK-1", errno.ENOTCONN),
            SendRefused(path, "", errno.ENOTCONN),
            SendRefused(path, "", errno.ENOTCONN),
        ]

    probe(site, scenario)


@pytest.mark.parametrize(
    ("wan", "address", "source", "number", "reason"),
    [
        ("wan7", SBC, "", errno.ENODEV, "cannot bind a socket to interface 'wan7': No such device; name an interface"),
        ("wan0", SBC, "192.0.2.99", errno.EADDRNOTAVAIL, "cannot bind a socket on 'wan0' to source '192.0.2.99': "),
        ("lo", SBC6, "", errno.ENETUNREACH, "cannot reach [2001:db8:9::2]:5060 through interface 'lo': Network is "),
    ],
)
def test_a_path_that_cannot_be_opened_is_refused_with_the_step_that_failed(site, wan, address, source, number, reason):
    async def scenario(probing: Probing) -> None:
        probing.open(wan, address, source)
        (refused,) = probing.heard.events
        assert isinstance(refused, PathRefused)
        assert refused.errno == number
        assert refused.reason.startswith(reason)

    probe(site, scenario)


def only_another_table_has_the_default_route_of_wan1(site, *rules: str) -> None:
    ip(
        site["agent"],
        "route delete default via 192.0.2.5",
        "route add default via 192.0.2.5 table 100",
        *(f"rule add {rule} lookup 100" for rule in rules),
    )


@pytest.mark.parametrize("rule", ["oif wan1", "from 192.0.2.6"])
@pytest.mark.parametrize("source", ["", "192.0.2.6"])
def test_a_default_route_in_another_table_is_used_where_a_rule_leads_there(site, rule, source):
    only_another_table_has_the_default_route_of_wan1(site, rule)

    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]):
            path = probing.open("wan1", source=source)
            assert (await probing.hear(PathOpened)).local.host == "192.0.2.6"
            probing.send(path)
            await probing.hear(ReplyReceived)

    probe(site, scenario)


def test_without_a_route_through_the_device_a_probe_gets_no_further_than_the_link_and_nobody_says_so(site):
    only_another_table_has_the_default_route_of_wan1(site)
    site["agent"].set_sysctls(NEIGHBOURS_GIVE_UP_SOON)

    async def scenario(probing: Probing) -> None:
        probing.send(probing.open("wan1"))
        assert (await probing.hear(PathOpened)).local.host == "192.0.2.6"
        until(
            lambda: "FAILED" in site["agent"].run("ip", "neighbour", "show", "203.0.113.2", "dev", "wan1"),
            within=5.0,
            what="nobody on the link has the address of the SBC",
        )
        await asyncio.sleep(0)
        assert probing.heard.events == []

    probe(site, scenario)


def test_a_closed_path_reports_nothing_although_its_socket_held_a_datagram(site):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]) as sbc:
            path = probing.open()
            local = (await probing.hear(PathOpened)).local
            sbc.sock.sendto(b"garbage", local)
            probing.sockets.execute(ClosePath(path))
            for _ in range(10):
                await asyncio.sleep(0)
            assert probing.heard.events == []

    probe(site, scenario)


def test_an_address_that_changed_is_used_by_the_socket_that_is_opened_next(site):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]):
            path = probing.open("wan1")
            await probing.hear(PathOpened)
            ip(
                site["agent"],
                "address add 192.0.2.13/30 dev wan1",
                "address delete 192.0.2.6/30 dev wan1",
                "route replace default via 192.0.2.14 metric 200",
            )
            ip(site["router"], "address add 192.0.2.14/30 dev wan1")
            probing.sockets.execute(ClosePath(path))
            probing.open("wan1")
            assert (await probing.hear(PathOpened)).local.host == "192.0.2.13"
            probing.send(path)
            await probing.hear(ReplyReceived)

    probe(site, scenario)


def test_an_interface_that_was_made_again_is_probed_by_the_socket_that_is_opened_next(site):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]):
            path = probing.open("wan1")
            await probing.hear(PathOpened)
            ip(
                site["agent"],
                "link delete wan1",
                f"link add wan1 type veth peer name wan1 netns {site['router'].name}",
                "address add 192.0.2.6/30 dev wan1",
                "link set wan1 up",
            )
            ip(site["router"], "address add 192.0.2.5/30 dev wan1", "link set wan1 up")
            ip(site["agent"], "route add default via 192.0.2.5 metric 200")
            probing.open("wan1")
            assert (await probing.hear(PathOpened)).local.host == "192.0.2.6"
            probing.send(path)
            await probing.hear(ReplyReceived)

    probe(site, scenario)


def test_a_flood_takes_a_bounded_part_of_each_turn_of_the_loop(site):
    """These hold a branch of ours, so each of them is decoded and reported: the dearest flood there can be."""
    number = 3 * MOST_AT_ONCE

    async def scenario(probing: Probing) -> None:
        sbc = site["sbc"].socket()
        sbc.bind(SBC)
        path = probing.open()
        local = (await probing.hear(PathOpened)).local
        probing.send(path)
        for _ in range(number):
            sbc.sendto(b"garbage z9hG4bK-1", local)
        sbc.close()
        turns, before = [], 0
        while sum(turns) < number:
            await asyncio.sleep(0)
            read = sum(isinstance(event, DatagramIgnored) for event in probing.heard.events)  # ICMP may come as well
            turns.append(read - before)
            before = read
        assert max(turns) <= MOST_AT_ONCE

    probe(site, scenario)


def test_a_flood_of_garbage_is_mostly_dropped_undecoded_and_the_path_works_afterwards(site):
    async def scenario(probing: Probing) -> None:
        loop = asyncio.get_running_loop()
        with Answerer(site["sbc"]) as sbc:
            path = probing.open()
            local = (await probing.hear(PathOpened)).local
            started = loop.time()
            for sent in range(4000):
                sbc.sock.sendto(b"garbage %d" % sent, local)
                if sent % 50 == 0:
                    await asyncio.sleep(0)
            flood = await probing.heard.until(lambda event: "not decoded" in event.reason)
            assert len(flood) - 1 <= STRANGERS_PER_SECOND * (1 + loop.time() - started)
            probing.send(path)
            await probing.hear(ReplyReceived)

    probe(site, scenario)


def test_a_reply_with_our_branch_is_read_although_strangers_used_up_their_share(site):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]) as sbc:
            path = probing.open()
            local = (await probing.hear(PathOpened)).local
            for _ in range(2 * STRANGERS_PER_SECOND):
                sbc.sock.sendto(b"garbage", local)
            for _ in range(STRANGERS_PER_SECOND):
                await probing.hear(DatagramIgnored)
            probing.send(path)
            assert (await probing.hear(ReplyReceived)).reply.branch == "z9hG4bK-1"
            dropped = await probing.hear(DatagramIgnored)
            assert dropped.reason.startswith(f"{STRANGERS_PER_SECOND} messages without a branch of ours not decoded")
            assert dropped.size == STRANGERS_PER_SECOND * len(b"garbage")

    probe(site, scenario)


def test_a_datagram_that_is_no_sip_is_ignored_with_the_decoders_sentence(site):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]) as sbc:
            path = probing.open()
            local = (await probing.hear(PathOpened)).local
            sbc.sock.sendto(b"\x00\x01garbage", local)
            ignored = await probing.hear(DatagramIgnored)
            assert (ignored.path, ignored.source, ignored.size) == (path, SBC, 9)
            assert ignored.reason.startswith("cannot decode ")

    probe(site, scenario)


def test_a_ping_is_two_line_breaks_in_a_datagram(site):
    async def scenario(probing: Probing) -> None:
        with site["sbc"].socket() as sbc:
            sbc.bind(SBC)
            sbc.setblocking(False)
            probing.sockets.execute(SendCrlf(probing.open()))
            async with asyncio.timeout(5.0):
                assert await asyncio.get_running_loop().sock_recv(sbc, 100) == b"\r\n\r\n"

    probe(site, scenario)


def test_stun_and_sip_are_told_apart_on_one_socket_and_forged_stun_costs_no_more_than_garbage(site):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]) as sbc:
            path = probing.open()
            local = (await probing.hear(PathOpened)).local
            asyncio.get_running_loop().remove_reader(sbc.sock)
            probing.sockets.execute(SendBindingRequest(path, TRANSACTION))
            async with asyncio.timeout(5.0):
                asked = decode_stun(await asyncio.get_running_loop().sock_recv(sbc.sock, 100))
            mapped = Endpoint("203.0.113.77", 40001)
            for number in range(10 * STRANGERS_PER_SECOND):
                forged = StunMessage(StunClass.SUCCESS, number.to_bytes(12, "big"), xor_mapped_address=mapped)
                sbc.sock.sendto(encode_stun(forged), local)
            sbc.sock.sendto(
                encode_stun(StunMessage(StunClass.SUCCESS, asked.transaction_id, xor_mapped_address=mapped)), local
            )
            *ignored, answer = await probing.heard.until(lambda event: isinstance(event, BindingResponseReceived))
            assert answer == BindingResponseReceived(path, SBC, TRANSACTION, mapped)
            assert {type(event) for event in ignored} <= {DatagramIgnored}
            assert len(ignored) < 5 * STRANGERS_PER_SECOND
            asyncio.get_running_loop().add_reader(sbc.sock, sbc._answer)
            probing.send(path)
            await probing.hear(ReplyReceived)

    probe(site, scenario)


def test_a_datagram_from_somebody_else_never_reaches_us(site):
    async def scenario(probing: Probing) -> None:
        with Answerer(site["sbc"]), Answerer(site["sbc"], Endpoint("203.0.113.2", 5070)) as other:
            path = probing.open()
            local = (await probing.hear(PathOpened)).local
            other.sock.sendto(b"garbage", local)
            probing.send(path)
            await probing.hear(ReplyReceived)
            assert DatagramIgnored not in [type(event) for event in probing.heard.events]

    probe(site, scenario)


def test_probing_takes_no_capability_on_a_kernel_of_our_day(site):
    script = (
        "import os\n"
        "from tonekeeper.core.commands import OpenPath\n"
        "from tonekeeper.core.site import Path, Transport\n"
        "from tonekeeper.edge.sockets import open_socket\n"
        "from tonekeeper.wire.endpoint import Endpoint\n"
        "path = Path('wan1', 'primary', Transport.UDP, Endpoint('203.0.113.2', 5060))\n"
        "print(open_socket(OpenPath(path, 'wan1', '')).getsockname()[0])\n"
    )
    unprivileged = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert site["agent"].run(*unprivileged, sys.executable, "-c", script).strip() == "192.0.2.6"
