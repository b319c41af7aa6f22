"""Flows through a router that hides a phone behind its WAN address, as the kernel tracks them.

 phone                 router                       sbc
+------+ lan     lan +--------+ wan          wan +--------+
|   .7 +--10.0.0/24--+ .1  .2 +--192.0.2.0/30----+ .1     |  lo: 203.0.113.10, 203.0.113.11
|      |             |        |                  |        |      2001:db8:5bc::10
+------+             +--------+                  +--------+
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator

import pytest

from tests.lab.edge_namespaces import Heard, namespaces, run_inside
from tests.lab.namespace import Namespace
from tonekeeper.core.commands import DeleteFlows, ListFlows
from tonekeeper.core.events import FlowsDeleted, FlowsListed
from tonekeeper.core.kernel import Flow, Protocol
from tonekeeper.edge.conntrack import Conntrack

pytestmark = pytest.mark.lab

PRIMARY, ALTERNATE, PRIMARY_V6 = "203.0.113.10", "203.0.113.11", "2001:db8:5bc::10"
MASQUERADE = """
table inet nat {
    chain postrouting {
        type nat hook postrouting priority srcnat
        oifname "wan" masquerade
    }
}
"""


@pytest.fixture
def site() -> Iterator[dict[str, Namespace]]:
    with namespaces("phone", "router", "sbc") as made:
        phone, router, sbc = made["phone"], made["router"], made["sbc"]
        for namespace in made.values():
            namespace.set_sysctls({"net.ipv6.conf.all.accept_dad": "0", "net.ipv6.conf.default.accept_dad": "0"})
            namespace.set_sysctls({"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"})
        ip(router, f"link add lan type veth peer name lan netns {phone.name}")
        ip(router, f"link add wan type veth peer name wan netns {sbc.name}")
        ip(phone, *addressed("lan", "10.0.0.7/24", "2001:db8:1a::7/64"))
        ip(router, *addressed("lan", "10.0.0.1/24", "2001:db8:1a::1/64"))
        ip(router, *addressed("wan", "192.0.2.2/30", "2001:db8:a::2/64"))
        ip(sbc, *addressed("wan", "192.0.2.1/30", "2001:db8:a::1/64"))
        ip(sbc, *addressed("lo", f"{PRIMARY}/32", f"{ALTERNATE}/32", f"{PRIMARY_V6}/128"))
        ip(phone, "route add default via 10.0.0.1", "route add default via 2001:db8:1a::1")
        ip(router, "route add default via 192.0.2.1", "route add default via 2001:db8:a::1")
        router.nft(MASQUERADE)
        router.set_sysctls({"net.netfilter.nf_conntrack_acct": "1"})
        yield made


def addressed(interface: str, *addresses: str) -> list[str]:
    return [f"link set {interface} up", *(f"address add {address} dev {interface}" for address in addresses)]


def ip(namespace: Namespace, *lines: str) -> None:
    namespace.run("ip", "-batch", "-", stdin="\n".join(lines))


class Conversation:
    """Datagrams between a port of the phone and one of an SBC."""

    def __init__(self, site: dict[str, Namespace], sbc: str, port: int = 5060, phone_port: int = 5060) -> None:
        family = socket.AF_INET6 if ":" in sbc else socket.AF_INET
        self._phone, self._sbc = site["phone"].socket(family), site["sbc"].socket(family)
        self._to = (sbc, port)
        self._phone.bind(("", phone_port))
        self._sbc.bind(self._to)
        self._sbc.settimeout(5.0)
        self._phone.settimeout(5.0)

    def ask(self) -> tuple[str, int]:
        """One datagram to the SBC; where it seems to come from."""
        self._phone.sendto(b"?", self._to)
        _, (host, port, *_) = self._sbc.recvfrom(10)
        return host, port

    def ask_and_answer(self) -> None:
        self._sbc.sendto(b"!", self.ask())
        self._phone.recv(10)

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self._phone.close()
        self._sbc.close()


def execute(site: dict[str, Namespace], *commands: ListFlows | DeleteFlows) -> list[object]:
    """The answers to `commands` given at once to an adapter on the router."""

    async def run() -> list[object]:
        heard = Heard()
        conntrack = Conntrack(heard.report)
        for command in commands:
            conntrack.execute(command)
        answers = [await heard.first(lambda event: True) for _ in commands]
        conntrack.close()
        return answers

    return run_inside(site["router"], run)


def listed(site: dict[str, Namespace], *destinations: str) -> tuple[Flow, ...]:
    (answer,) = execute(site, ListFlows(destinations))
    assert isinstance(answer, FlowsListed)
    return answer.flows


def sip(destination: str, nat_source: str, **more: int) -> Flow:
    source = "2001:db8:1a::7" if ":" in destination else "10.0.0.7"
    return Flow(Protocol.UDP, source, 5060, destination, 5060, nat_source, 5060, **more)


def test_flows_to_an_address_are_listed_with_their_nat_address_and_counters(site):
    with Conversation(site, PRIMARY) as primary, Conversation(site, ALTERNATE, phone_port=5062) as alternate:
        primary.ask()
        primary.ask_and_answer()
        alternate.ask()
    assert listed(site, PRIMARY) == (sip(PRIMARY, "192.0.2.2", packets_out=2, packets_in=1),)
    assert [flow.source_port for flow in listed(site, ALTERNATE)] == [5062]
    assert listed(site, "203.0.113.12") == ()


def test_ipv6_flows_are_listed_as_well(site):
    with Conversation(site, PRIMARY_V6) as conversation:
        conversation.ask_and_answer()
    assert listed(site, PRIMARY_V6) == (sip(PRIMARY_V6, "2001:db8:a::2", packets_out=1, packets_in=1),)
    assert listed(site, "2001:db8:5bc::/48") == listed(site, PRIMARY_V6)
    assert listed(site, "2001:db8:5bd::/48") == ()


def test_a_network_and_overlapping_destinations_list_each_flow_once(site):
    with Conversation(site, PRIMARY) as primary, Conversation(site, ALTERNATE, phone_port=5062) as alternate:
        primary.ask()
        alternate.ask()
    both = listed(site, PRIMARY, ALTERNATE)
    assert len(both) == 2
    for destinations in (("203.0.113.0/24",), ("203.0.113.10/31", PRIMARY), ("0.0.0.0/0",), ("203.0.113.8/29",)):
        assert set(listed(site, *destinations)) == set(both)
    assert listed(site, "203.0.113.16/28") == ()


def test_tcp_flows_are_listed_as_well(site):
    listener = site["sbc"].socket(kind=socket.SOCK_STREAM)
    caller = site["phone"].socket(kind=socket.SOCK_STREAM)
    with listener, caller:
        listener.bind((PRIMARY, 5060))
        listener.listen()
        caller.connect((PRIMARY, 5060))
        (flow,) = listed(site, PRIMARY)
    assert flow.protocol is Protocol.TCP
    assert flow.packets_out is not None


def test_without_accounting_the_counters_are_unknown(site):
    site["router"].set_sysctls({"net.netfilter.nf_conntrack_acct": "0"})
    with Conversation(site, PRIMARY) as conversation:
        conversation.ask()
    assert listed(site, PRIMARY) == (sip(PRIMARY, "192.0.2.2"),)


def test_only_the_named_flows_are_deleted(site):
    with (
        Conversation(site, PRIMARY) as primary,
        Conversation(site, PRIMARY, port=30000, phone_port=11780) as media,
        Conversation(site, PRIMARY_V6, phone_port=5062) as primary_v6,
    ):
        for conversation in (primary, media, primary_v6):
            conversation.ask_and_answer()
        before = listed(site, PRIMARY, PRIMARY_V6)
        stale = tuple(flow for flow in before if flow.destination_port == 5060)
        assert execute(site, DeleteFlows(stale)) == [FlowsDeleted(2)]
        assert listed(site, PRIMARY, PRIMARY_V6) == tuple(flow for flow in before if flow not in stale)
        assert execute(site, DeleteFlows(stale)) == [FlowsDeleted(2)]


def test_a_deleted_flow_takes_the_new_nat_address_with_its_next_packet(site):
    with Conversation(site, PRIMARY) as conversation:
        assert conversation.ask() == ("192.0.2.2", 5060)
        router, before = site["router"], listed(site, PRIMARY)
        router.nft('add rule inet nat postrouting oifname "wan" counter')
        router.nft('insert rule inet nat postrouting oifname "wan" meta l4proto udp snat ip to 192.0.2.2:61000-61100')
        assert conversation.ask() == ("192.0.2.2", 5060)
        execute(site, DeleteFlows(before))
        assert conversation.ask()[1] != 5060


def test_zone_and_mark_are_part_of_a_flow(site):
    site["router"].nft(
        "table ip zones { chain raw { type filter hook prerouting priority raw; "
        f"ip saddr 10.0.0.7 ip daddr {PRIMARY} ct zone set 7; }}; "
        "chain mangle { type filter hook prerouting priority mangle; ct mark set 0x2a00; }; }"
    )
    with Conversation(site, PRIMARY) as in_zone, Conversation(site, ALTERNATE, phone_port=5062) as in_default_zone:
        in_zone.ask()
        in_default_zone.ask()
    (flow,) = listed(site, PRIMARY)
    assert (flow.zone, flow.mark) == (7, 0x2A00)
    execute(site, DeleteFlows((Flow(**{name: getattr(flow, name) for name in Flow.__slots__} | {"zone": 8}),)))
    assert len(listed(site, PRIMARY)) == 1
    execute(site, DeleteFlows((flow,)))
    assert listed(site, PRIMARY) == ()
    assert len(listed(site, ALTERNATE)) == 1


def test_commands_are_answered_in_order(site):
    with Conversation(site, PRIMARY) as conversation:
        conversation.ask()
    flows = listed(site, PRIMARY)
    commands = (ListFlows((PRIMARY,)), DeleteFlows(flows), ListFlows((PRIMARY, ALTERNATE)), DeleteFlows(()))
    assert execute(site, *commands) == [FlowsListed(flows), FlowsDeleted(1), FlowsListed(()), FlowsDeleted(0)]


def test_without_the_capability_conntrack_is_unavailable(site):
    script = (
        "import asyncio\n"
        "from tonekeeper.core.commands import ListFlows\n"
        "from tonekeeper.edge.conntrack import Conntrack\n"
        "async def run():\n"
        "    told = asyncio.get_running_loop().create_future()\n"
        "    conntrack = Conntrack(told.set_result)\n"
        "    conntrack.execute(ListFlows(('203.0.113.10',)))\n"
        "    answer = await told\n"
        "    print(answer.errno, answer.reason)\n"
        "asyncio.run(run())\n"
    )
    unprivileged = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    number, reason = site["router"].run(*unprivileged, sys.executable, "-c", script).split(maxsplit=1)
    assert int(number) == errno.EPERM
    assert "cannot list the tracked flows" in reason
    assert "CAP_NET_ADMIN" in reason
