"""A core that is small enough to be obviously right, so that these tests are about the driver and the network."""

from __future__ import annotations

import pytest

from tonekeeper.core.commands import OpenPath, ResolveSbc, SendOptions
from tonekeeper.core.events import (
    DeadlineReached,
    PathOpened,
    SbcResolved,
    Started,
)
from tonekeeper.core.site import Path, Sbc, Site, Wan

INTERVAL = 5.0


class StandIn:
    """Opens every path when its SBC is resolved, sends one OPTIONS every 5 s, and writes down what it is told."""

    def __init__(self, site, *, seed, started, version):
        self.site = site
        self.core_seed = seed
        self.due = {}
        self.events = []

    def next_deadline(self):
        return min(self.due.values(), default=None)

    def report(self, now):
        raise NotImplementedError

    def heard(self, kind):
        return [(now, event) for now, event in self.events if isinstance(event, kind)]

    def handle(self, event, now):
        self.events.append((now, event))
        match event:
            case Started():
                return [ResolveSbc(sbc.name, sbc.host, sbc.port, sbc.transport) for sbc in self.site.sbcs]
            case SbcResolved(sbc, addresses):
                transport = next(known.transport for known in self.site.sbcs if known.name == sbc)
                return [
                    OpenPath(Path(wan.name, sbc, transport, addresses[0]), wan.interface, "") for wan in self.site.wans
                ]
            case PathOpened(path):
                self.due[path] = now
            case DeadlineReached(token):
                path = min(self.due, key=self.due.get)
                self.due[path] = now + INTERVAL
                return [SendOptions(path, "host", token[:16], token[16:24], token[24:], 1, "stand-in")]
            case _:
                pass
        return []


class Restless(StandIn):
    """Its deadline is always now."""

    def handle(self, event, now):
        self.due[0] = now
        return []


def two_by_two():
    return Site(
        "site-0042",
        (Wan("fibre", "eth0"), Wan("lte", "wwan0")),
        (
            Sbc("primary", "sip:sbc1.example.net", "sbc1.example.net", 5060),
            Sbc("alternate", "sip:198.51.100.99:5070", "198.51.100.99", 5070),
        ),
    )


@pytest.fixture
def site():
    return two_by_two()


@pytest.fixture
def stand_in():
    return StandIn


@pytest.fixture
def restless():
    return Restless
