"""Simulated incidents. A failing one prints its seed and the last changes, so that it can be run again as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tonekeeper.core.site import FailoverPolicy, Sbc, Site, Wan
from tonekeeper.drivers.sim.simulation import Simulation

FIBRE, LTE = Wan("fibre", "eth0"), Wan("lte", "wwan0")
PRIMARY = Sbc("primary", "sip:sbc1.example.net", "sbc1.example.net", 5060)
ALTERNATE = Sbc("alternate", "sip:sbc2.example.net", "sbc2.example.net", 5060)
SHOWN = 30
"""Changes printed with a failure."""

_simulations = pytest.StashKey[list]()


def site_with(*, wans=(FIBRE, LTE), sbcs=(PRIMARY, ALTERNATE), **failover):
    return Site("site-0042", tuple(wans), tuple(sbcs), failover=replace(FailoverPolicy(), **failover))


def pytest_collection_modifyitems(items):
    """The months come first, so that no worker is left alone with them when the others are done."""
    items.sort(key=lambda item: item.path.name != "test_false_alarm_budget.py")


@pytest.fixture
def simulate(request):
    """`simulate(seed=1)`: two WANs and two SBCs; keywords of `site_with` change the site."""
    made = request.node.stash.setdefault(_simulations, [])

    def make(*, seed=1, keep_journal=False, **site):
        sim = Simulation(site_with(**site), seed=seed, keep_journal=keep_journal)
        made.append(sim)
        return sim

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.failed:
        for sim in item.stash.get(_simulations, []):
            lines = [
                f"{entry.at:12.3f}  {entry.subject}: {entry.before} -> {entry.after} ({entry.reason})"
                for entry in sim.log
            ]
            report.sections.append((f"simulation with seed {sim.seed}, now {sim.now:.3f} s", "\n".join(lines[-SHOWN:])))
    return report
