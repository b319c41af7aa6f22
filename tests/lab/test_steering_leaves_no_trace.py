"""What the agent put into the kernel it takes out again: when it is told to end, and when it was given no time to."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.lab.agent import Agent
from tests.lab.kernel_state import RouteMonitor, host_routes, kernel_state
from tests.lab.killing import SETTINGS, Killing
from tests.lab.namespace import until
from tests.lab.phone import Phone
from tests.lab.test_steering_moves_sip import BY_FIBRE, FIBRE, LTE, on, steers, wait_moved
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

MOMENTS = 12
"""For each seed; the bench takes 200."""
UNPRIVILEGED = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")


def test_sigterm_at_rest_puts_routes_and_rules_back(lab: Lab, make_steerer: Callable[..., Agent]):
    before = kernel_state(lab.cpe.namespace)
    agent = make_steerer()
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    assert before.differences(kernel_state(lab.cpe.namespace)) != []
    assert agent.stop() == 0
    assert before.differences(kernel_state(lab.cpe.namespace)) == []


def test_sigterm_in_the_middle_of_a_move_puts_routes_and_rules_back(lab: Lab, make_steerer: Callable[..., Agent]):
    before = kernel_state(lab.cpe.namespace)
    agent = make_steerer()
    agent.start()
    with lab.provider("fibre").silence():
        agent.wait_for(lambda now: now.active[0] == "lte" and now["steering"]["phase"] == "flushing", within=15)
        assert agent.stop() == 0
    assert before.differences(kernel_state(lab.cpe.namespace)) == []


def test_a_phone_is_not_left_on_the_wan_that_nobody_steers_to_any_more(lab: Lab, make_steerer: Callable[..., Agent]):
    lab.cpe.translate_statically(*lab.providers)
    phone = Phone(lab.phone)
    agent = make_steerer(failover={"failback_after": "1h"})
    agent.start()
    with lab.provider("fibre").cut():
        agent.wait_for(steers("lte"), within=10)
        assert phone.refresh(lab.sbc("primary")) == LTE
    agent.wait_for(lambda now: now.wan("fibre")["state"] == "up", within=10)
    assert agent.stop() == 0
    assert phone.refresh(lab.sbc("primary")) == FIBRE


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_of_a_switching_run_the_next_one_puts_all_back(
    lab: Lab, make_steerer: Callable[..., Agent], seed: int
):
    print(f"seed {seed}")
    with Killing(lab, make_steerer(failover=SETTINGS), Random(seed)) as killing:
        rounds = [killing.round() for _ in range(MOMENTS)]
    for each in rounds:
        print(each)
    assert [each for each in rounds if each.differences] == []
    assert len({(each.stimulus, each.held) for each in rounds}) > 2, "the moments were all alike"


def test_after_a_crash_it_steers_again_to_where_the_site_belongs(lab: Lab, steerer: Agent):
    steerer.wait_for(steers("fibre"), within=5)
    with lab.provider("fibre").cut():
        steerer.wait_for(steers("lte"), within=10)
        steerer.kill()
    steerer.start()
    wait_moved(lab, BY_FIBRE)


def test_switched_to_observe_by_a_reload_it_takes_everything_back(lab: Lab, make_steerer: Callable[..., Agent]):
    before = kernel_state(lab.cpe.namespace)
    agent = make_steerer()
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    agent.configure(failover={"mode": "observe"})
    agent.reload()
    agent.wait_for(lambda now: now["agent"]["mode"] == "observe", within=5)
    assert host_routes(lab.cpe.namespace) == {}
    assert before.differences(kernel_state(lab.cpe.namespace)) == []
    assert agent.stop() == 0


def test_switched_to_observe_a_phone_is_not_left_on_the_wan_that_nobody_steers_to_any_more(
    lab: Lab, make_steerer: Callable[..., Agent]
):
    lab.cpe.translate_statically(*lab.providers)
    phone = Phone(lab.phone)
    agent = make_steerer(failover={"failback_after": "1h"})
    agent.start()
    with lab.provider("fibre").cut():
        agent.wait_for(steers("lte"), within=10)
        assert phone.refresh(lab.sbc("primary")) == LTE
    agent.wait_for(lambda now: now.wan("fibre")["state"] == "up", within=10)
    agent.configure(failover={"mode": "observe"})
    agent.reload()
    agent.wait_for(lambda now: now["agent"]["mode"] == "observe", within=5)
    until(lambda: not on(lab.cpe.namespace, lab.provider("lte")), within=5, what="no entry to be left on lte")
    assert phone.refresh(lab.sbc("primary")) == FIBRE


def test_switched_to_observe_a_flow_that_stays_on_its_wan_keeps_its_entry(lab: Lab, make_steerer: Callable[..., Agent]):
    lab.cpe.translate_statically(*lab.providers)
    phone = Phone(lab.phone)
    agent = make_steerer()
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    assert phone.refresh(lab.sbc("primary")) == FIBRE
    held = on(lab.cpe.namespace, lab.provider("fibre"))
    agent.configure(failover={"mode": "observe"})
    agent.reload()
    agent.wait_for(lambda now: now["agent"]["mode"] == "observe", within=5)
    sent = agent.status().path("fibre", "primary")["sent"]
    agent.wait_for(lambda now: now.path("fibre", "primary")["sent"] > sent, within=5)
    assert held
    assert on(lab.cpe.namespace, lab.provider("fibre")) >= held


def test_in_observe_mode_the_kernel_is_never_changed(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent()
    with RouteMonitor(lab.cpe.namespace) as monitor:
        agent.start()
        with lab.provider("fibre").silence():
            agent.wait_for(lambda now: now.active[0] == "lte", within=15)
        assert agent.stop() == 0
        assert monitor.seen() == []


def test_without_cap_net_admin_steering_ends_with_4_and_names_it(make_steerer: Callable[..., Agent]):
    agent = make_steerer()
    agent.launch(through=UNPRIVILEGED)
    assert agent.process.wait(10) == 4
    assert "CAP_NET_ADMIN" in agent.output


def test_without_cap_net_admin_observing_works(make_agent: Callable[..., Agent]):
    agent = make_agent()
    agent.launch(through=UNPRIVILEGED)
    agent.wait_ready()
    assert {path["state"] for path in agent.status().paths} == {"up"}
    assert not agent.status().has("steering-refused")
    assert agent.stop() == 0


def test_reloaded_into_steering_without_cap_net_admin_it_goes_on_observing_and_says_why(
    lab: Lab, make_agent: Callable[..., Agent]
):
    agent = make_agent()
    agent.launch(through=UNPRIVILEGED)
    agent.wait_ready()
    agent.configure(failover={"mode": "steer"})
    with RouteMonitor(lab.cpe.namespace) as monitor:
        agent.reload()
        agent.wait_for(lambda now: "CAP_NET_ADMIN" in agent.output + str(now["findings"]), within=5)
        assert monitor.seen() == []
    sent = agent.status().path("fibre", "primary")["sent"]
    agent.wait_for(lambda now: now.path("fibre", "primary")["sent"] > sent, within=5)
    assert agent.stop() == 0
