"""Changes of routes and rules, as the watch tells them: whose they are, together, and none that we make ourselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator

import pytest

from tests.lab.edge_namespaces import Heard, namespaces, run_inside
from tests.lab.namespace import Namespace
from tonekeeper.core.events import Event, RoutingChanged, RoutingPart
from tonekeeper.core.kernel import EMPTY_PLAN, HostRoute, KernelPlan, WanTable
from tonekeeper.edge.netlink import LinkWatch
from tonekeeper.edge.routes import apply_plan

pytestmark = pytest.mark.lab

PLAN = KernelPlan(
    tables=(WanTable("wan0", "192.0.2.1", "2001:db8:a::1"),),
    routes=(HostRoute("203.0.113.10", "wan0"), HostRoute("2001:db8:5bc::10", "wan0")),
)
OUR_ROUTES, OUR_RULES = RoutingChanged(RoutingPart.ROUTES, ours=True), RoutingChanged(RoutingPart.RULES, ours=True)
ROUTES, RULES = RoutingChanged(RoutingPart.ROUTES, ours=False), RoutingChanged(RoutingPart.RULES, ours=False)
BURST = 10_000


@pytest.fixture
def agent() -> Iterator[Namespace]:
    """One WAN that is up, with a plan of ours in force."""
    with namespaces("agent", "far") as made:
        near, far = made["agent"], made["far"]
        near.set_sysctls({"net.ipv6.conf.all.accept_dad": "0", "net.ipv6.conf.default.accept_dad": "0"})
        ip(near, f"link add wan0 type veth peer name wan0 netns {far.name}")
        ip(far, "link set wan0 up")
        ip(near, "link set lo up", "link set wan0 up", "address add 192.0.2.2/30 dev wan0")
        ip(near, "address add 2001:db8:a::2/64 dev wan0")
        near.inside(lambda: apply_plan(PLAN))
        yield near


def ip(namespace: Namespace, *lines: str, within: float = 10.0) -> None:
    namespace.run("ip", "-batch", "-", stdin="\n".join(lines), within=within)


class Watching:
    """What the watch tells of routes and rules from now on."""

    def __init__(self, agent: Namespace) -> None:
        self._agent = agent
        self.heard = Heard()
        self._ready = asyncio.Event()

    def report(self, event: Event) -> None:
        if isinstance(event, RoutingChanged):
            self.heard.report(event)
        else:
            self._ready.set()

    async def ready(self) -> None:
        await self._ready.wait()

    async def after(self, *lines: str) -> RoutingChanged:
        ip(self._agent, *lines)
        return await self.next()

    async def next(self) -> RoutingChanged:
        return await self.heard.first(lambda event: True)


def watch(
    agent: Namespace, scenario: Callable[[Watching], Coroutine[object, object, None]], receive_buffer: int = 1 << 20
) -> None:
    async def run() -> None:
        watching = Watching(agent)
        links = LinkWatch(["wan0"], watching.report, receive_buffer=receive_buffer)
        links.start()
        try:
            await watching.ready()
            await scenario(watching)
        finally:
            links.close()

    run_inside(agent, run)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("rule delete priority 7070", OUR_RULES),
        ("-6 rule delete priority 7070", OUR_RULES),
        ("rule add from 10.0.0.0/8 lookup 100 priority 7060", OUR_RULES),
        ("route delete 203.0.113.10 table 7060", OUR_ROUTES),
        ("-6 route delete 2001:db8:5bc::10 table 7060", OUR_ROUTES),
        ("route replace 203.0.113.10 dev wan0 table 7060 metric 7060", OUR_ROUTES),
        ("-6 route replace 2001:db8:5bc::10 dev wan0 table 7060 metric 7060", OUR_ROUTES),
        ("route add 198.51.100.0/24 dev wan0 proto 106", OUR_ROUTES),
        ("rule add from 10.0.0.0/8 lookup 100 priority 100", RULES),
        ("-6 rule add from 2001:db8:77::/64 lookup 100 priority 100", RULES),
        ("route add default via 192.0.2.1", ROUTES),
        ("route add 198.51.100.0/24 via 192.0.2.1 table 100", ROUTES),
        ("-6 route add 2001:db8:77::/64 via 2001:db8:a::1", ROUTES),
    ],
)
def test_a_change_is_told_and_whether_it_was_ours(agent, change, told):
    async def scenario(watching: Watching) -> None:
        agent.run("ip", *change.split())
        assert await watching.next() == told
        assert watching.heard.events == []

    watch(agent, scenario)


def test_what_we_change_ourselves_is_not_told(agent):
    async def scenario(watching: Watching) -> None:
        assert apply_plan(EMPTY_PLAN) > 0
        assert apply_plan(PLAN) > 0
        assert await watching.after("rule add from 10.0.0.0/8 lookup 100 priority 100") == RULES
        assert watching.heard.events == []

    watch(agent, scenario)


def test_routes_that_follow_from_an_address_are_not_told(agent):
    async def scenario(watching: Watching) -> None:
        told = await watching.after(
            "address add 198.51.100.2/24 dev wan0",
            "address add 2001:db8:b::2/64 dev wan0",
            "rule add from 10.0.0.0/8 lookup 100 priority 100",
        )
        assert told == RULES
        assert watching.heard.events == []

    watch(agent, scenario)


def test_what_changes_in_a_moment_is_told_together(agent):
    async def scenario(watching: Watching) -> None:
        foreign = "rule add from 10.0.0.0/8 lookup 100 priority 100"
        ip(agent, foreign, "route flush table 7060", "rule delete priority 7070")
        told = {await watching.next(), await watching.next()}
        assert told == {OUR_ROUTES, OUR_RULES}
        assert watching.heard.events == []

    watch(agent, scenario)


def test_our_routes_that_go_with_a_link_are_told_after_the_link(agent):
    order: list[Event] = []

    async def run() -> None:
        heard = Heard()

        def report(event: Event) -> None:
            order.append(event)
            heard.report(event)

        links = LinkWatch(["wan0"], report)
        links.start()
        await heard.first(lambda event: True)
        ip(agent, "link set wan0 down")
        told = await heard.until(lambda event: event == OUR_ROUTES)
        assert any(getattr(event, "carrier", True) is False for event in told)
        links.close()

    run_inside(agent, run)


def burst() -> Iterator[str]:
    for number in range(BURST // 4):
        low = f"{number // 250}.{number % 250}"
        yield f"route add 198.18.{low}/32 via 192.0.2.1"
        yield f"rule add from 10.0.{low} lookup 100 priority 100"
        yield f"route delete 198.18.{low}/32 via 192.0.2.1"
        yield f"rule delete from 10.0.{low} lookup 100 priority 100"


@pytest.mark.parametrize("receive_buffer", [1 << 22, 8192], ids=["all at once", "with overruns"])
def test_after_a_burst_of_others_changes_one_of_ours_is_not_missed(agent, receive_buffer):
    events: list[RoutingChanged] = []

    async def scenario(watching: Watching) -> None:
        loop = asyncio.get_running_loop()
        lines = [*burst(), "rule delete priority 7070"]
        await loop.run_in_executor(None, lambda: ip(agent, *lines, within=60))
        events.extend(await watching.heard.until(lambda event: event == OUR_RULES, within=20))

    watch(agent, scenario, receive_buffer)
    assert len(events) < BURST // 4
