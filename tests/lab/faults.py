"""What can be broken on purpose, as verbs. Each gives a `Fault`, which is undone by hand, by `with`, or by `Lab.heal`.

The kernel here has no netem. Loss is `numgen` in nftables, silence a drop, refusal a reject, rate a token bucket;
late answers are the SBC's own doing (sbc.py). Every nftables fault is a table of its own, hooked before connection
tracking, so undoing it is deleting the table and leaves no trace in a NAT.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import TracebackType

from tests.lab.namespace import Namespace

ICMP_REASONS = ("port-unreachable", "host-unreachable", "net-unreachable", "admin-prohibited")


class Fault:
    """Broken until `undo()`, which may be called twice."""

    def __init__(self, story: str, undo: Callable[[], object]) -> None:
        self.story = story
        self._undo: Callable[[], object] | None = undo

    def undo(self) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.undo()

    def __repr__(self) -> str:
        return f"<{'broken' if self._undo else 'undone'}: {self.story}>"


class Faults:
    """Everything broken in one lab, so that it can be mended in one go, newest first."""

    def __init__(self) -> None:
        self._all: list[Fault] = []

    def add(self, story: str, undo: Callable[[], object]) -> Fault:
        fault = Fault(story, undo)
        self._all.append(fault)
        return fault

    def undo(self) -> None:
        while self._all:
            self._all.pop().undo()


class Provider:
    """An access provider's router: `access` faces the site, `uplink` the core."""

    def __init__(self, name: str, namespace: Namespace, faults: Faults, *, gateway: str, wan: tuple[str, str]) -> None:
        self.name = name
        self.namespace = namespace
        self.gateway = gateway
        self.wan_interface, self.wan_address = wan
        self._faults = faults
        self._numbers = itertools.count(1)

    def silence(self, address: str = "") -> Fault:
        """Drop everything to and from `address`; with none, everything that comes from or goes to the core."""
        rules = [f"ip daddr {address} drop", f"ip saddr {address} drop"] if address else ["iifname != lo drop"]
        return self._filter(f"{self.name} is silent about {address or 'everything'}", rules)

    def lose(self, percent: int, address: str = "") -> Fault:
        """Lose `percent` (1-99) of the packets towards `address`, or towards anything, each by itself; answers pass."""
        match = f"ip daddr {address}" if address else "iifname access"
        return self._filter(
            f"{self.name} loses {percent} % towards {address or 'everything'}",
            [f"{match} numgen random mod 100 < {percent} drop"],
        )

    def lose_bursts(self, lost: int, of: int, address: str) -> Fault:
        """Of every `of` packets towards `address` the first `lost` are lost: the same loss every time."""
        return self._filter(
            f"{self.name} loses {lost} of every {of} packets towards {address}",
            [f"ip daddr {address} numgen inc mod {of} < {lost} drop"],
        )

    def reject(self, address: str, reason: str = "admin-prohibited") -> Fault:
        """Answer everything towards `address` with ICMP; `reason` is one of ICMP_REASONS."""
        assert reason in ICMP_REASONS, reason
        return self._filter(
            f"{self.name} rejects {address} with {reason}",
            [f"iifname access ip daddr {address} reject with icmp type {reason}"],
        )

    def limit_rate(self, rate: str) -> Fault:
        """Let no more than `rate` ("128kbit") through towards the site."""
        self.namespace.run(
            "tc", "qdisc", "add", "dev", "access", "root", "tbf", "rate", rate, "burst", "4k", "latency", "400ms"
        )
        return self._faults.add(
            f"{self.name} gives no more than {rate}",
            lambda: self.namespace.run("tc", "qdisc", "del", "dev", "access", "root"),
        )

    def cut(self) -> Fault:
        """Pull the plug: the site's interface loses its carrier."""
        self.namespace.run("ip", "link", "set", "access", "down")
        return self._faults.add(
            f"the line of {self.name} is cut", lambda: self.namespace.run("ip", "link", "set", "access", "up")
        )

    def _filter(self, story: str, rules: list[str]) -> Fault:
        table = f"fault{next(self._numbers)}"
        body = "\n".join(rules)
        self.namespace.nft(
            f"table inet {table} {{\nchain broken {{\ntype filter hook prerouting priority -400\n{body}\n}}\n}}\n"
        )
        return self._faults.add(story, lambda: self.namespace.run("nft", "delete", "table", "inet", table))


class Cpe:
    """The site's router, where the agent runs."""

    def __init__(self, namespace: Namespace, faults: Faults) -> None:
        self.namespace = namespace
        self._faults = faults

    def remove_address(self, provider: Provider, length: int = 30) -> Fault:
        """Take the WAN's address away, as a lost lease does; undone, address and default route are back."""
        interface, address = provider.wan_interface, f"{provider.wan_address}/{length}"
        routes = self.namespace.run("ip", "route", "show", "default", "dev", interface).splitlines()

        def put_back() -> None:
            lines = [f"address add {address} dev {interface}\n"]
            lines += [f"route add {route} dev {interface}\n" for route in routes]
            self.namespace.run("ip", "-batch", "-", stdin="".join(lines))

        self.namespace.run("ip", "address", "del", address, "dev", interface)
        return self._faults.add(f"{interface} has lost {address}", put_back)

    def translate_statically(self, *providers: Provider) -> Fault:
        """NAT to fixed addresses (`snat to`), as on leased lines. No entry goes by itself, as with masquerade."""
        rules = "\n".join(
            f"ip saddr 192.0.2.0/24 oifname {provider.wan_interface} snat to {provider.wan_address}"
            for provider in providers
        )
        chain = f"chain postrouting {{\ntype nat hook postrouting priority srcnat - 1\n{rules}\n}}"
        self.namespace.nft(f"table ip leased {{\n{chain}\n}}\n")
        return self._faults.add(
            "the NAT's addresses are fixed", lambda: self.namespace.run("nft", "delete", "table", "ip", "leased")
        )

    def take_down(self, provider: Provider) -> Fault:
        """Switch the WAN interface off, as an administrator does."""
        interface = provider.wan_interface
        routes = self.namespace.run("ip", "route", "show", "default", "dev", interface).splitlines()

        def put_back() -> None:
            lines = [f"link set {interface} up\n", *(f"route add {route} dev {interface}\n" for route in routes)]
            self.namespace.run("ip", "-batch", "-", stdin="".join(lines))

        self.namespace.run("ip", "link", "set", interface, "down")
        return self._faults.add(f"{interface} is switched off", put_back)
