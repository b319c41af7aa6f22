"""Which gateway each interface has, and which interface the main table prefers."""

from __future__ import annotations

import pytest

from tonekeeper.edge.default_routes import MAIN_TABLE, DefaultRoute, gateway_of, preferred_interface

FIBRE, LTE = 2, 3


def way(interface: int, gateway: str, metric: int = 0, table: int = MAIN_TABLE, version: int = 4) -> DefaultRoute:
    return DefaultRoute(version, table, metric, interface, gateway)


@pytest.mark.parametrize(
    ("routes", "gateway"),
    [
        ([], None),
        ([way(LTE, "192.0.2.5")], None),
        ([way(FIBRE, "2001:db8::1", version=6)], None),
        ([way(FIBRE, "")], ""),
        ([way(FIBRE, "192.0.2.9", metric=50), way(FIBRE, "192.0.2.1", metric=9)], "192.0.2.1"),
        ([way(FIBRE, "192.0.2.9", table=100), way(FIBRE, "192.0.2.1", metric=900)], "192.0.2.1"),
        ([way(FIBRE, "192.0.2.9", table=100), way(LTE, "192.0.2.5")], "192.0.2.9"),
        ([way(FIBRE, "192.0.2.1"), way(FIBRE, "192.0.2.2")], "192.0.2.1"),
    ],
    ids=[
        "no route",
        "another interface",
        "another family",
        "no gateway needed",
        "lowest metric",
        "main table first",
        "any table at least",
        "the kernel's order",
    ],
)
def test_the_gateway_is_that_of_the_best_route_through_the_interface(routes, gateway):
    assert gateway_of(FIBRE, 4, routes) == gateway


@pytest.mark.parametrize(
    ("routes", "interface"),
    [
        ([], None),
        ([way(LTE, "", table=100)], None),
        ([way(LTE, "", metric=5), way(FIBRE, "", metric=4)], FIBRE),
        ([way(FIBRE, "", version=6), way(LTE, "", metric=4000)], LTE),
    ],
    ids=["none", "another table", "lowest metric", "IPv4 before IPv6"],
)
def test_the_preferred_interface_is_that_of_the_main_tables_best_route(routes, interface):
    assert preferred_interface(routes) == interface
