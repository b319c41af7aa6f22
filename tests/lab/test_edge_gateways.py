"""How packets leave through each WAN, as the watch tells it: one namespace with two WANs and their far ends.

  agent                             far
+--------+ wan0              wan0 +--------+
|     .2 +---- 192.0.2.0/30 ------+ .1     |
|    ::2 |     2001:db8:a::/64    | ::1    |
|        | wan1              wan1 |        |
|     .6 +---- 192.0.2.4/30 ------+ .5     |
+--------+                        +--------+
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator

import pytest

from tests.lab.edge_namespaces import Heard, namespaces, run_inside
from tests.lab.namespace import Namespace
from tonekeeper.core.events import Event, GatewayChanged, LinkChanged, ReversePathFilterRead, RoutingChanged
from tonekeeper.edge.netlink import LinkWatch
from tonekeeper.edge.netlink.links import RECEIVE_BUFFER

pytestmark = pytest.mark.lab

BURST = 10_000


@pytest.fixture
def agent() -> Iterator[Namespace]:
    with namespaces("agent", "far") as made:
        near, far = made["agent"], made["far"]
        for namespace in (near, far):
            namespace.set_sysctls({"net.ipv6.conf.all.accept_dad": "0", "net.ipv6.conf.default.accept_dad": "0"})
            namespace.set_sysctls({"net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.default.rp_filter": "0"})
        ip(near, *(f"link add {wan} type veth peer name {wan} netns {far.name}" for wan in ("wan0", "wan1")))
        ip(far, "link set wan0 up", "link set wan1 up")
        ip(near, "link set lo up", "link set wan0 up", "link set wan1 up")
        ip(near, "address add 192.0.2.2/30 dev wan0", "address add 192.0.2.6/30 dev wan1")
        ip(near, "address add 2001:db8:a::2/64 dev wan0")
        yield near


def ip(namespace: Namespace, *lines: str, within: float = 10.0) -> None:
    namespace.run("ip", "-batch", "-", stdin="\n".join(lines), within=within)


def gateway(interface: str, v4: str | None = None, v6: str | None = None) -> GatewayChanged:
    return GatewayChanged(interface, v4, v6)


class Watching:
    """What a watch of wan0 and wan1 in the agent's namespace tells, from the first word."""

    def __init__(self, agent: Namespace) -> None:
        self._agent = agent
        self.heard = Heard()

    def report(self, event: Event) -> None:
        """What is told of routes and rules has its own tests (test_edge_routing.py)."""
        if not isinstance(event, RoutingChanged):
            self.heard.report(event)

    async def after(self, *lines: str, first: type[Event] = GatewayChanged) -> Event:
        """The next event of this kind after these `ip` commands."""
        ip(self._agent, *lines)
        return await self.heard.first(lambda event: isinstance(event, first))


def watch(agent: Namespace, scenario: Callable[[Watching], Coroutine[object, object, None]]) -> None:
    async def run() -> None:
        watching = Watching(agent)
        links = LinkWatch(["wan0", "wan1"], watching.report)
        links.start()
        try:
            await scenario(watching)
        finally:
            links.close()

    run_inside(agent, run)


def at_the_start(agent: Namespace, *lines: str) -> dict[str, GatewayChanged]:
    """The gateways told first when these routes stand before."""
    ip(agent, *lines)
    told: dict[str, GatewayChanged] = {}

    async def scenario(watching: Watching) -> None:
        for _ in range(2):
            event = await watching.heard.first(lambda event: isinstance(event, GatewayChanged))
            told[event.interface] = event

    watch(agent, scenario)
    return told


@pytest.mark.parametrize(
    ("routes", "wan0", "wan1"),
    [
        ((), gateway("wan0"), gateway("wan1")),
        (
            ("default via 192.0.2.1 metric 100", "default via 192.0.2.5 metric 200", "default via 2001:db8:a::1"),
            gateway("wan0", "192.0.2.1", "2001:db8:a::1"),
            gateway("wan1", "192.0.2.5"),
        ),
        (("default dev wan1",), gateway("wan0"), gateway("wan1", "")),
        (
            ("default nexthop via 192.0.2.1 weight 1 nexthop via 192.0.2.5 weight 9",),
            gateway("wan0", "192.0.2.1"),
            gateway("wan1", "192.0.2.5"),
        ),
        (("default via 198.51.100.1 dev wan1 onlink",), gateway("wan0"), gateway("wan1", "198.51.100.1")),
        (("0.0.0.0/0 via inet6 2001:db8:a::9 dev wan0",), gateway("wan0", "2001:db8:a::9"), gateway("wan1")),
        (("default via 192.0.2.5 table 100",), gateway("wan0"), gateway("wan1", "192.0.2.5")),
        (
            ("default via 192.0.2.5 metric 9", "default dev wan1 table 100", "default dev wan1 metric 10"),
            gateway("wan0"),
            gateway("wan1", "192.0.2.5"),
        ),
        (("default via 192.0.2.5 table 7062 proto 106",), gateway("wan0"), gateway("wan1")),
        (
            ("unreachable default", "0.0.0.0/1 via 192.0.2.5", "::/1 via 2001:db8:a::1"),
            gateway("wan0"),
            gateway("wan1"),
        ),
    ],
    ids=[
        "none",
        "one each",
        "no gateway needed",
        "several next hops",
        "on link",
        "IPv4 via IPv6",
        "another table",
        "the main table, the lowest metric",
        "our own",
        "no default route at all",
    ],
)
def test_at_the_start_the_gateway_of_each_wan_is_told(agent, routes, wan0, wan1):
    assert at_the_start(agent, *(f"route add {route}" for route in routes)) == {"wan0": wan0, "wan1": wan1}


def test_a_gateway_that_comes_changes_and_goes_is_told_each_time(agent):
    async def scenario(watching: Watching) -> None:
        await watching.heard.first(lambda event: event == gateway("wan1"))
        assert await watching.after("route add default via 192.0.2.1") == gateway("wan0", "192.0.2.1")
        with_ipv6 = await watching.after("route add default via 2001:db8:a::1")
        assert with_ipv6 == gateway("wan0", "192.0.2.1", "2001:db8:a::1")
        changed = await watching.after("route replace default via 2001:db8:a::7")
        assert changed == gateway("wan0", "192.0.2.1", "2001:db8:a::7")
        assert await watching.after("route delete default via 192.0.2.1") == gateway("wan0", None, "2001:db8:a::7")

    watch(agent, scenario)


def test_routes_that_go_with_their_link_without_a_word_are_noticed(agent):
    ip(agent, "route add default via 192.0.2.1")

    async def scenario(watching: Watching) -> None:
        await watching.heard.first(lambda event: event == gateway("wan1"))
        assert await watching.after("link set wan0 down") == gateway("wan0")
        assert await watching.after("link set wan0 up", "route add default dev wan0") == gateway("wan0", "")
        assert await watching.after("link delete wan0") == gateway("wan0")

    watch(agent, scenario)


def test_a_link_is_told_before_its_gateway_and_its_filter(agent):
    ip(agent, "route add default via 192.0.2.1")

    async def scenario(watching: Watching) -> None:
        told = await watching.heard.until(lambda event: event == ReversePathFilterRead("wan1", 0))
        assert [type(event) for event in told] == [LinkChanged] * 2 + [GatewayChanged] * 2 + [ReversePathFilterRead] * 2

    watch(agent, scenario)


def test_what_does_not_change_a_gateway_is_not_told(agent):
    ip(agent, "route add default via 192.0.2.1 metric 50")

    async def scenario(watching: Watching) -> None:
        await watching.heard.first(lambda event: event == ReversePathFilterRead("wan1", 0))
        ip(
            agent,
            "route add 198.51.100.0/24 via 192.0.2.1",
            "route add default via 192.0.2.9 dev wan0 onlink metric 60",
            "route add default via 192.0.2.5 table 7062 proto 106",
            "rule add from 10.0.0.0/8 lookup 100",
        )
        assert await watching.after("route add default via 192.0.2.5") == gateway("wan1", "192.0.2.5")
        assert watching.heard.events == []

    watch(agent, scenario)


def test_a_changed_filter_is_told_and_so_is_that_of_a_link_made_again(agent):
    async def scenario(watching: Watching) -> None:
        await watching.heard.first(lambda event: event == ReversePathFilterRead("wan1", 0))
        agent.set_sysctls({"net.ipv4.conf.wan1.rp_filter": "1"})
        assert await watching.after(first=ReversePathFilterRead) == ReversePathFilterRead("wan1", 1)
        agent.set_sysctls({"net.ipv4.conf.all.rp_filter": "2"})
        both = {await watching.after(first=ReversePathFilterRead), await watching.after(first=ReversePathFilterRead)}
        assert both == {ReversePathFilterRead("wan0", 2), ReversePathFilterRead("wan1", 2)}
        again = await watching.after("link delete wan1", "link add wan1 type bridge", first=ReversePathFilterRead)
        assert again == ReversePathFilterRead("wan1", 2)

    watch(agent, scenario)


def burst() -> Iterator[str]:
    """BURST events and some: addresses, routes, default routes, names, carriers; and what stands in the end."""
    for number in range(BURST // 10):
        low = f"{number // 250}.{number % 250}"
        yield f"address add 198.51.{low}/32 dev wan1"
        yield f"route add 198.18.{low}/32 via 192.0.2.1"
        yield f"route replace default via 192.0.2.{10 + number % 2} dev wan0 onlink"
        yield f"link set wan1 alias number{number}"
        yield "link set wan1 down"
        yield "link set wan1 up"
        yield f"route delete 198.18.{low}/32 via 192.0.2.1"
        yield f"address delete 198.51.{low}/32 dev wan1"
    yield "route replace default via 192.0.2.9 dev wan0 onlink"
    yield "address add 203.0.113.9/32 dev wan1"


@pytest.mark.parametrize("receive_buffer", [RECEIVE_BUFFER, 8192], ids=["all at once", "with overruns"])
def test_in_the_end_nothing_of_a_burst_is_lost(agent, receive_buffer):
    known: dict[tuple[type[Event], str], Event] = {}
    expected = {
        (LinkChanged, "wan0"): LinkChanged("wan0", True, True, ("192.0.2.2", "2001:db8:a::2")),
        (LinkChanged, "wan1"): LinkChanged("wan1", True, True, ("192.0.2.6", "203.0.113.9")),
        (GatewayChanged, "wan0"): gateway("wan0", "192.0.2.9"),
        (GatewayChanged, "wan1"): gateway("wan1"),
        (ReversePathFilterRead, "wan0"): ReversePathFilterRead("wan0", 0),
        (ReversePathFilterRead, "wan1"): ReversePathFilterRead("wan1", 0),
    }

    async def run() -> None:
        heard = Heard()

        def report(event: LinkChanged | GatewayChanged | ReversePathFilterRead | RoutingChanged) -> None:
            if not isinstance(event, RoutingChanged):
                known[type(event), event.interface] = event
                heard.report(event)

        links = LinkWatch(["wan0", "wan1"], report, receive_buffer=receive_buffer)
        links.start()
        await asyncio.get_running_loop().run_in_executor(None, lambda: ip(agent, *burst(), within=60))
        await heard.first(lambda _: known == expected, within=20)
        links.close()

    run_inside(agent, run)
