"""What a site with many SBCs costs: 8 names of 4 addresses each over 2 WANs are 64 paths, probed at a 5 s cadence."""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType

from tests.bench.consumption import Memory, cpu_seconds_of, memory_of
from tests.bench.results import Figure, Row, Table
from tests.lab.agent import Agent
from tests.lab.namespace import Namespace
from tests.lab.resolver import Resolver
from tests.lab.scripted import Described
from tests.lab.topology import Lab
from tests.lab.wiretap import Datagram

CADENCE = 5.0
SBCS, ADDRESSES = 8, 4
SETTLING, WATCHED = 30.0, 120.0
"""Seconds: until every path has had its first verdicts, and of the measurement."""
LIMIT_PERCENT = 1.5

NETWORK = "198.18.1"
RESOLVER = "203.0.113.18"
DESCRIPTION = {
    "Allow": "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE",
    "Accept": "application/sdp, application/dtmf-relay",
    "Supported": "replaces, timer, path, outbound",
    "Server": "SBC 5.6.3",
}
"""What a usual SBC has in its answers."""


@dataclass(frozen=True, slots=True)
class Load:
    """Of the daemon, while it was watched."""

    cpu: float
    seconds: float
    probes: int
    memory: Memory


def bench(seed: int) -> Iterator[Table]:
    with Lab() as lab:
        yield tabulate(measure(lab))


def measure(lab: Lab) -> Load:
    addresses = [f"{NETWORK}.{number}" for number in range(1, SBCS * ADDRESSES + 1)]
    with ExitStack() as stack:
        stack.enter_context(_routed(lab, addresses))
        stack.enter_context(_Answering(lab.sbc("primary").namespace, addresses))
        resolver = stack.enter_context(Resolver(lab.services, RESOLVER))
        resolver.publish(*(f"sbc{at % SBCS}.example.net. 3600 IN A {address}" for at, address in enumerate(addresses)))
        agent = Agent(
            lab,
            name="many-paths",
            wan=[{"name": wan.name, "interface": wan.wan_interface, "resolvers": [RESOLVER]} for wan in lab.providers],
            sbc=[{"name": f"sbc{number}", "uri": f"sip:sbc{number}.example.net:5060"} for number in range(SBCS)],
            probe={"interval": f"{CADENCE:g}s"},
        )
        stack.callback(agent.kill)
        agent.start()
        return _watch(agent)


def _watch(agent: Agent) -> Load:
    expected = SBCS * ADDRESSES * 2
    agent.wait_for(lambda now: [path["state"] for path in now.paths] == ["up"] * expected, within=30.0)
    time.sleep(SETTLING)
    pid, before = agent.process.pid, agent.status()
    began, used = time.monotonic(), cpu_seconds_of(agent.process.pid)
    time.sleep(WATCHED)
    cpu, seconds = cpu_seconds_of(pid) - used, time.monotonic() - began
    after = agent.status()
    assert len(after.paths) == expected
    return Load(cpu, seconds, after["probing"]["sent_packets"] - before["probing"]["sent_packets"], memory_of(pid))


@contextmanager
def _routed(lab: Lab, addresses: list[str]) -> Iterator[None]:
    """All of them live at the primary's site."""
    site = lab.sbc("primary")
    site.namespace.run(
        "ip", "-batch", "-", stdin="".join(f"address add {address}/32 dev eth0\n" for address in addresses)
    )
    lab.core.run("ip", "route", "add", f"{NETWORK}.0/24", "via", site.address)
    try:
        yield
    finally:
        lab.core.run("ip", "route", "del", f"{NETWORK}.0/24")


class _Answering:
    """OPTIONS over UDP at every address, on a thread, inside `with`."""

    def __init__(self, namespace: Namespace, addresses: list[str]) -> None:
        self._selector = selectors.DefaultSelector()
        for address in addresses:
            udp = namespace.socket()
            udp.bind((address, 5060))
            self._selector.register(udp, selectors.EVENT_READ)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> _Answering:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _serve(self) -> None:
        respond = Described(DESCRIPTION)
        while not self._ended.is_set():
            for key, _ in self._selector.select(0.1):
                udp = key.fileobj
                payload, source = udp.recvfrom(65535)
                for reply in respond(Datagram(source, udp.getsockname(), payload)):
                    udp.sendto(reply, source)


def tabulate(load: Load) -> Table:
    share = load.cpu / load.seconds * 100
    return Table(
        "Many paths",
        f"{SBCS} SBCs by name with {ADDRESSES} addresses each over 2 WANs, {SBCS * ADDRESSES * 2} paths at a "
        f"{CADENCE:g} s cadence, watched for {load.seconds:.0f} s once all are up; HTTP on and not asked, journal "
        "written. CPU is user and system time of the daemon, as a share of one core.",
        ("CPU", "per probe", "probes", "RSS"),
        (
            Row(
                "Tonekeeper",
                (
                    Figure(share, "%", LIMIT_PERCENT),
                    Figure(load.cpu / load.probes * 1e6, "µs"),
                    Figure(load.probes, ""),
                    Figure(load.memory.resident, "MiB", 40.0),
                ),
            ),
        ),
    )
