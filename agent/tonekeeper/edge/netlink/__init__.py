"""What the kernel says and does over netlink: the one place that talks to pyroute2, in frozen values of our own."""

from __future__ import annotations

from tonekeeper.edge.netlink.links import LinkWatch, default_route_interface

__all__ = ["LinkWatch", "default_route_interface"]
