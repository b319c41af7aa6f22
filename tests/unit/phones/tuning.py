"""Sites to tune for."""

from __future__ import annotations

from tonekeeper.core.keepalive import SAFE_FRACTION
from tonekeeper.phones.conditions import Conditions, Server

TWO_SBCS = (Server("192.0.2.10", 5060, "udp", 0.04, 0.005), Server("198.51.100.20", 5060, "udp", 0.06, 0.0))


def site(**changes):
    """Two SBCs behind a NAT that was measured."""
    known = {
        "safe_fraction": SAFE_FRACTION,
        "servers": TWO_SBCS,
        "replied": (58.0, 60.0),
        "stream": (118.0, 120.0),
        "tcp": (600.0, None),
    }
    return Conditions(**(known | changes))


def setting(tuning, capability, server=0):
    """The one that is meant; of several servers', the first's."""
    return next(each for each in tuning.settings if each.capability == capability and server in (0, each.server))
