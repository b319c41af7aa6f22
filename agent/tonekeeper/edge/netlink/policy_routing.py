"""The routes and rules of ours in the kernel, as values: read, put, removed, and asked where a packet would go.

Our changes leave from a port of our own, so that whoever listens to the kernel can tell them from others'.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Iterable, Set

from tonekeeper.core.kernel import FlowPin, Protocol
from tonekeeper.edge.netlink.exchange import (
    HEADER,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Exchange,
    Message,
    attributes,
    sender_of,
)
from tonekeeper.edge.netlink.route_messages import (
    RTM_DELROUTE,
    RTM_GETROUTE,
    RTM_NEWROUTE,
    lookup_request,
    read_route,
    routes_request,
)
from tonekeeper.edge.steering import EVERYWHERE, PRIORITIES, PROTOCOL, Entry, Network, Route, Rule

_FAMILIES: dict[int, int] = {4: socket.AF_INET, 6: socket.AF_INET6}
_VERSIONS = {family: version for version, family in _FAMILIES.items()}

RTM_NEWRULE, RTM_DELRULE, _RTM_GETRULE = 32, 33, 34
_FR_ACT_TO_TBL = 1
_FIB_RULE_HDR = struct.Struct("=BBBBBxxBI")
_PORT_RANGE = struct.Struct("=HH")
# linux/fib_rules.h
_FRA_DST, _FRA_SRC, _FRA_PRIORITY, _FRA_SUPPRESS_PREFIXLEN, _FRA_TABLE, _FRA_OIFNAME = 1, 2, 6, 14, 15, 17
_FRA_PROTOCOL, _FRA_IP_PROTO, _FRA_SPORT_RANGE, _FRA_DPORT_RANGE = 21, 22, 23, 24
_FIB_RULE_INVERT = 2
_NOT_OURS = frozenset({3, 10, 12, 13, 19, 20, 25})
"""Input interface, mark, tunnel, suppressed group, VRF, users, DSCP."""
_OF_A_PIN = frozenset({_FRA_DST, _FRA_SRC, _FRA_IP_PROTO, _FRA_SPORT_RANGE, _FRA_DPORT_RANGE})


class PolicyRouting:
    """One netlink socket to work on routes and rules. Everything raises `OSError` with the kernel's errno."""

    def __init__(self) -> None:
        self._kernel = Exchange(socket.NETLINK_ROUTE, port=_own_port())
        self._held: dict[Entry, list[Message]] = {}

    def __enter__(self) -> PolicyRouting:
        return self

    def __exit__(self, *_: object) -> None:
        self._kernel.close()

    def read(self) -> tuple[Entry, ...]:
        """All of ours that stands in the kernel, routes first."""
        self._held = {}
        for version in _FAMILIES:
            for message in self._dump(RTM_GETROUTE, _all_our_routes(version)):
                self._keep(message, read_our_route(message))
        for version in _FAMILIES:
            for message in self._dump(_RTM_GETRULE, _all_rules(version)):
                self._keep(message, read_rule(message))
        return tuple(self._held)

    def _dump(self, kind: int, body: bytes) -> Iterable[Message]:
        try:
            return self._kernel.dump(kind, body)
        except OSError as error:
            if error.errno == errno.ENOENT:  # a family without a single table
                return ()
            raise

    def _keep(self, message: Message, entry: Entry | None) -> None:
        if entry is not None:
            self._held.setdefault(entry, []).append(message)

    def put(self, entry: Entry) -> None:
        from tonekeeper.edge.netlink.requests import route_body, rule_body  # noqa: PLC0415  8 MiB not every agent needs

        match entry:
            case Route():
                self._kernel.change(RTM_NEWROUTE, route_body(entry), NLM_F_CREATE | NLM_F_REPLACE)
            case Rule():
                self._kernel.change(RTM_NEWRULE, rule_body(entry), NLM_F_CREATE | NLM_F_EXCL)

    def remove(self, entry: Entry) -> None:
        """What `read` found, exactly as the kernel described it. That it has gone by itself is fine."""
        kind = RTM_DELROUTE if isinstance(entry, Route) else RTM_DELRULE
        for message in self._held.get(entry, ()):
            try:
                self._kernel.change(kind, message.data[HEADER.size :])
            except OSError as error:
                if error.errno not in (errno.ESRCH, errno.ENOENT):
                    raise

    def interface_towards(self, destination: Network) -> str:
        """Where a packet to the first address of `destination` leaves that nothing binds to a device."""
        address = destination.network_address.packed
        for message in self._kernel.ask(RTM_GETROUTE, lookup_request(_FAMILIES[destination.version], address)):
            route = read_route(message)
            return _name(route.hops[0].interface) if route and route.hops else ""
        return ""


def _own_port() -> int:
    """A process number has 22 bits at most, and the kernel gives away numbers from 2^31 on, or the process's own."""
    return PROTOCOL << 22 | os.getpid()


def is_own_change(message: Message) -> bool:
    """Whether this process made the change that the message tells of."""
    return sender_of(message) == _own_port()


def _all_our_routes(version: int) -> bytes:
    return routes_request(_FAMILIES[version], protocol=PROTOCOL)


def read_our_route(message: Message) -> Route | None:
    """None for a route without our mark."""
    route = read_route(message)
    if route is None or route.protocol != PROTOCOL:
        return None
    everywhere = EVERYWHERE[_VERSIONS[route.family]]
    host = route.destination or everywhere.network_address.packed
    interface, gateway = route.hops[0] if route.hops else (0, "")
    network = ipaddress.ip_network((host, route.prefix_length))
    return Route(route.table, network, gateway, _name(interface), route.metric)


def _name(index: int | None) -> str:
    """ "" for an interface that has gone since, and for a route without one."""
    try:
        return socket.if_indextoname(index) if index else ""
    except OSError:
        return ""


def _all_rules(version: int) -> bytes:
    return _FIB_RULE_HDR.pack(_FAMILIES[version], 0, 0, 0, 0, 0, 0)


def read_rule(message: Message) -> Rule | None:
    """None for a rule without our mark."""
    if len(message.data) < HEADER.size + _FIB_RULE_HDR.size:
        return None
    header = _FIB_RULE_HDR.unpack_from(message.data, HEADER.size)
    found = attributes(message.data, HEADER.size + _FIB_RULE_HDR.size)
    if found.get(_FRA_PROTOCOL) != bytes([PROTOCOL]):
        return None
    family, _, _, _, table, _, _ = header
    pin = _pin(family, found)
    return Rule(
        version=_VERSIONS[family],
        priority=_number(found.get(_FRA_PRIORITY)),
        table=_number(found.get(_FRA_TABLE)) or table,
        outgoing=found.get(_FRA_OIFNAME, b"").rstrip(b"\0").decode(errors="surrogateescape"),
        without_default=found.get(_FRA_SUPPRESS_PREFIXLEN) == bytes(4),
        pin=pin,
        has_more=_has_more(header, found.keys() - _OF_A_PIN if pin else found.keys()),
    )


def is_about_our_rule(message: Message) -> bool:
    """Whether it has our mark, or stands where ours do."""
    found = attributes(message.data, HEADER.size + _FIB_RULE_HDR.size)
    return found.get(_FRA_PROTOCOL) == bytes([PROTOCOL]) or _number(found.get(_FRA_PRIORITY)) in PRIORITIES


def _has_more(header: tuple[int, ...], conditions: Set[int]) -> bool:
    family, to_length, from_length, tos, _, action, flags = header
    whole = EVERYWHERE[_VERSIONS[family]].max_prefixlen
    if not {to_length, from_length} <= {0, whole} or tos or action != _FR_ACT_TO_TBL or flags & _FIB_RULE_INVERT:
        return True
    return not conditions.isdisjoint(_NOT_OURS | _OF_A_PIN)


def _pin(family: int, found: dict[int, bytes]) -> FlowPin | None:
    try:
        source, destination = (socket.inet_ntop(family, found[kind]) for kind in (_FRA_SRC, _FRA_DST))
        source_port, _ = _PORT_RANGE.unpack(found[_FRA_SPORT_RANGE])
        destination_port, _ = _PORT_RANGE.unpack(found[_FRA_DPORT_RANGE])
        protocol = Protocol(found[_FRA_IP_PROTO][0])
    except (KeyError, ValueError, struct.error):  # no rule of this shape
        return None
    return FlowPin(protocol, source, source_port, destination, destination_port, interface="")


def _number(data: bytes | None) -> int:
    return int.from_bytes(data or b"", sys.byteorder)
