"""What managers are told without asking: net-snmp's snmptrapd at the services site, behind both WANs.

cpe (the agent) ---- fibre, lte ---- services (snmptrapd, 203.0.113.18:162)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.managers import V2C, Manager, Receiver, with_snmp
from tests.lab.namespace import until
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

MANAGER = "203.0.113.18"
QUEUE = "notifications.json"


def target(**others: str) -> list[dict[str, str]]:
    return [{"name": "manager", "address": f"{MANAGER}:162", **others}]


BY_USER, BY_COMMUNITY = {"user": "noc"}, {}


@pytest.fixture
def receiver(lab: Lab) -> Iterator[Receiver]:
    receiver = Receiver(lab.services, lab.directory)
    receiver.start()
    yield receiver
    receiver.stop()
    print(f"--- snmptrapd\n{receiver.output}")


@pytest.fixture
def make_notifier(make_agent: Callable[..., Agent]) -> Callable[..., Agent]:
    def make(**how: str) -> Agent:
        return make_agent(**with_snmp(), **{"snmp.target": target(**how)})

    return make


@pytest.mark.parametrize("how", [BY_USER, BY_COMMUNITY], ids=["v3", "v2c"])
def test_an_inform_tells_of_an_incident_and_of_its_end(
    lab: Lab, make_notifier: Callable[..., Agent], receiver: Receiver, how: dict[str, str]
):
    agent = make_notifier(**how)
    agent.start()
    with lab.silence(lab.sbc("primary")):
        told = receiver.wait_for(snmpTrapOID="tkFindingRaised", tkFindingCode="sbc-down")
        assert (told["tkAgentName"], told["tkFindingSeverity"], told["tkFindingSubject"]) == (
            "lab-site",
            "critical",
            "primary",
        )
        assert "does not answer" in told["tkFindingSummary"]
        receiver.wait_for(snmpTrapOID="tkSbcChanged", tkSbcState="down")
        moved = receiver.wait_for(snmpTrapOID="tkActiveChanged")
        assert (moved["tkActiveSbc"], moved["tkActiveWan"]) == ("alternate", "fibre")
    receiver.wait_for(snmpTrapOID="tkFindingCleared", tkFindingCode="sbc-down")
    receiver.wait_for(snmpTrapOID="tkSbcChanged", tkSbcState="healthy")
    assert numbers(receiver) == [*range(1, len(receiver.heard) + 1)]
    until(lambda: waiting(lab) == 0, within=10, what="all are acknowledged", every=0.2)


def numbers(receiver: Receiver) -> list[int]:
    return [int(one["tkNotifySequence"]) for one in receiver.heard]


def waiting(lab: Lab) -> int:
    return int(Manager(lab.cpe.namespace, lab.directory).value("tkNotifyQueued.0"))


def test_a_trap_of_v3_is_understood_by_who_knows_the_engine(lab: Lab, make_notifier: Callable[..., Agent]):
    agent = make_notifier(kind="trap", **BY_USER)
    agent.start()
    engine = until(lambda: re.search(r"engine=(\w+)", agent.output), within=10, what="SNMP is answered")[1]
    receiver = Receiver(lab.services, lab.directory, engine_id=engine)
    receiver.start()
    try:
        with lab.silence(lab.sbc("primary")):
            receiver.wait_for(snmpTrapOID="tkFindingRaised", tkFindingCode="sbc-down")
    finally:
        receiver.stop()


def test_a_trap_of_v2c_says_the_same(lab: Lab, make_notifier: Callable[..., Agent], receiver: Receiver):
    agent = make_notifier(kind="trap")
    agent.start()
    with lab.silence(lab.sbc("primary")):
        receiver.wait_for(snmpTrapOID="tkFindingRaised", tkFindingCode="sbc-down")


def test_what_happens_while_the_manager_is_away_is_told_when_it_is_back(
    lab: Lab, make_notifier: Callable[..., Agent], receiver: Receiver
):
    agent = make_notifier(**BY_USER)
    agent.start()
    with lab.provider("fibre").silence(MANAGER), lab.provider("lte").silence(MANAGER):
        with lab.silence(lab.sbc("primary")):
            agent.wait_for(lambda now: now.has("sbc-down", "primary"), within=15)
        agent.wait_for(lambda now: not now.has("sbc-down", "primary"), within=15)
        until(lambda: (agent.state_dir / QUEUE).exists(), within=30, what="what waits is on disk", every=0.2)
        assert waiting(lab) >= 4
        assert receiver.heard == []
    receiver.wait_for(snmpTrapOID="tkFindingCleared", tkFindingCode="sbc-down", within=60)
    codes = [(one["snmpTrapOID"], one.get("tkFindingCode")) for one in receiver.heard]
    assert codes.index(("tkFindingRaised", "sbc-down")) < codes.index(("tkFindingCleared", "sbc-down"))
    assert sorted(set(numbers(receiver))) == [*range(1, max(numbers(receiver)) + 1)]
    until(lambda: not (agent.state_dir / QUEUE).exists(), within=30, what="nothing is left on disk", every=0.2)


def test_what_waits_outlives_a_restart(lab: Lab, make_notifier: Callable[..., Agent], receiver: Receiver):
    agent = make_notifier(**BY_USER)
    agent.start()
    with lab.provider("fibre").silence(MANAGER), lab.provider("lte").silence(MANAGER):
        with lab.silence(lab.sbc("primary")):
            agent.wait_for(lambda now: now.has("sbc-down", "primary"), within=15)
            until(lambda: waiting(lab) > 0, within=10, what="something waits", every=0.2)
            assert agent.stop() == 0
        assert (agent.state_dir / QUEUE).exists()
    agent.start()
    receiver.wait_for(snmpTrapOID="tkFindingRaised", tkFindingCode="sbc-down", within=30)
    until(lambda: not (agent.state_dir / QUEUE).exists(), within=30, what="nothing is left on disk", every=0.2)


def test_a_manager_with_other_keys_takes_nothing_and_nothing_is_lost(
    lab: Lab, make_agent: Callable[..., Agent], receiver: Receiver
):
    sections = with_snmp()
    [user] = sections["snmp.user"]
    user["auth_key"] = "another-horse"
    agent = make_agent(**sections, **{"snmp.target": target(**BY_USER)})
    agent.start()
    with lab.silence(lab.sbc("primary")):
        agent.wait_for(lambda now: now.has("sbc-down", "primary"), within=15)
        until(lambda: (agent.state_dir / QUEUE).exists(), within=30, what="it waits on disk", every=0.2)
    assert receiver.heard == []
    assert waiting(lab) > 0


def test_a_wan_that_flaps_costs_no_more_than_its_share(
    lab: Lab, make_notifier: Callable[..., Agent], receiver: Receiver
):
    agent = make_notifier(**BY_COMMUNITY)
    agent.start()
    for _ in range(15):
        with lab.provider("lte").cut():
            agent.wait_for(lambda now: now.wan("lte")["state"] == "down", within=5)
        agent.wait_for(lambda now: now.wan("lte")["carrier"] == "yes", within=5)
    receiver.wait_for(snmpTrapOID="tkFindingRaised", tkFindingCode="wan-flapping")
    assert len(receiver.heard) < 45


def test_who_is_told_is_asked_by_the_same_agent_as_before(lab: Lab, make_notifier: Callable[..., Agent]):
    """A target that nobody can reach delays no answer."""
    agent = make_notifier(**BY_USER)
    with lab.provider("fibre").silence(MANAGER), lab.provider("lte").silence(MANAGER):
        agent.start()
        with lab.silence(lab.sbc("primary")):
            agent.wait_for(lambda now: now.has("sbc-down", "primary"), within=15)
            manager = Manager(lab.cpe.namespace, lab.directory)
            assert manager.walk("snmpbulkwalk", V2C)["tkFindingsCritical.0"] == "1"
