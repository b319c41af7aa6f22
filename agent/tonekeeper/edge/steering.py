"""What a plan means in routes and rules, and the shortest safe way from what stands in the kernel to that.

Everything here has the mark of `PROTOCOL`, so that anybody can list it and we find it again after a crash:

    ip route show table all proto 106        ip rule show proto 106

The order in which the kernel asks, for each packet (a lower priority comes first):

    0      local                          the kernel's own
    7050   oif WAN  -> main, no default   a socket bound to the WAN: its neighbours and whatever has a route of its own
    7051   oif WAN  -> that WAN's table   ... and all else through this WAN, whatever the default route
    7060   a connected call -> a WAN      pinned flows stay where they are
    7070   anybody  -> steering table     the SBCs; what is not in there goes on
    32766  main                           untouched
"""

from __future__ import annotations

import errno
import ipaddress
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from tonekeeper.core.kernel import FlowPin, HostRoute, KernelPlan, WanTable
from tonekeeper.errors import EdgeError

PROTOCOL = 106
"""Who made a route or a rule; nobody's in the kernel's rtnetlink.h nor in iproute2's rt_protos."""
STEERING_TABLE = 7060
TABLES = range(STEERING_TABLE, 7100)
"""Why these numbers: docs/decisions/0005-marks-in-the-kernel.md."""
PRIORITIES = range(7050, 7100)
"""Of our rules."""
METRIC = 7060
"""Of all our routes: replacing one of ours can never hit another's."""

_WAN_TABLES = TABLES[1:]
_MAIN_TABLE = 254
_OWN_WAY_FIRST = 7050
_BOUND_TO_WAN = 7051
_PINNED = 7060
_STEERED = 7070

Network = IPv4Network | IPv6Network
EVERYWHERE: dict[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}


@dataclass(frozen=True, slots=True)
class Route:
    """To `destination` in `table`, through `gateway` ("": the link needs none) on `interface`."""

    table: int
    destination: Network
    gateway: str
    interface: str
    metric: int = METRIC

    @property
    def place(self) -> tuple[int, Network, int]:
        """Where only one route can be: a new one replaces it, without a moment in between."""
        return self.table, self.destination, self.metric

    def __str__(self) -> str:
        via = f" via {self.gateway}" if self.gateway else ""
        return f"{self.destination}{via} dev {self.interface} table {self.table}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Packets of IP `version` to which all that is given applies look into `table`."""

    version: int
    priority: int
    table: int
    outgoing: str = ""
    """Sockets bound to this interface."""
    without_default: bool = False
    """The table's default routes do not count."""
    pin: FlowPin | None = None
    """As in the plan; its interface is "" here, the table says it."""
    has_more: bool = False
    """Conditions that we never set: it has our mark, but not our meaning."""

    def __str__(self) -> str:
        outgoing = f" oif {self.outgoing}" if self.outgoing else ""
        pinned = f" from {self.pin.source} to {self.pin.destination}" if self.pin else ""
        return f"IPv{self.version} {self.priority}:{pinned}{outgoing} lookup {self.table}"


Entry = Route | Rule


@dataclass(frozen=True, slots=True)
class Changes:
    """`put` first, in order, then `remove`, in order: there is always a way."""

    put: tuple[Entry, ...]
    remove: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.put) + len(self.remove)


def entries_of(plan: KernelPlan, held: Iterable[Entry] = ()) -> tuple[Entry, ...]:
    """What `plan` asks for, routes before the rules that lead to them; `EdgeError` where it knows no way.

    A WAN keeps the table that it has in `held`; a new one takes the first that is free.
    """
    numbered = list(_number(plan.tables, _tables_in(held)))
    tables = {table.wan.interface: table for table in numbered}
    steered = [_host_route(route, tables) for route in plan.routes]
    versions = sorted({route.destination.version for route in steered})
    entries: list[Entry] = [route for table in numbered for route in table.default_routes()]
    entries += steered
    entries += [rule for table in numbered for rule in table.rules()]
    entries += [_pin(pin, tables) for pin in plan.pins]
    entries += [Rule(version, _STEERED, STEERING_TABLE) for version in versions]
    return tuple(dict.fromkeys(entries))


def changes_between(held: Iterable[Entry], wanted: Iterable[Entry]) -> Changes:
    """What turns `held` into `wanted`. A route that takes another's place is put, and nothing needs to be removed."""
    held, wanted = tuple(held), tuple(wanted)
    put = tuple(entry for entry in wanted if entry not in held)
    taken = {entry.place for entry in put if isinstance(entry, Route)}
    obsolete = [entry for entry in held if entry not in wanted]
    rules = tuple(entry for entry in obsolete if isinstance(entry, Rule))
    routes = tuple(entry for entry in obsolete if isinstance(entry, Route) and entry.place not in taken)
    return Changes(put, rules + routes)


def _tables_in(held: Iterable[Entry]) -> dict[str, int]:
    """Interface: the number of its table."""
    found: dict[str, int] = {}
    for entry in held:
        interface = entry.interface if isinstance(entry, Route) else entry.outgoing
        if entry.table in _WAN_TABLES and entry.table not in found.values():
            found.setdefault(interface, entry.table)
    return found


def _number(wans: Iterable[WanTable], known: dict[str, int]) -> Iterator[_NumberedTable]:
    wans = tuple(wans)
    taken = {known[wan.interface] for wan in wans if wan.interface in known}
    free = (number for number in _WAN_TABLES if number not in taken)
    for wan in wans:
        yield _NumberedTable(known.get(wan.interface) or next(free), wan)


@dataclass(frozen=True, slots=True)
class _NumberedTable:
    number: int
    wan: WanTable

    def gateway(self, version: int) -> str | None:
        return self.wan.gateway_v4 if version == 4 else self.wan.gateway_v6

    def versions(self) -> Iterator[int]:
        return (version for version in (4, 6) if self.gateway(version) is not None)

    def default_routes(self) -> Iterator[Route]:
        for version in self.versions():
            yield self.route(self.number, EVERYWHERE[version])

    def route(self, table: int, destination: Network) -> Route:
        gateway = self.gateway(destination.version)
        if gateway is None:
            raise EdgeError(
                f"route {destination} through interface '{self.wan.interface}'",
                OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH)),
                remedy=f"no IPv{destination.version} gateway is known there: give it a default route, of any metric",
            )
        return Route(table, destination, gateway, self.wan.interface)

    def rules(self) -> Iterator[Rule]:
        for version in self.versions():
            yield Rule(version, _OWN_WAY_FIRST, _MAIN_TABLE, self.wan.interface, without_default=True)
            yield Rule(version, _BOUND_TO_WAN, self.number, self.wan.interface)


def _host_route(wanted: HostRoute, tables: dict[str, _NumberedTable]) -> Route:
    destination = ipaddress.ip_network(wanted.destination)
    return _table_of(wanted.interface, tables).route(STEERING_TABLE, destination)


def _pin(pin: FlowPin, tables: dict[str, _NumberedTable]) -> Rule:
    table = _table_of(pin.interface, tables)
    source, destination = ipaddress.ip_address(pin.source), ipaddress.ip_address(pin.destination)
    flow = FlowPin(pin.protocol, str(source), pin.source_port, str(destination), pin.destination_port, interface="")
    return Rule(destination.version, _PINNED, table.number, pin=flow)


def _table_of(interface: str, tables: dict[str, _NumberedTable]) -> _NumberedTable:
    try:
        return tables[interface]
    except KeyError:
        missing = OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        raise EdgeError(f"steer to interface '{interface}'", missing, remedy="the plan has no table for it") from None
