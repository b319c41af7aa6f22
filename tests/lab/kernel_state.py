"""What a namespace's kernel holds: policy rules, routes of all tables, tracked flows with their marks. Comparable.

Two snapshots are equal when nothing differs; `before.differences(after)` says in words what does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields

from tests.lab.namespace import Namespace, Process, until

_ASKED = {
    "rules_v4": ("ip", "-4", "rule", "show"),
    "rules_v6": ("ip", "-6", "rule", "show"),
    "routes_v4": ("ip", "-4", "route", "show", "table", "all"),
    "routes_v6": ("ip", "-6", "route", "show", "table", "all"),
}
_LIFETIME = re.compile(r" expires \d+sec")
_TUPLE = re.compile(r"src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)")
_MARK = re.compile(r"\bmark=(\d+)")


@dataclass(frozen=True, slots=True)
class KernelState:
    """Routes and rules as `ip` shows them, in its order."""

    rules_v4: tuple[str, ...]
    rules_v6: tuple[str, ...]
    routes_v4: tuple[str, ...]
    routes_v6: tuple[str, ...]

    def differences(self, after: KernelState) -> list[str]:
        """`-` for what has gone since, `+` for what has come; one line that only moved is both."""
        told = []
        for field in fields(self):
            then, now = getattr(self, field.name), getattr(after, field.name)
            told += [f"- {line}" for line in then if line not in now]
            told += [f"+ {line}" for line in now if line not in then]
            if sorted(then) == sorted(now) and then != now:
                told.append(f"{field.name}: another order")
        return told


def kernel_state(namespace: Namespace) -> KernelState:
    return KernelState(**{name: tuple(_lines(namespace.run(*command))) for name, command in _ASKED.items()})


def _lines(shown: str) -> Iterable[str]:
    return (_LIFETIME.sub("", line).rstrip() for line in shown.splitlines())


@dataclass(frozen=True, slots=True)
class Tracked:
    """One entry of connection tracking, in its original direction."""

    protocol: str
    source: tuple[str, int]
    destination: tuple[str, int]
    nat_source: str
    """Where answers are sent to: the WAN's address that the flow has been hidden behind."""
    mark: int

    @property
    def is_translated(self) -> bool:
        return self.nat_source != self.source[0]


def tracked(namespace: Namespace) -> set[Tracked]:
    """All UDP and TCP entries."""
    return {entry for line in namespace.run("conntrack", "-L").splitlines() if (entry := _tracked(line))}


def _tracked(line: str) -> Tracked | None:
    ends = _TUPLE.findall(line)
    if len(ends) != 2:
        return None
    (source, destination, sport, dport), (_, nat_source, _, _) = ends
    mark = _MARK.search(line)
    return Tracked(
        protocol=line.split(maxsplit=1)[0],
        source=(source, int(sport)),
        destination=(destination, int(dport)),
        nat_source=nat_source,
        mark=int(mark[1]) if mark else 0,
    )


class RouteMonitor:
    """Every change of routes and rules in a namespace, from `with` on; `seen()` has waited for the latest."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._marks = 0

    def __enter__(self) -> RouteMonitor:
        self._process: Process = self._namespace.popen("ip", "monitor", "route", "rule", log=f"monitor-{id(self):x}")
        until(self._hears, within=5.0, what="`ip monitor` does not listen", every=0.05)
        self.seen()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()

    def seen(self) -> list[str]:
        """The lines so far, the monitor's own marks left out."""
        mark = self._mark()
        until(lambda: mark in self._process.output, within=5.0, what="`ip monitor` is late")
        return [line for line in self._process.output.splitlines() if _MARK_TABLE not in line]

    def _hears(self) -> bool:
        mark = self._mark()
        time.sleep(0.02)
        return mark in self._process.output

    def _mark(self) -> str:
        """A route that nobody uses comes and goes: messages keep their order."""
        self._marks += 1
        route = f"240.0.0.{self._marks % 256}"
        for action in ("add", "del"):
            self._namespace.run("ip", "route", action, "blackhole", route, *_MARK_TABLE.split())
        return route


_MARK_TABLE = "table 9999"


def host_routes(namespace: Namespace) -> dict[str, str]:
    """Destination: gateway, of the agent's own table for SIP and RTP; empty where there is none."""
    lines = namespace.run("ip", "route", "show", "table", "all", "proto", "106").splitlines()
    steered = (line.split() for line in lines if " table 7060 " in f"{line} ")
    return {words[0]: words[words.index("via") + 1] for words in steered}


def way_of_the_lan(namespace: Namespace, destination: str, source: str = "192.0.2.10") -> str:
    """The interface through which a packet of the LAN leaves."""
    words = namespace.run("ip", "route", "get", destination, "from", source, "iif", "lan0").split()
    return words[words.index("dev") + 1]
