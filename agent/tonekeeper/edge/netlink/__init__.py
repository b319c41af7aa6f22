"""What the kernel says and does over netlink, in frozen values of our own.

Whatever the kernel tells is read here, from bytes: it tells a lot. What changes something is written by pyroute2, which
is loaded with the first change and by one module only (docs/decisions/0004-netlink.md).
"""

from __future__ import annotations

from tonekeeper.edge.netlink.default_routes import default_route_interface
from tonekeeper.edge.netlink.links import LinkWatch

__all__ = ["LinkWatch", "default_route_interface"]
