"""Look-ups against real resolvers that are made to fail in every way, over two WANs.

  agent                          router                           dns
+--------+ wan0           wan0 +--------+ dns              wan +---------+
|        +---------------------+        +----------------------+ unbound | 203.0.113.2, 2001:db8:9::2  first
|        | .2   metric 100  .1 |        | 203.0.113.1          | unbound | 203.0.113.3                 second
|        | wan1           wan1 |        |                      |         |
|        +---------------------+        |                      |         |
+--------+ .6   metric 200  .5 +--------+                      +---------+

WANs 192.0.2.0/30 and 192.0.2.4/30, 2001:db8:0::/64 and 2001:db8:1::/64
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.lab.edge_namespaces import Heard, namespaces, run_inside
from tests.lab.namespace import Namespace
from tests.lab.resolver import Failing
from tests.lab.resolver import Resolver as LabResolver
from tonekeeper.core.commands import ResolveSbc
from tonekeeper.core.events import NameFailure, SbcResolved, SbcUnresolved
from tonekeeper.core.site import Target, Transport
from tonekeeper.edge.dns import LIMIT, Resolver
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

FIRST, SECOND, FIRST_V6 = "203.0.113.2", "203.0.113.3", "2001:db8:9::2"
UDP, TLS = Transport.UDP, Transport.TLS

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
        address add 203.0.113.1/29 dev dns
        address add 2001:db8:0::1/64 dev wan0 nodad
        address add 2001:db8:1::1/64 dev wan1 nodad
        address add 2001:db8:9::1/64 dev dns nodad
        link set lo up
        link set wan0 up
        link set wan1 up
        link set dns up
    """,
    "dns": """
        address add 203.0.113.2/29 dev wan
        address add 203.0.113.3/29 dev wan
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
}

PROVIDER = (
    'example.net. 300 IN NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.example.net.',
    'example.net. 300 IN NAPTR 10 20 "s" "SIP+D2U" "" _sip._udp.example.net.',
    "_sips._tcp.example.net. 120 IN SRV 10 0 5061 a.example.net.",
    "_sip._udp.example.net. 120 IN SRV 10 60 5060 a.example.net.",
    "_sip._udp.example.net. 120 IN SRV 10 40 5060 b.example.net.",
    "_sip._udp.example.net. 120 IN SRV 20 0 5070 c.example.net.",
    "a.example.net. 60 IN A 198.51.100.1",
    "a.example.net. 60 IN AAAA 2001:db8:5::1",
    "b.example.net. 30 IN A 198.51.100.3",
    "b.example.net. 30 IN A 198.51.100.2",
    "c.example.net. 60 IN A 198.51.100.4",
)


def target(transport: Transport, host: str, port: int, priority: int = 0, weight: int = 0) -> Target:
    return Target(transport, Endpoint(host, port), priority, weight)


PLACES = (
    target(TLS, "2001:db8:5::1", 5061, 10),
    target(TLS, "198.51.100.1", 5061, 10),
    target(UDP, "2001:db8:5::1", 5060, 1 << 16 | 10, 60),
    target(UDP, "198.51.100.1", 5060, 1 << 16 | 10, 60),
    target(UDP, "198.51.100.2", 5060, 1 << 16 | 10, 40),
    target(UDP, "198.51.100.3", 5060, 1 << 16 | 10, 40),
    target(UDP, "198.51.100.4", 5070, 1 << 16 | 20),
)


@dataclass(frozen=True, slots=True)
class Site:
    agent: Namespace
    router: Namespace
    first: LabResolver
    second: LabResolver


def ip(namespace: Namespace, *lines: str) -> None:
    namespace.run("ip", "-batch", "-", stdin="\n".join(line.strip() for line in lines))


@pytest.fixture(scope="module")
def standing_site() -> Iterator[Site]:
    with namespaces("agent", "router", "dns") as made:
        agent, router, dns = made["agent"], made["router"], made["dns"]
        for namespace in made.values():
            namespace.set_sysctls(SYSCTLS)
        for wan in ("wan0", "wan1"):
            ip(agent, f"link add {wan} type veth peer name {wan} netns {router.name}")
        ip(router, f"link add dns type veth peer name wan netns {dns.name}")
        for role, namespace in made.items():
            ip(namespace, *SITE[role].strip().splitlines())
        with LabResolver(dns, FIRST, name="first") as first, LabResolver(dns, SECOND, name="second") as second:
            for resolver in (first, second):
                resolver.publish(*PROVIDER)
            yield Site(agent, router, first, second)


@pytest.fixture
def site(standing_site: Site) -> Iterator[Site]:
    yield standing_site
    for resolver in (standing_site.first, standing_site.second):
        resolver.restore()


def resolve(
    host: str = "example.net",
    port: int = 0,
    transport: Transport | None = None,
    *,
    wan: str = "wan0",
    interface: str | None = None,
    source: str = "",
    resolvers: tuple[str, ...] = (FIRST,),
) -> ResolveSbc:
    return ResolveSbc("primary", host, port, transport, wan, wan if interface is None else interface, source, resolvers)


def looked_up(
    site: Site, *commands: ResolveSbc, meanwhile: Callable[[], object] | None = None
) -> list[SbcResolved | SbcUnresolved]:
    """What is told of these look-ups, in order of WAN and resolver."""
    expected = sum(len(command.resolvers) for command in commands)

    async def scenario() -> list[SbcResolved | SbcUnresolved]:
        heard = Heard()
        resolver = Resolver(heard.report, asyncio.get_running_loop())
        for command in commands:
            resolver.execute(command)
        if meanwhile is not None:
            await asyncio.to_thread(meanwhile)
        told = [await heard.first(lambda _: True, within=2 * LIMIT) for _ in range(expected)]
        resolver.close()
        return told

    return sorted(run_inside(site.agent, scenario), key=lambda event: (event.wan, event.resolver))


def test_every_address_of_every_server_is_found_in_the_order_of_use(site):
    (event,) = looked_up(site, resolve())
    assert event == SbcResolved("primary", PLACES, "wan0", FIRST, 30.0)


@pytest.mark.parametrize(
    ("command", "targets"),
    [
        (resolve(transport=TLS), PLACES[:2]),
        (
            resolve("a.example.net", 5080),
            (target(UDP, "2001:db8:5::1", 5080), target(UDP, "198.51.100.1", 5080)),
        ),
        (resolve("c.example.net"), (target(UDP, "198.51.100.4", 5060),)),
        (resolve("c.example.net", transport=TLS), (target(TLS, "198.51.100.4", 5061),)),
    ],
    ids=["srv of a transport", "a port", "no naptr and no srv", "no srv of the transport"],
)
def test_what_the_uri_names_decides_what_is_asked(site, command, targets):
    (event,) = looked_up(site, command)
    assert event.targets == targets


@pytest.mark.parametrize("wan", ["wan0", "wan1"])
@pytest.mark.parametrize("address", [FIRST, FIRST_V6])
def test_each_wan_asks_over_itself_whichever_has_the_default_route(site, wan, address):
    with LabResolver(site.first.namespace, FIRST_V6, name="v6") as over_ipv6:
        over_ipv6.publish(*PROVIDER)
        other = "wan1" if wan == "wan0" else "wan0"
        site.router.nft(
            f"table inet watch {{ chain forward {{ type filter hook prerouting priority -400; "
            f"iifname {other} udp dport 53 drop; }}; }}"
        )
        try:
            (event,) = looked_up(site, resolve(wan=wan, resolvers=(address,)))
        finally:
            site.router.run("nft", "delete", "table", "inet", "watch")
        assert isinstance(event, SbcResolved), event


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        (Failing.SERVFAIL, NameFailure.SERVFAIL),
        (Failing.REFUSED, NameFailure.REFUSED),
        (Failing.NXDOMAIN, NameFailure.NXDOMAIN),
        (Failing.EMPTY, NameFailure.EMPTY),
        (Failing.SILENT, NameFailure.TIMEOUT),
    ],
)
def test_a_resolver_that_fails_is_told_by_the_way_it_fails(site, how, failure):
    site.first.fail(how)
    (event,) = looked_up(site, resolve())
    assert (event.wan, event.resolver, event.failure) == ("wan0", FIRST, failure)
    assert event.reason.startswith("cannot locate 'example.net': ")


def test_a_resolver_that_is_gone_is_known_at_once(site):
    site.first.stop()
    began = time.monotonic()
    (event,) = looked_up(site, resolve())
    assert event.failure is NameFailure.UNREACHABLE
    assert event.reason == (
        "cannot locate 'example.net': NAPTR example.net: the resolver cannot be reached (Connection refused)"
    )
    assert time.monotonic() - began < LIMIT / 2


def test_a_resolver_that_hangs_is_given_up_after_two_seconds(site):
    site.first.freeze()
    began = time.monotonic()
    (event,) = looked_up(site, resolve())
    assert event.failure is NameFailure.TIMEOUT
    assert LIMIT <= time.monotonic() - began < 2 * LIMIT


def test_a_resolver_that_takes_three_seconds_is_none(site):
    site.first.answer_late(3.0)
    (event,) = looked_up(site, resolve())
    assert event.failure is NameFailure.TIMEOUT


def test_a_resolver_that_takes_half_a_second_leads_through_all_three_steps(site):
    site.first.answer_late(0.5)
    (event,) = looked_up(site, resolve())
    assert event.targets == PLACES


def test_a_lie_is_told_as_it_is_for_only_sip_can_find_it_out(site):
    site.first.lie("198.51.100.99")
    (event,) = looked_up(site, resolve())
    assert event == SbcResolved("primary", (target(UDP, "198.51.100.99", 5060),), "wan0", FIRST, 5.0)


def test_truncated_answers_are_fetched_over_tcp(site):
    site.first.truncate()
    (event,) = looked_up(site, resolve())
    assert event.targets == PLACES


def test_a_hundred_servers_are_cut_off_behind_the_best(site):
    site.first.publish(
        *(f"_sip._udp.many.example.net. 60 IN SRV {n} 0 5060 h{n}.many.example.net." for n in range(100)),
        *(f"h{n}.many.example.net. 60 IN A 198.51.100.{n}" for n in range(1, 100)),
        "h0.many.example.net. 60 IN A 198.51.100.100",
    )
    (event,) = looked_up(site, resolve("many.example.net"))
    assert [place.priority for place in event.targets] == list(range(16))


def test_records_that_change_are_seen_by_the_next_look_up(site):
    site.first.publish("moving.example.net. 60 IN A 198.51.100.7")
    (before,) = looked_up(site, resolve("moving.example.net", 5060))
    site.first.withdraw("moving.example.net")
    site.first.publish("moving.example.net. 60 IN A 198.51.100.8")
    (after,) = looked_up(site, resolve("moving.example.net", 5060))
    assert [place.address.host for place in (*before.targets, *after.targets)] == ["198.51.100.7", "198.51.100.8"]


def test_of_two_wans_the_one_whose_dns_is_broken_is_named_and_the_other_is_not_delayed(site):
    site.first.freeze()
    began = time.monotonic()
    times: dict[str, float] = {}

    async def scenario() -> list[SbcResolved | SbcUnresolved]:
        heard = Heard()
        resolver = Resolver(heard.report, asyncio.get_running_loop())
        resolver.execute(resolve(wan="wan0", resolvers=(FIRST,)))
        resolver.execute(resolve(wan="wan1", resolvers=(SECOND,)))
        told = []
        for _ in range(2):
            told.append(await heard.first(lambda _: True))
            times[told[-1].wan] = time.monotonic() - began
        return told

    healthy, broken = run_inside(site.agent, scenario)
    assert (healthy.wan, healthy.resolver, healthy.targets) == ("wan1", SECOND, PLACES)
    assert (broken.wan, broken.resolver, broken.failure) == ("wan0", FIRST, NameFailure.TIMEOUT)
    assert times["wan1"] < LIMIT <= times["wan0"]


def test_both_resolvers_of_a_wan_are_asked_and_both_are_heard(site):
    site.first.fail(Failing.REFUSED)
    refused, resolved = looked_up(site, resolve(resolvers=(FIRST, SECOND)))
    assert (refused.resolver, refused.failure) == (FIRST, NameFailure.REFUSED)
    assert (resolved.resolver, resolved.targets) == (SECOND, PLACES)


def test_a_firewall_that_refuses_dns_is_known_at_once(site):
    site.router.nft(
        "table inet wall { chain forward { type filter hook forward priority 0; "
        "udp dport 53 reject with icmp type admin-prohibited; }; }"
    )
    try:
        began = time.monotonic()
        (event,) = looked_up(site, resolve())
    finally:
        site.router.run("nft", "delete", "table", "inet", "wall")
    assert event.failure is NameFailure.UNREACHABLE
    assert time.monotonic() - began < LIMIT / 2


def test_every_second_question_lost_is_made_up_for_by_sending_again(site):
    site.router.nft(
        "table inet lossy { chain forward { type filter hook forward priority 0; "
        "udp dport 53 numgen inc mod 2 < 1 drop; }; }"
    )
    try:
        (event,) = looked_up(site, resolve("c.example.net", 5060))
    finally:
        site.router.run("nft", "delete", "table", "inet", "lossy")
    assert event.targets == (target(UDP, "198.51.100.4", 5060),)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (resolve(interface="wan7"), "No such device"),
        (resolve(source="192.0.2.99"), "Cannot assign requested address"),
    ],
)
def test_a_wan_that_is_not_there_cannot_ask(site, command, reason):
    (event,) = looked_up(site, command)
    assert event.failure is NameFailure.UNREACHABLE
    assert event.reason.endswith(f"the resolver cannot be reached ({reason})")


def test_the_source_of_the_wan_is_used(site):
    ip(site.agent, "address add 192.0.2.10/32 dev wan0")
    ip(site.router, "route add 192.0.2.10/32 dev wan0")
    site.router.nft(
        "table inet watch { chain forward { type filter hook forward priority 0; "
        "udp dport 53 ip saddr != 192.0.2.10 drop; }; }"
    )
    try:
        (event,) = looked_up(site, resolve(source="192.0.2.10"))
    finally:
        site.router.run("nft", "delete", "table", "inet", "watch")
    assert event.targets == PLACES


def test_asking_takes_no_capability_on_a_kernel_of_our_day(site):
    script = f"""
import asyncio
from tonekeeper.core.commands import ResolveSbc
from tonekeeper.edge.dns import Resolver

async def scenario():
    told = asyncio.get_running_loop().create_future()
    resolver = Resolver(told.set_result, asyncio.get_running_loop())
    resolver.execute(ResolveSbc("primary", "c.example.net", 5060, None, "wan1", "wan1", "", ("{SECOND}",)))
    print((await told).targets[0].address)

asyncio.run(scenario())
"""
    unprivileged = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert site.agent.run(*unprivileged, sys.executable, "-c", script).strip() == "198.51.100.4:5060"
