"""Requests that change something, written by pyroute2: nobody else loads it, and who changes nothing does without.

A request comes as the message after its header. `OSError` with ENODEV where it names an interface that does not exist.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from typing import Any

from pyroute2.netlink.nfnetlink.nfctsocket import nfct_msg
from pyroute2.netlink.rtnl.fibmsg import FR_ACT_TO_TBL, fibmsg
from pyroute2.netlink.rtnl.rtmsg import RT_SCOPE_LINK, RT_SCOPE_UNIVERSE, rtmsg

from tonekeeper.core.kernel import Flow
from tonekeeper.edge.netlink.exchange import HEADER
from tonekeeper.edge.netlink.route_messages import RTN_UNICAST
from tonekeeper.edge.steering import EVERYWHERE, PROTOCOL, Route, Rule

Attributes = list[tuple[str, Any]]
"""As pyroute2 takes them: names as in the kernel's headers."""

_ONLINK = 4
"""RTNH_F_ONLINK: the gateway is there although no network of the interface says so, as it is for the main route."""
_FAMILIES: dict[int, int] = {4: socket.AF_INET, 6: socket.AF_INET6}


def route_body(route: Route) -> bytes:
    request = rtmsg()
    request["family"] = _FAMILIES[route.destination.version]
    request["dst_len"] = route.destination.prefixlen
    request["proto"] = PROTOCOL
    request["type"] = RTN_UNICAST
    is_device_route = not route.gateway and route.destination.version == 4
    request["scope"] = RT_SCOPE_LINK if is_device_route else RT_SCOPE_UNIVERSE
    request["flags"] = _ONLINK if route.gateway else 0
    request["attrs"] = [
        *_destination(route),
        ("RTA_TABLE", route.table),
        ("RTA_PRIORITY", route.metric),
        ("RTA_OIF", _index(route.interface)),
        *_gateway(route),
    ]
    return _after_header(request)


def _destination(route: Route) -> Iterator[tuple[str, object]]:
    if route.destination.prefixlen:
        yield "RTA_DST", str(route.destination.network_address)


def _gateway(route: Route) -> Iterator[tuple[str, object]]:
    if route.gateway and route.destination.version == 4 and ":" in route.gateway:
        yield "RTA_VIA", {"family": socket.AF_INET6, "addr": route.gateway}
    elif route.gateway:
        yield "RTA_GATEWAY", route.gateway


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError:  # it comes without a number
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None


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
    return _after_header(request)


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


def deletion_body(flow: Flow) -> bytes:
    """With the whole tuple, always: a deletion without one flushes the table."""
    request = nfct_msg()
    request["nfgen_family"] = _FAMILIES[6 if ":" in flow.source else 4]
    zone: Attributes = [("CTA_ZONE", flow.zone)] if flow.zone else []
    request["attrs"] = [("CTA_TUPLE_ORIG", _original_tuple(flow)), *zone]
    return _after_header(request)


def _original_tuple(flow: Flow) -> dict[str, Any]:
    version = "V6" if ":" in flow.source else "V4"
    addresses = [(f"CTA_IP_{version}_SRC", flow.source), (f"CTA_IP_{version}_DST", flow.destination)]
    ports = [
        ("CTA_PROTO_NUM", int(flow.protocol)),
        ("CTA_PROTO_SRC_PORT", flow.source_port),
        ("CTA_PROTO_DST_PORT", flow.destination_port),
    ]
    return {"attrs": [("CTA_TUPLE_IP", {"attrs": addresses}), ("CTA_TUPLE_PROTO", {"attrs": ports})]}


def _after_header(request: Any) -> bytes:  # noqa: ANN401  a message of pyroute2
    request.encode()
    return bytes(request.data)[HEADER.size :]
