"""The agent behind the snmpd that the host already has: port 161 is snmpd's, the subtree is ours.

manager ---- snmpd (127.0.0.1:161) ---- AgentX socket ---- the agent
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.managers import AUTH_KEY, COMMUNITY, PRIV_KEY, USER, V2C, Manager, Receiver, Snmpd
from tests.lab.namespace import until
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

SINKS = [
    f"trap2sink 127.0.0.1:1162 {COMMUNITY}",
    f"trapsess -Ci -v3 -u {USER} -l authPriv -a SHA-256 -A {AUTH_KEY} -x AES -X {PRIV_KEY} 127.0.0.1:1162",
]


@pytest.fixture
def snmpd(lab: Lab) -> Iterator[Snmpd]:
    snmpd = Snmpd(lab.cpe.namespace, lab.directory)
    yield snmpd
    print(f"--- snmpd\n{snmpd.output}")
    snmpd.stop()


@pytest.fixture
def receiver(lab: Lab) -> Iterator[Receiver]:
    receiver = Receiver(lab.cpe.namespace, lab.directory, port=1162)
    receiver.start()
    yield receiver
    print(f"--- snmptrapd\n{receiver.output}")
    receiver.stop()


@pytest.fixture
def telling(lab: Lab, receiver: Receiver) -> Iterator[Snmpd]:
    """An snmpd that tells `receiver`: it would wait for its answer when it starts."""
    snmpd = Snmpd(lab.cpe.namespace, lab.directory, sinks=SINKS)
    snmpd.start()
    yield snmpd
    print(f"--- snmpd\n{snmpd.output}")
    snmpd.stop()


@pytest.fixture
def manager(lab: Lab) -> Manager:
    return Manager(lab.cpe.namespace, lab.directory, "127.0.0.1:161")


@pytest.fixture
def behind(snmpd: Snmpd, make_agent: Callable[..., Agent]) -> Agent:
    agent = make_agent(snmp={"agentx": str(snmpd.socket)})
    snmpd.start()
    agent.start()
    served(agent, 1)
    return agent


def served(agent: Agent, times: int) -> None:
    until(
        lambda: agent.output.count("answering-snmp-through-snmpd") == times,
        within=20,
        what=f"it is served for the {times}. time",
    )


def test_snmpd_answers_for_the_agent(behind: Agent, manager: Manager):
    seen = manager.walk("snmpbulkwalk", (*V2C, "-Cr25"))
    assert seen["tkAgentName.0"] == "lab-site"
    assert seen['tkSbcState."primary"'] == "healthy"
    assert set(manager.walk("snmpwalk", V2C)) == set(seen)
    assert len(seen) > 120
    answer = manager.get(V2C, "tkAgentName.0", "tkAgentRole.0", 'tkWanReuseWait."fibre"')
    assert "No Such Instance" in answer.text  # it is trusted
    assert (answer.values["tkAgentName.0"], answer.values["tkAgentRole.0"]) == ("lab-site", "router")


def test_what_snmpd_has_itself_is_still_there(behind: Agent, manager: Manager):
    answer = manager.run("snmpbulkwalk", V2C, "1.3.6.1.2.1.1")
    assert "Linux" in answer.text
    assert "Tonekeeper" not in answer.text


def test_nothing_can_be_set_even_by_who_may_write(behind: Agent, manager: Manager):
    answer = manager.run("snmpset", ("-v2c", "-c", "writing"), "1.3.6.1.4.1.32473.5060.1.1.1.0", "s", "other")
    assert "notWritable" in answer.complaint
    assert manager.value("tkAgentName.0") == "lab-site"


def test_it_needs_neither_pysnmp_nor_a_port_of_its_own(snmpd: Snmpd, lab: Lab, make_agent: Callable[..., Agent]):
    snmpd.start()
    agent = make_agent(snmp={"agentx": str(snmpd.socket)})
    before = lab.cpe.namespace.udp_ports()
    agent.launch(prelude="import sys; sys.modules['pysnmp'] = sys.modules['pyasn1'] = None")
    agent.wait_ready()
    served(agent, 1)
    assert 1161 not in lab.cpe.namespace.udp_ports() - before


def test_snmpd_may_come_later_and_may_restart(snmpd: Snmpd, manager: Manager, make_agent: Callable[..., Agent]):
    agent = make_agent(snmp={"agentx": str(snmpd.socket)})
    agent.start()
    status = agent.wait_for(lambda now: now.has("snmp-unavailable"), within=10)
    [finding] = [one for one in status["findings"] if one["code"] == "snmp-unavailable"]
    assert "master agentx" in finding["summary"]
    snmpd.start()
    served(agent, 1)
    agent.wait_for(lambda now: not now.has("snmp-unavailable"), within=10)
    assert manager.value("tkAgentName.0") == "lab-site"
    snmpd.stop()
    agent.wait_for(lambda now: now.has("snmp-unavailable"), within=10)
    snmpd.start()
    served(agent, 2)
    assert manager.value("tkAgentName.0") == "lab-site"


def test_an_agent_that_ends_takes_its_subtree_with_it(behind: Agent, manager: Manager):
    assert behind.stop() == 0
    answer = manager.get(V2C, "tkAgentName.0")
    assert "No Such" in answer.text


def test_snmpd_sends_our_notifications_to_its_own_managers(
    lab: Lab, telling: Snmpd, receiver: Receiver, make_agent: Callable[..., Agent]
):
    agent = make_agent(snmp={"agentx": str(telling.socket)})
    agent.start()
    served(agent, 1)
    with lab.silence(lab.sbc("primary")):
        receiver.wait_for(snmpTrapOID="tkFindingRaised", tkFindingCode="sbc-down")
    receiver.wait_for(snmpTrapOID="tkFindingCleared", tkFindingCode="sbc-down")
    told = [(one["snmpTrapOID"], one.get("tkFindingCode")) for one in receiver.heard]
    assert told.count(("tkFindingRaised", "sbc-down")) == 2  # both sinks


def test_what_happens_while_snmpd_is_away_is_told_when_it_is_back(
    lab: Lab, telling: Snmpd, receiver: Receiver, make_agent: Callable[..., Agent]
):
    agent = make_agent(snmp={"agentx": str(telling.socket)})
    agent.start()
    served(agent, 1)
    telling.stop()
    with lab.silence(lab.sbc("primary")):
        agent.wait_for(lambda now: now.has("sbc-down", "primary"), within=15)
    queue = agent.state_dir / "notifications.json"
    until(queue.exists, within=30, what="what waits is on disk", every=0.2)
    assert "tkFindingRaised" not in receiver.output
    telling.start()
    receiver.wait_for(snmpTrapOID="tkFindingRaised", tkFindingCode="sbc-down", within=60)
