"""The routes and rules of ours in the kernel, as values: read, put, removed, and asked where a packet would go."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterable, Iterator

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
    body_of,
)
from tonekeeper.edge.steering import EVERYWHERE, PROTOCOL, Entry, Network, Route, Rule

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_VERSIONS = {family: version for version, family in _FAMILIES.items()}
_UNICAST = 1
_NO_SUPPRESSION = 0xFFFFFFFF


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
                self._keep(message, _route(message))
        for version in _FAMILIES:
            for message in self._dump(rtnl.RTM_GETRULE, _all_rules(version)):
                self._keep(message, _rule(message))
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
                self._kernel.change(rtnl.RTM_NEWROUTE, _route_body(entry), NLM_F_CREATE | NLM_F_REPLACE)
            case Rule():
                self._kernel.change(rtnl.RTM_NEWRULE, _rule_body(entry), NLM_F_CREATE | NLM_F_EXCL)

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
        request = _route_request(destination.version)
        request["dst_len"] = destination.max_prefixlen
        request["attrs"] = [("RTA_DST", str(destination.network_address))]
        for message in self._kernel.ask(rtnl.RTM_GETROUTE, body_of(request)):
            index = decode_route(message).get_attr("RTA_OIF")
            return socket.if_indextoname(index) if index else ""
        return ""


def decode_route(message: Message) -> Codec:
    decoded = rtmsg(message.data)
    decoded.decode()
    return decoded


def _route_request(version: int) -> Codec:
    request = rtmsg()
    request["family"] = _FAMILIES[version]
    return request


def _all_our_routes(version: int) -> bytes:
    """The kernel picks those of our protocol itself, if it is 4.20 or later."""
    request = _route_request(version)
    request["proto"] = PROTOCOL
    return body_of(request)


def _route(message: Message) -> Route | None:
    decoded = decode_route(message)
    if decoded["proto"] != PROTOCOL:
        return None
    everywhere = EVERYWHERE[_VERSIONS[decoded["family"]]]
    host = decoded.get_attr("RTA_DST") or str(everywhere.network_address)
    return Route(
        table=decoded.get_attr("RTA_TABLE") or decoded["table"],
        destination=ipaddress.ip_network((host, decoded["dst_len"])),
        gateway=decoded.get_attr("RTA_GATEWAY") or "",
        interface=_name(decoded.get_attr("RTA_OIF")),
        metric=decoded.get_attr("RTA_PRIORITY") or 0,
    )


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


def _route_body(route: Route) -> bytes:
    request = _route_request(route.destination.version)
    request["dst_len"] = route.destination.prefixlen
    request["proto"] = PROTOCOL
    request["type"] = _UNICAST
    is_device_route = not route.gateway and route.destination.version == 4
    request["scope"] = RT_SCOPE_LINK if is_device_route else RT_SCOPE_UNIVERSE
    attributes: list[tuple[str, object]] = [
        ("RTA_TABLE", route.table),
        ("RTA_PRIORITY", route.metric),
        ("RTA_OIF", _index(route.interface)),
    ]
    if route.destination.prefixlen:
        attributes.append(("RTA_DST", str(route.destination.network_address)))
    if route.gateway:
        attributes.append(("RTA_GATEWAY", route.gateway))
    request["attrs"] = attributes
    return body_of(request)


def _all_rules(version: int) -> bytes:
    request = fibmsg()
    request["family"] = _FAMILIES[version]
    return body_of(request)


def _rule(message: Message) -> Rule | None:
    decoded = fibmsg(message.data)
    decoded.decode()
    if decoded.get_attr("FRA_PROTOCOL") != PROTOCOL:
        return None
    suppressed = decoded.get_attr("FRA_SUPPRESS_PREFIXLEN")
    return Rule(
        version=_VERSIONS[decoded["family"]],
        priority=decoded.get_attr("FRA_PRIORITY") or 0,
        table=decoded.get_attr("FRA_TABLE") or decoded["table"],
        outgoing=decoded.get_attr("FRA_OIFNAME") or "",
        without_default=suppressed == 0,
        pin=_pin(decoded),
    )


def _pin(decoded: Codec) -> FlowPin | None:
    protocol, source, destination = (decoded.get_attr(name) for name in ("FRA_IP_PROTO", "FRA_SRC", "FRA_DST"))
    if not (protocol in Protocol._value2member_map_ and source and destination):
        return None
    ports = (decoded.get_attr(name) or "0:0" for name in ("FRA_SPORT_RANGE", "FRA_DPORT_RANGE"))
    source_port, destination_port = (int(port.partition(":")[0]) for port in ports)
    return FlowPin(Protocol(protocol), source, source_port, destination, destination_port, interface="")


def _rule_body(rule: Rule) -> bytes:
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
