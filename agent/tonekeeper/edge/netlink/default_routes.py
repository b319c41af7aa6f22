"""The default routes that the kernel has, but for our own."""

from __future__ import annotations

import errno
import socket

from tonekeeper.edge.default_routes import DefaultRoute, preferred_interface
from tonekeeper.edge.netlink.exchange import Exchange
from tonekeeper.edge.netlink.route_messages import (
    RTM_GETROUTE,
    RTN_UNICAST,
    is_about_default_route,
    read_route,
    routes_request,
)
from tonekeeper.edge.steering import PROTOCOL
from tonekeeper.errors import EdgeError

_VERSIONS: dict[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 6}


def default_route_interface() -> str | None:
    """The interface of the main table's default route, of the best metric, IPv4 before IPv6; None where there is none.

    Blocks for the time of a route dump: for the start, not for the running loop. `EdgeError` where netlink fails.
    """
    try:
        with Exchange(socket.NETLINK_ROUTE) as kernel:
            index = preferred_interface(read_default_routes(kernel))
        return None if index is None else socket.if_indextoname(index)
    except OSError as error:
        raise EdgeError("find the default route over netlink", error, remedy="name the WANs with [[wan]]") from None


def read_default_routes(kernel: Exchange, interface: int = 0) -> list[DefaultRoute]:
    """Of all tables, those through `interface` (its index; 0 for all), in the kernel's order.

    Family by family: asked for both at once, some kernels stop after the first.
    """
    return [route for family in _VERSIONS for route in _of_family(kernel, family, interface)]


def _of_family(kernel: Exchange, family: int, interface: int) -> list[DefaultRoute]:
    try:
        messages = kernel.dump(RTM_GETROUTE, routes_request(family, interface=interface))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV):  # a family without a single table; an interface just gone
            return []
        raise
    routes = (read_route(message) for message in messages if is_about_default_route(message))
    return [
        DefaultRoute(_VERSIONS[route.family], route.table, route.metric, hop.interface, hop.gateway)
        for route in routes
        if route is not None and route.family in _VERSIONS
        if route.type == RTN_UNICAST and route.protocol != PROTOCOL
        for hop in route.hops
        if hop.interface and interface in (0, hop.interface)
    ]
