"""What it costs to be asked by SNMP: processor time of the agent for a whole walk, and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.bench.consumption import Memory, cpu_seconds_of, memory_of
from tests.bench.results import Figure, Row, Table
from tests.lab.agent import Agent
from tests.lab.managers import USER, V2C, V3, Manager, Snmpd, with_snmp
from tests.lab.namespace import until
from tests.lab.topology import Lab

WALKS = 20
OURS, SNMPDS = "127.0.0.1:1161", "127.0.0.1:161"
LIMITS_MS = {"v2c, GETBULK": 60.0, "v3 authPriv, GETBULK": 80.0}
LIMIT_ALONE_MIB, LIMIT_AGENTX_MIB = 56.0, 41.0


@dataclass(frozen=True, slots=True)
class Walk:
    name: str
    cpu: float
    """Seconds of the agent's, each."""
    objects: int


def bench(seed: int) -> Iterator[Table]:
    with Lab() as lab:
        alone, _ = _stand_alone(lab, "endpoint")
        through, _ = _through_snmpd(lab, "endpoint")
        large, memory_alone = _stand_alone(lab, "router")
        _, memory_through = _through_snmpd(lab, "router")
    with_firewall = [replace(walk, name=f"{walk.name}, with its firewall") for walk in large if "GETBULK" in walk.name]
    yield _walks((*alone, *through, *with_firewall))
    yield _memory(memory_alone, memory_through)


def _agent(lab: Lab, name: str, role: str, **sections: object) -> Agent:
    """Three SBCs over two WANs; as an endpoint it has about 200 objects, as a router its firewall's flows as well."""
    sbcs = [{"name": sbc.name, "uri": sbc.uri} for sbc in lab.sbcs]
    third = {"name": "third", "uri": f"sip:{lab.sbcs[0].address}:5060;transport=tcp"}
    agent = Agent(
        lab,
        name=f"{name}-{role}",
        agent={"role": role},
        sbc=[*sbcs, third],
        probe={"interval": "5s"},
        **sections,
    )
    agent.start()
    if role == "router":
        agent.wait_for(lambda now: now["firewall"], within=30)
    until(lambda: "answering-snmp" in agent.output, within=10, what="SNMP is answered")
    return agent


def _stand_alone(lab: Lab, role: str) -> tuple[list[Walk], Memory]:
    target = {"name": "manager", "address": "127.0.0.1:1162", "user": USER, "kind": "trap"}
    agent = _agent(lab, "alone", role, **with_snmp(OURS), **{"snmp.target": [target]})
    try:
        manager = Manager(lab.cpe.namespace, lab.directory, OURS)
        walks = [
            _walk(agent, manager, "v2c, GETBULK", "snmpbulkwalk", (*V2C, "-Cr25")),
            _walk(agent, manager, "v3 authPriv, GETBULK", "snmpbulkwalk", (*V3, "-Cr25")),
            _walk(agent, manager, "v2c, GETNEXT", "snmpwalk", V2C),
            _walk(agent, manager, "v3 authPriv, GETNEXT", "snmpwalk", V3),
        ]
        return walks, memory_of(agent.process.pid)
    finally:
        agent.kill()


def _through_snmpd(lab: Lab, role: str) -> tuple[list[Walk], Memory]:
    snmpd = Snmpd(lab.cpe.namespace, lab.directory)
    snmpd.start()
    agent = _agent(lab, "through", role, snmp={"agentx": str(snmpd.socket)})
    try:
        manager = Manager(lab.cpe.namespace, lab.directory, SNMPDS)
        walks = [
            _walk(agent, manager, "through snmpd, GETBULK", "snmpbulkwalk", (*V2C, "-Cr25")),
            _walk(agent, manager, "through snmpd, GETNEXT", "snmpwalk", V2C),
        ]
        return walks, memory_of(agent.process.pid)
    finally:
        agent.kill()
        snmpd.stop()


def _walk(agent: Agent, manager: Manager, name: str, tool: str, how: tuple[str, ...]) -> Walk:
    objects = len(manager.walk(tool, how))
    before = cpu_seconds_of(agent.process.pid)
    for _ in range(WALKS):
        manager.walk(tool, how)
    return Walk(name, (cpu_seconds_of(agent.process.pid) - before) / WALKS, objects)


def _walks(walks: tuple[Walk, ...]) -> Table:
    return Table(
        "SNMP: a walk over everything",
        f"net-snmp's tools walk over the whole MIB of an agent with three SBCs over two WANs, {WALKS} times each, 25 "
        "repetitions with GETBULK. CPU is user and system time of the agent alone; probing goes on meanwhile. With its "
        "firewall: the agent of a router, whose ruleset is looked at.",
        ("CPU per walk", "objects"),
        tuple(
            Row(walk.name, (Figure(walk.cpu * 1000, "ms", LIMITS_MS.get(walk.name)), Figure(walk.objects, "")))
            for walk in walks
        ),
    )


def _memory(alone: Memory, through: Memory) -> Table:
    def row(name: str, memory: Memory, limit: float) -> Row:
        return Row(name, (Figure(memory.resident, "MiB", limit), Figure(memory.proportional, "MiB")))

    return Table(
        "SNMP: memory of the daemon",
        "The agent of a router, after all these walks. By itself: SNMPv2c and v3, one user, one target (pysnmp). "
        "Through snmpd: AgentX.",
        ("RSS", "PSS"),
        (row("by itself", alone, LIMIT_ALONE_MIB), row("through snmpd", through, LIMIT_AGENTX_MIB)),
    )
