"""docs/wan.md against the program: finding codes, defaults, the figures in the text, what stands in the kernel."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tonekeeper.core import circuits, metering, repairs, steering
from tonekeeper.core.findings import CATALOGUE
from tonekeeper.core.flap import ADDRESS_CHANGE, LOSS, Damper
from tonekeeper.core.kernel import FlowPin, HostRoute, KernelPlan, Protocol, WanTable
from tonekeeper.core.metering import Meter
from tonekeeper.core.site import DampingPolicy, FailoverPolicy, ProbePolicy, Wan
from tonekeeper.edge.netlink import links, routing_news
from tonekeeper.edge.steering import METRIC, PROTOCOL, STEERING_TABLE, TABLES, Rule, entries_of
from tonekeeper.settings.load import settings_from

DOCUMENT = (Path(__file__).parents[3] / "docs" / "wan.md").read_text()
TEXT = " ".join(DOCUMENT.split())
DRAWING = DOCUMENT.split("```")[1]
DEFAULTS = re.findall(r"^\| `(\w+)\.(\w+)` \| `(.+?)` \|", DOCUMENT, re.MULTILINE)
MINUTE = 60.0


def test_every_finding_code_exists_in_the_catalogue():
    in_table = re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT, re.MULTILINE)
    in_drawing = re.findall(r": ([a-z]+-[a-z-]+)$|: (flows-unseen),", DRAWING, re.MULTILINE)
    in_text = re.findall(r"`([a-z]+(?:-[a-z]+)+)`", DOCUMENT)

    assert len(in_table) > 10
    assert len(in_drawing) == 5
    assert {one or other for one, other in in_drawing} <= set(in_table)
    assert {*in_table, *in_text} <= CATALOGUE.keys()


@pytest.mark.parametrize(("section", "key", "written"), DEFAULTS, ids=lambda part: part)
def test_a_default_is_the_real_one(section, key, written):
    wan = {"name": "lte", "interface": "wwan0", "metered": True}
    values = {"sbc": [{"name": "primary", "uri": "sip:sbc1.example.net"}], "wan": [wan]}
    default = settings_from(values, "site.toml")

    told = {key: tomllib.loads(f"x = {written}")["x"]}
    values = {**values, section: [{**wan, **told}] if section == "wan" else told}

    assert settings_from(values, "site.toml") == default


def test_every_key_of_damping_and_all_but_two_of_failover_are_told():
    told = {(section, key) for section, key, _ in DEFAULTS}

    assert {key for section, key in told if section == "damping"} == set(DampingPolicy.__slots__)
    assert {key for section, key in told if section == "failover"} == set(FailoverPolicy.__slots__) - {"mode", "prefer"}


def test_the_figures_of_a_move_are_the_ones_in_force():
    assert f"none for {steering.SETTLING:g} s" in DRAWING
    assert f"after {steering.GIVE_UP:g} s: stale-binding" in DRAWING
    assert f"again in {steering.RETRY:g} s: steering-refused" in DRAWING
    assert f"down within {FailoverPolicy().probation:g} s" in DRAWING
    assert f"proven for {FailoverPolicy().failback_after / MINUTE:g} min" in DRAWING
    assert f"0 to {FailoverPolicy().failback_spread:g} s at random" in DRAWING
    assert f"at most {steering.MOST_PINS} of them, and is looked at every {steering.WATCH:g} s" in TEXT
    assert f"{circuits.DEGRADED_LOSS:.0%}".replace("%", " % or more") in TEXT


def test_the_figures_of_sensing_are_the_ones_in_force():
    assert f"at most every {links.LOOK_EVERY * 1000:g} ms" in TEXT
    assert f"put again {routing_news.AFTER * 1000:g} ms later, at most once a second" in TEXT
    assert repairs.APART == routing_news.APART == 1.0
    assert "three times within a minute" in TEXT
    assert (repairs.TOO_OFTEN, repairs.LATELY) == (3, MINUTE)
    assert steering.REST == MINUTE


def test_what_stands_in_the_kernel_is_what_a_plan_puts_there():
    pin = FlowPin(Protocol.UDP, "192.0.2.20", 16384, "198.51.100.10", 30000, "eth0")
    tables = (WanTable("eth0", "192.0.2.1", None), WanTable("wwan0", "", None))
    entries = entries_of(KernelPlan(tables, (HostRoute("198.51.100.10", "wwan0"),), (pin,)))
    priorities = {entry.priority for entry in entries if isinstance(entry, Rule)}

    assert {int(row) for row in re.findall(r"^\| (\d+) \|", DOCUMENT, re.MULTILINE)} == priorities
    assert f"protocol number {PROTOCOL}, and metric {METRIC} where it is a route" in TEXT
    assert f"Table {STEERING_TABLE} has one route" in TEXT
    assert f"{TABLES[1]} to {TABLES[-1]} hold the default route" in TEXT
    assert set(re.findall(r"\bproto (\d+)", DOCUMENT)) == {str(PROTOCOL)}


def test_the_reasons_of_damping_hold_for_its_defaults():
    policy = DampingPolicy()

    assert f"of health adds {LOSS:g}, a changed address {ADDRESS_CHANGE:g}" in TEXT
    assert not damper(policy, 0.0, 0.0).is_suppressed
    assert damper(policy, 0.0, MINUTE, 2 * MINUTE).is_suppressed
    assert not damper(policy, 0.0, 2 * MINUTE, 4 * MINUTE).is_suppressed
    assert damper(policy, 0.0, 0.0, 0.0).reuse_at == pytest.approx(8 * MINUTE, abs=10)
    assert damper(policy, *[0.0] * 200).reuse_at == pytest.approx(policy.max_suppress)


def test_the_figures_of_metering_are_the_ones_in_force():
    budget, steady = Wan("", "").budget, ProbePolicy().interval
    each = Meter(0.0).interval(budget, paths=2, steady=steady, now=0.0)

    assert f"counts as {metering.EXCHANGE} bytes" in TEXT
    assert f"a probe of each every {each:.0f} s" in TEXT
    assert metering.SLOWEST == 3600
    assert "a path is probed once an hour" in TEXT


def damper(policy: DampingPolicy, *losses: float) -> Damper:
    one = Damper()
    for at in losses:
        one.lost(LOSS, policy, at)
    return one
