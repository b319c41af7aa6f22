"""The same over IPv6: routes and rules of that family, flows behind NAT66, and an SBC that only some WANs reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.dual_stack import BY_FIBRE, BY_LTE, ON_FIBRE, ON_LTE, SBC, URI, DualStack
from tests.lab.faults import Provider
from tests.lab.kernel_state import kernel_state
from tests.lab.namespace import Namespace, until
from tests.lab.test_steering_moves_sip import steers
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

SIX = {"name": "six", "uri": URI}


@pytest.fixture
def dual_stack(lab: Lab) -> Iterator[DualStack]:
    with DualStack(lab) as dual_stack:
        yield dual_stack


def gateway(cpe: Namespace) -> str:
    """Of the SBC's host route; "" for none."""
    shown = cpe.run("ip", "-6", "route", "show", "table", "all", "proto", "106").splitlines()
    (words,) = [line.split() for line in shown if line.startswith(f"{SBC} ")] or [["via", ""]]
    return words[words.index("via") + 1]


def test_over_ipv6_an_sbc_is_steered_flushed_and_put_back_alike(
    lab: Lab, make_steerer: Callable[..., Agent], dual_stack: DualStack
):
    cpe = lab.cpe.namespace
    before = kernel_state(cpe)
    agent = make_steerer(sbc=[SIX])
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    assert gateway(cpe) == BY_FIBRE
    assert dual_stack.seen_from() == ON_FIBRE
    with lab.provider("fibre").silence():
        until(lambda: gateway(cpe) == BY_LTE, within=15, what="the host route to be lte's")
        until(lambda: held_to(cpe, ON_FIBRE) == [], within=1.0, what="no entry to be left on fibre")
        assert dual_stack.seen_from() == ON_LTE
        assert agent.stop() == 0
    assert before.differences(kernel_state(cpe)) == []


def held_to(cpe: Namespace, address: str) -> list[str]:
    """Entries of the LAN that answers to `address` belong to."""
    lines = cpe.run("conntrack", "-L", "-f", "ipv6").splitlines()
    return [line for line in lines if "src=2001:db8:a:" in line and f"dst={address} " in line]


@pytest.mark.parametrize("fault", [Provider.cut, Provider.silence], ids=["carrier lost", "silently dead"])
def test_sbcs_of_both_families_move_together(
    lab: Lab, make_steerer: Callable[..., Agent], dual_stack: DualStack, fault: Callable[[Provider], object]
):
    primary = lab.sbc("primary")
    agent = make_steerer(sbc=[SIX, {"name": primary.name, "uri": primary.uri}])
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    fault(lab.provider("fibre"))
    agent.wait_for(steers("lte"), within=15)
    assert gateway(lab.cpe.namespace) == BY_LTE
    assert dual_stack.seen_from() == ON_LTE
    assert f"{primary.address} via 198.51.100.129" in lab.cpe.namespace.run("ip", "route", "show", "table", "7060")


def test_an_sbc_of_a_family_that_the_wan_does_not_speak_does_not_hold_the_others_up(
    lab: Lab, make_steerer: Callable[..., Agent], dual_stack: DualStack
):
    primary = lab.sbc("primary")
    lab.cpe.namespace.run("ip", "-6", "address", "flush", "dev", "wwan0", "scope", "global")
    agent = make_steerer(sbc=[{"name": primary.name, "uri": primary.uri}, SIX])
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    assert dual_stack.seen_from() == ON_FIBRE
    with lab.provider("fibre").cut():
        status = agent.wait_for(steers("lte"), within=15)
        assert not status.has("steering-refused")
        assert f"{primary.address} via 198.51.100.129" in lab.cpe.namespace.run("ip", "route", "show", "table", "7060")
