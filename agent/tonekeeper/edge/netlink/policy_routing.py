"""The routes and rules of ours in the kernel, as values: read, put, removed, and asked where a packet would go."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Set

from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.fibmsg import FR_ACT_TO_TBL, fibmsg
from pyroute2.netlink.rtnl.rtmsg import RT_SCOPE_LINK, RT_SCOPE_UNIVERSE, rtmsg

from tonekeeper.core.kernel import FlowPin, Protocol
from tonekeeper.edge.netlink.exchange import (
    HEADER,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Codec,
    Exchange,
    Message,
    attributes,
    body_of,
)
from tonekeeper.edge.netlink.route_messages import RTN_UNICAST, read_route, routes_request
from tonekeeper.edge.steering import EVERYWHERE, PROTOCOL, Entry, Network, Route, Rule

_FAMILIES: dict[int, int] = {4: socket.AF_INET, 6: socket.AF_INET6}
_VERSIONS = {family: version for version, family in _FAMILIES.items()}

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
        self._kernel = Exchange(socket.NETLINK_ROUTE)
        self._held: dict[Entry, list[Message]] = {}

    def __enter__(self) -> PolicyRouting:
        return self

    def __exit__(self, *_: object) -> None:
        self._kernel.close()

    def read(self) -> tuple[Entry, ...]:
        """All of ours that stands in the kernel, routes first."""
        self._held = {}
        for version in _FAMILIES:
            for message in self._dump(rtnl.RTM_GETROUTE, _all_our_routes(version)):
                self._keep(message, read_our_route(message))
        for version in _FAMILIES:
            for message in self._dump(rtnl.RTM_GETRULE, _all_rules(version)):
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
        match entry:
            case Route():
                self._kernel.change(rtnl.RTM_NEWROUTE, route_body(entry), NLM_F_CREATE | NLM_F_REPLACE)
            case Rule():
                self._kernel.change(rtnl.RTM_NEWRULE, rule_body(entry), NLM_F_CREATE | NLM_F_EXCL)

    def remove(self, entry: Entry) -> None:
        """What `read` found, exactly as the kernel described it. That it has gone by itself is fine."""
        kind = rtnl.RTM_DELROUTE if isinstance(entry, Route) else rtnl.RTM_DELRULE
        for message in self._held.get(entry, ()):
            try:
                self._kernel.change(kind, message.data[HEADER.size :])
            except OSError as error:
                if error.errno not in (errno.ESRCH, errno.ENOENT):
                    raise

    def interface_towards(self, destination: Network) -> str:
        """Where a packet to the first address of `destination` leaves that nothing binds to a device."""
        request = _route_to(ipaddress.ip_network(destination.network_address))
        for message in self._kernel.ask(rtnl.RTM_GETROUTE, body_of(request)):
            route = read_route(message)
            return _name(route.hops[0].interface) if route and route.hops else ""
        return ""


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


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError:  # it comes without a number
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None


def _route_to(destination: Network) -> Codec:
    request = rtmsg()
    request["family"] = _FAMILIES[destination.version]
    request["dst_len"] = destination.prefixlen
    request["attrs"] = [("RTA_DST", str(destination.network_address))] if destination.prefixlen else []
    return request


def route_body(route: Route) -> bytes:
    request = _route_to(route.destination)
    request["proto"] = PROTOCOL
    request["type"] = RTN_UNICAST
    is_device_route = not route.gateway and route.destination.version == 4
    request["scope"] = RT_SCOPE_LINK if is_device_route else RT_SCOPE_UNIVERSE
    request["attrs"] += [
        ("RTA_TABLE", route.table),
        ("RTA_PRIORITY", route.metric),
        ("RTA_OIF", _index(route.interface)),
        *_gateway(route),
    ]
    return body_of(request)


def _gateway(route: Route) -> Iterator[tuple[str, object]]:
    if route.gateway and route.destination.version == 4 and ":" in route.gateway:
        yield "RTA_VIA", {"family": socket.AF_INET6, "addr": route.gateway}
    elif route.gateway:
        yield "RTA_GATEWAY", route.gateway


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


def _has_more(header: tuple[int, ...], conditions: Set[int]) -> bool:
    family, to_length, from_length, tos, _, action, flags = header
    whole = EVERYWHERE[_VERSIONS[family]].max_prefixlen
    if not {to_length, from_length} <= {0, whole} or tos or action != FR_ACT_TO_TBL or flags & _FIB_RULE_INVERT:
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


def rule_body(rule: Rule) -> bytes:
    request = fibmsg()
    request["family"] = _FAMILIES[rule.version]
    request["action"] = FR_ACT_TO_TBL
    request["attrs"] = [
        ("FRA_PRIORITY", rule.priority),
        ("FRA_TABLE", rule.table),
        ("FRA_PROTOCOL", PROTOCOL),
        *_selectors(rule),
    ]
    if rule.pin is not None:
        request["src_len"] = request["dst_len"] = EVERYWHERE[rule.version].max_prefixlen
    return body_of(request)


def _selectors(rule: Rule) -> Iterator[tuple[str, object]]:
    if rule.outgoing:
        yield "FRA_OIFNAME", rule.outgoing
    if rule.without_default:
        yield "FRA_SUPPRESS_PREFIXLEN", 0
    if rule.pin is not None:
        yield "FRA_SRC", rule.pin.source
        yield "FRA_DST", rule.pin.destination
        yield "FRA_IP_PROTO", int(rule.pin.protocol)
        yield "FRA_SPORT_RANGE", f"{rule.pin.source_port}:{rule.pin.source_port}"
        yield "FRA_DPORT_RANGE", f"{rule.pin.destination_port}:{rule.pin.destination_port}"
