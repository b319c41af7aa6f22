"""The table of connections, really filled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.behind_a_modem import join
from tests.lab.edge_namespaces import namespaces, run_inside
from tests.lab.full_table import fill, fillable, table_size
from tests.lab.namespace import Namespace
from tests.lab.topology import Lab
from tests.lab.verdicts import finding
from tonekeeper.app.checks.conntrack import check_conntrack, judged
from tonekeeper.core.checks import Outcome
from tonekeeper.core.report import Severity
from tonekeeper.edge.connection_table import read_table

pytestmark = pytest.mark.lab


@pytest.fixture
def router() -> Iterator[Namespace]:
    with namespaces("router", "nowhere") as made:
        join(made["router"], "out 192.0.2.1/24", made["nowhere"], "in 192.0.2.2/24")
        with fillable(made["router"], "out"):
            yield made["router"]


def test_a_table_that_fills_is_told_before_it_is_full_and_when_it_loses_connections(router: Namespace):
    most = table_size()
    assert run_inside(router, check_conntrack).outcome is Outcome.OK

    fill(router, 0, int(most * 0.85))
    before = router.inside(read_table)
    (filling,) = judged(before, before).observations
    assert (filling.code, filling.severity) == ("conntrack-full", Severity.WARNING)
    assert "(85%)" in filling.evidence["why"]

    fill(router, int(most * 0.85), int(most * 1.02))
    (full,) = judged(router.inside(read_table), before).observations
    assert full.severity is Severity.CRITICAL
    assert int(full.evidence["lost"]) > 0, "the kernel evicted what was never answered"

    router.run("conntrack", "-F", within=60.0)
    assert run_inside(router, check_conntrack).outcome is Outcome.OK


def test_everybody_may_look(router: Namespace):
    code = "import asyncio; from tonekeeper.app.checks.conntrack import check_conntrack as c; print(asyncio.run(c()))"
    nobody = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert "Outcome.OK" in router.run(*nobody, sys.executable, "-c", code)


def is_critical(status: Status) -> bool:
    return any((one["code"], one["severity"]) == ("conntrack-full", "critical") for one in status["findings"])


def test_the_agent_of_a_router_says_when_its_table_is_full_and_when_there_is_room_again(
    lab: Lab, make_agent: Callable[..., Agent]
):
    most, cpe = table_size(), lab.cpe.namespace
    agent = make_agent(checks={"background": True})
    agent.start()
    with fillable(cpe, "eth0"):
        fill(cpe, 0, int(most * 1.02))
        agent.reload()
        status = agent.wait_for(is_critical, within=30)
    told = finding(status, "conntrack-full", "")
    assert f"of {most} entries are in use" in told["summary"]
    agent.reload()
    agent.wait_for(lambda now: not now.has("conntrack-full"), within=100)  # the next look may still count what was lost


def test_an_agent_that_is_told_not_to_look_does_not(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent(checks={"background": False})
    agent.start()
    agent.reload()
    agent.wait_for(lambda now: now["agent"]["uptime_s"] > 12.0, within=20)
    beside = {"clock", "captive-portal", "dhcp", "double-nat", "conntrack"}
    assert not beside & {one["check"] for one in agent.status()["checks"]}
