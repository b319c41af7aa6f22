"""What the kernel says about interfaces, through netlink: one namespace with two WANs, and one with their far ends.

  agent                          far
+--------+ wan0           wan0 +--------+
|        +---------------------+        |
|        | wan1           wan1 |        |
|        +---------------------+        |
+--------+                     +--------+
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.edge_namespaces import Heard, namespaces, run_inside
from tests.lab.namespace import Namespace
from tonekeeper.core.events import Event, LinkChanged
from tonekeeper.edge.netlink import LinkWatch, default_route_interface

pytestmark = pytest.mark.lab

NO_DAD = {"net.ipv6.conf.all.accept_dad": "0", "net.ipv6.conf.default.accept_dad": "0"}


@pytest.fixture
def line():
    """The agent's namespace and the far one; wan0 is up and has an address, wan1 is as it was made."""
    with namespaces("agent", "far") as made:
        agent, far = made["agent"], made["far"]
        agent.set_sysctls(NO_DAD)
        for wan in ("wan0", "wan1"):
            ip(agent, f"link add {wan} type veth peer name {wan} netns {far.name}")
        ip(far, "link set wan0 up")
        ip(agent, "link set lo up", "link set wan0 up", "address add 192.0.2.2/30 dev wan0")
        yield made


def ip(namespace: Namespace, *lines: str) -> None:
    namespace.run("ip", "-batch", "-", stdin="\n".join(lines))


def absent(name: str) -> LinkChanged:
    return LinkChanged(name, present=False, carrier=False, addresses=())


def present(name: str, *addresses: str, carrier: bool = True) -> LinkChanged:
    return LinkChanged(name, present=True, carrier=carrier, addresses=addresses)


class Watching:
    """A link watch inside the agent's namespace, inside `async with`; what it tells at the start is in `first`."""

    def __init__(self, namespace: Namespace, names: list[str], receive_buffer: int) -> None:
        self._namespace = namespace
        self._names = names
        self.heard = Heard()
        self.watch = LinkWatch(names, self._hear, receive_buffer=receive_buffer)

    def _hear(self, event: Event) -> None:
        """What is told of the ways out has its own tests (test_edge_gateways.py, test_edge_routing.py)."""
        if isinstance(event, LinkChanged):
            self.heard.report(event)

    async def __aenter__(self) -> Watching:
        self.watch.start()
        self.first = {}
        for _ in self._names:
            state = await self.heard.first(lambda event: True)
            self.first[state.interface] = state
        return self

    async def __aexit__(self, *_: object) -> None:
        self.watch.close()

    async def after(self, *lines: str) -> LinkChanged:
        """The next thing told after these `ip` commands."""
        ip(self._namespace, *lines)
        return await self.next()

    async def next(self) -> LinkChanged:
        return await self.heard.first(lambda event: True)


def watch(
    line: dict[str, Namespace], names: list[str], scenario: Callable[[Watching], object], receive_buffer: int = 1 << 20
) -> None:
    async def run() -> None:
        async with Watching(line["agent"], names, receive_buffer) as watching:
            await scenario(watching)

    run_inside(line["agent"], run)


def test_at_the_start_every_watched_name_is_told_present_or_not(line):
    async def scenario(watching: Watching) -> None:
        assert watching.first == {
            "lo": present("lo", "127.0.0.1", "::1"),
            "wan0": present("wan0", "192.0.2.2"),
            "wan1": present("wan1", carrier=False),
            "wan7": absent("wan7"),
        }

    watch(line, ["wan7", "wan1", "lo", "wan0"], scenario)


def test_an_interface_that_is_set_down_has_no_carrier_until_it_is_up_again(line):
    async def scenario(watching: Watching) -> None:
        assert await watching.after("link set wan0 down") == present("wan0", "192.0.2.2", carrier=False)
        assert await watching.after("link set wan0 up") == present("wan0", "192.0.2.2")

    watch(line, ["wan0"], scenario)


def test_a_far_end_that_goes_down_takes_the_carrier(line):
    async def scenario(watching: Watching) -> None:
        ip(line["far"], "link set wan0 down")
        assert await watching.next() == present("wan0", "192.0.2.2", carrier=False)
        ip(line["far"], "link set wan0 up")
        assert await watching.next() == present("wan0", "192.0.2.2")

    watch(line, ["wan0"], scenario)


def test_addresses_that_come_change_and_go_are_told(line):
    async def scenario(watching: Watching) -> None:
        assert await watching.after("address add 192.0.2.6/30 dev wan0") == present("wan0", "192.0.2.2", "192.0.2.6")
        assert await watching.after("address delete 192.0.2.2/30 dev wan0") == present("wan0", "192.0.2.6")
        with_ipv6 = await watching.after("address add 2001:db8::2/64 dev wan0 nodad")
        assert with_ipv6 == present("wan0", "192.0.2.6", "2001:db8::2")
        deprecated = await watching.after("address change 2001:db8::2/64 dev wan0 preferred_lft 0")
        assert deprecated == present("wan0", "192.0.2.6")
        assert await watching.after("address flush dev wan0") == present("wan0")

    watch(line, ["wan0"], scenario)


def test_what_changes_nothing_that_matters_is_not_told(line):
    async def scenario(watching: Watching) -> None:
        state = await watching.after(
            "link set wan0 alias cellar",
            "link set wan0 mtu 1400",
            "address add 169.254.1.1/16 dev wan0 scope link",
            "link set wan1 alias attic",
            "link set wan0 down",
        )
        assert state == present("wan0", "192.0.2.2", carrier=False)

    watch(line, ["wan0"], scenario)


def test_an_interface_that_is_deleted_and_made_again_is_followed_by_its_name(line):
    async def scenario(watching: Watching) -> None:
        ip(line["agent"], "link delete wan0")
        told = await watching.heard.until(lambda state: not state.present)
        assert told[-1] == absent("wan0")
        far = line["far"].name
        again = await watching.after(f"link add wan0 type veth peer name wan0 netns {far}")
        assert again == present("wan0", carrier=False)
        assert await watching.after("address add 192.0.2.9/30 dev wan0") == present("wan0", "192.0.2.9", carrier=False)
        ip(line["far"], "link set wan0 up")
        assert await watching.after("link set wan0 up") == present("wan0", "192.0.2.9")

    watch(line, ["wan0"], scenario)


def test_a_renamed_interface_is_told_under_both_names(line):
    async def scenario(watching: Watching) -> None:
        assert await watching.after("link set wan1 down", "link set wan1 name lte") == absent("wan1")
        assert await watching.next() == present("lte", carrier=False)

    watch(line, ["wan1", "lte"], scenario)


def test_an_interface_that_leaves_its_bridge_stays(line):
    async def scenario(watching: Watching) -> None:
        state = await watching.after(
            "link add bridge type bridge",
            "link set wan0 master bridge",
            "link set wan0 nomaster",
            "address add 192.0.2.6/30 dev wan0",
        )
        assert state == present("wan0", "192.0.2.2", "192.0.2.6")

    watch(line, ["wan0"], scenario)


def test_an_address_is_told_once_it_is_known_that_nobody_else_has_it(line):
    line["agent"].set_sysctls({"net.ipv6.conf.wan0.accept_dad": "1"})

    async def scenario(watching: Watching) -> None:
        ip(line["agent"], "address add 2001:db8::2/64 dev wan0")
        tentative = line["agent"].run("ip", "-6", "address", "show", "dev", "wan0", "tentative")
        assert "2001:db8::2" in tentative
        assert watching.heard.events == []
        assert await watching.next() == present("wan0", "192.0.2.2", "2001:db8::2")

    watch(line, ["wan0"], scenario)


def test_other_names_can_be_watched_from_now_on(line):
    async def scenario(watching: Watching) -> None:
        watching.watch.watch(["wan0", "wan1"])
        assert await watching.next() == present("wan1", carrier=False)
        assert await watching.after("address add 192.0.2.6/30 dev wan1") == present("wan1", "192.0.2.6", carrier=False)

    watch(line, ["wan0"], scenario)


def dropped_messages() -> int:
    """By all netlink sockets of this namespace, because their buffers were full."""
    head, *rows = (row.split() for row in Path("/proc/thread-self/net/netlink").read_text().splitlines())
    return sum(int(row[head.index("Drops")]) for row in rows)


def test_after_an_overrun_everything_is_read_again(line):
    async def scenario(watching: Watching) -> None:
        for number in range(100):
            ip(line["agent"], f"address add 198.51.100.{number}/32 dev wan1")
            if dropped_messages():
                break
        ip(line["agent"], "address add 203.0.113.9/32 dev wan0", "link delete wan1")
        assert dropped_messages() > 0
        told = await watching.heard.until(lambda state: state == absent("wan1"))
        final = {state.interface: state for state in told}
        assert final == {"wan0": present("wan0", "192.0.2.2", "203.0.113.9"), "wan1": absent("wan1")}
        assert await watching.after("link set wan0 down") == present("wan0", "192.0.2.2", "203.0.113.9", carrier=False)

    watch(line, ["wan0", "wan1"], scenario, receive_buffer=4096)


def test_nothing_is_told_after_closing_and_nothing_stays_open(line):
    async def run() -> None:
        open_before = len(os.listdir("/proc/self/fd"))
        async with Watching(line["agent"], ["wan0"], 1 << 20) as watching:
            ip(line["agent"], "link set wan0 down")
            watching.watch.close()
            for _ in range(10):
                await asyncio.sleep(0)
            assert watching.heard.events == []
        assert len(os.listdir("/proc/self/fd")) == open_before

    run_inside(line["agent"], run)


def test_watching_takes_no_capability(line):
    script = (
        "import asyncio\n"
        "from tonekeeper.edge.netlink import LinkWatch\n"
        "async def run():\n"
        "    told = asyncio.get_running_loop().create_future()\n"
        "    watch = LinkWatch(['wan0'], lambda event: told.done() or told.set_result(event))\n"
        "    watch.start()\n"
        "    print(*(await told).addresses)\n"
        "    watch.close()\n"
        "asyncio.run(run())\n"
    )
    unprivileged = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert line["agent"].run(*unprivileged, sys.executable, "-c", script).strip() == "192.0.2.2"


@pytest.mark.parametrize(
    ("routes", "interface"),
    [
        ((), None),
        (("default via 192.0.2.1 metric 100", "default via 192.0.2.5 metric 50"), "wan1"),
        (("default via 192.0.2.1", "default via 192.0.2.5 metric 50"), "wan0"),
        (("default nexthop via 192.0.2.5 nexthop via 192.0.2.1",), "wan1"),
        (("unreachable default", "default via 192.0.2.5 metric 50"), "wan1"),
        (("default via 192.0.2.1 table 100", "192.0.2.128/25 via 192.0.2.5"), None),
        (("default via 2001:db8::1",), "wan0"),
        (("default via 2001:db8::1", "default via 192.0.2.5 metric 4000"), "wan1"),
    ],
)
def test_the_default_route_is_the_one_the_kernel_prefers(line, routes, interface):
    ip(line["far"], "link set wan1 up")
    ip(
        line["agent"],
        "link set wan1 up",
        "address add 192.0.2.6/30 dev wan1",
        "address add 2001:db8::2/64 dev wan0 nodad",
        *(f"route add {route}" for route in routes),
    )
    assert line["agent"].inside(default_route_interface) == interface
