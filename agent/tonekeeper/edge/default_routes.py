"""Default routes, and the gateway of each interface that follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MAIN_TABLE = 254


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """One way out. A route with several next hops is several of these."""

    version: int
    """4 or 6."""
    table: int
    metric: int
    interface: int
    """The interface's index."""
    gateway: str
    """ "" where the link needs none."""


def gateway_of(interface: int, version: int, routes: Iterable[DefaultRoute]) -> str | None:
    """Of the route that the kernel would prefer, were there no other interface; None where no route leaves there."""
    ways = [route for route in routes if (route.interface, route.version) == (interface, version)]
    best = min(ways, key=lambda way: (way.table != MAIN_TABLE, way.metric), default=None)
    return None if best is None else best.gateway


def preferred_interface(routes: Iterable[DefaultRoute]) -> int | None:
    """The index of the interface that the main table's best default route leaves through, IPv4 before IPv6."""
    main = [route for route in routes if route.table == MAIN_TABLE]
    best = min(main, key=lambda route: (route.version, route.metric), default=None)
    return None if best is None else best.interface
