"""SIP goes to the WAN that works: the routes first, then what NAT still holds to the old one, and nothing else."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.faults import Provider
from tests.lab.kernel_state import RouteMonitor, Tracked, host_routes, tracked, way_of_the_lan
from tests.lab.namespace import Namespace, until
from tests.lab.phone import Phone
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

FIBRE, LTE = "198.51.100.2", "198.51.100.194"
"""Where an SBC sees the site's phones: the address of the CPE on fibre, that of the carrier's NAT on lte."""
BY_FIBRE = {"203.0.113.2": "198.51.100.1", "198.18.0.10": "198.51.100.1"}
BY_LTE = dict.fromkeys(BY_FIBRE, "198.51.100.129")
SERVICES = "203.0.113.18"

Break = Callable[[Provider], contextlib.AbstractContextManager[object]]


def steers(wan: str) -> Callable[[Status], bool]:
    """The move to this WAN is complete."""
    return lambda now: now.active[0] == wan and now["steering"]["phase"] == "resting"


@pytest.fixture
def phone(lab: Lab) -> Phone:
    return Phone(lab.phone)


def on(cpe: Namespace, provider: Provider) -> set[Tracked]:
    """Translated entries to the SBCs that are held to this provider's address."""
    return {
        entry
        for entry in tracked(cpe)
        if entry.destination[0] in BY_FIBRE and entry.is_translated and entry.nat_source == provider.wan_address
    }


def wait_moved(lab: Lab, wan: dict[str, str], within: float = 15.0) -> None:
    until(lambda: host_routes(lab.cpe.namespace) == wan, within=within, what=f"the host routes to be {wan}", every=0.01)


def test_at_rest_the_sbcs_and_nothing_else_have_routes_of_our_own_over_the_first_wan(lab: Lab, steerer: Agent):
    before = lab.cpe.namespace.run("ip", "route", "show", "table", "main")
    steerer.wait_for(steers("fibre"), within=5)
    assert host_routes(lab.cpe.namespace) == BY_FIBRE
    assert steerer.status()["steering"]["destinations"] == list(BY_FIBRE)
    assert lab.cpe.namespace.run("ip", "route", "show", "table", "main") == before


@pytest.mark.parametrize("nat", ["masquerade", "fixed"])
@pytest.mark.parametrize("fault", [Provider.cut, Provider.silence], ids=["carrier lost", "silently dead"])
def test_a_phone_on_a_dead_wan_registers_at_once_over_the_other(
    lab: Lab, make_steerer: Callable[..., Agent], phone: Phone, nat: str, fault: Break
):
    cpe, fibre = lab.cpe.namespace, lab.provider("fibre")
    if nat == "fixed":
        lab.cpe.translate_statically(*lab.providers)
    agent = make_steerer()
    agent.start()
    agent.wait_for(steers("fibre"), within=5)
    assert phone.refresh(lab.sbc("primary")) == FIBRE
    assert on(cpe, fibre)
    with fault(fibre):
        wait_moved(lab, BY_LTE)
        until(lambda: not on(cpe, fibre), within=1.0, what="no entry to an SBC to be left on the old WAN")
        assert phone.refresh(lab.sbc("primary")) == LTE
        status = agent.wait_for(steers("lte"), within=10)
        assert not on(cpe, fibre)
        assert not status.has("stale-binding")
        assert status["steering"]["flushed_flows"] >= 1


def test_a_phone_that_never_pauses_finds_its_way_within_the_second(lab: Lab, steerer: Agent, phone: Phone):
    lab.cpe.translate_statically(*lab.providers)
    steerer.wait_for(steers("fibre"), within=5)
    with phone.keep_registered(lab.sbc("primary"), every=0.1) as registration:
        registration.wait_seen_from(FIBRE, within=2)
        with lab.provider("fibre").silence():
            wait_moved(lab, BY_LTE)
            registration.wait_seen_from(LTE, within=1.0)
            steerer.wait_for(steers("lte"), within=10)
            assert not on(lab.cpe.namespace, lab.provider("fibre"))


@contextlib.contextmanager
def connected(near: Namespace, far: Namespace, address: str) -> Iterator[Callable[[], bool]]:
    """A TCP connection of the LAN; gives the question whether it still carries something."""
    with far.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, 8080))
        listener.listen()
        with near.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(2.0)
            client.connect((address, 8080))
            server, _ = listener.accept()

            def carries() -> bool:
                client.sendall(b"still there?")
                return server.recv(64) == b"still there?"

            with server:
                server.settimeout(2.0)
                yield carries


def test_what_is_neither_sip_nor_rtp_keeps_its_route_and_its_entry(lab: Lab, steerer: Agent, phone: Phone):
    cpe, fibre = lab.cpe.namespace, lab.provider("fibre")
    steerer.wait_for(steers("fibre"), within=5)
    main = cpe.run("ip", "route", "show", "table", "main")
    with connected(lab.phone, lab.services, SERVICES) as carries, lab.phone.socket() as datagrams:
        datagrams.sendto(b"syslog", (SERVICES, 514))
        phone.refresh(lab.sbc("primary"))
        others = {entry for entry in tracked(cpe) if entry.destination[0] == SERVICES}
        assert {entry.protocol for entry in others} == {"tcp", "udp"}
        with fibre.silence(lab.sbc("primary").address), fibre.silence(lab.sbc("alternate").address):
            steerer.wait_for(steers("lte"), within=15)
            assert not on(cpe, fibre)
            assert {entry for entry in tracked(cpe) if entry.destination[0] == SERVICES} == others
            assert way_of_the_lan(cpe, SERVICES) == "eth0"
            assert way_of_the_lan(cpe, lab.sbc("primary").address) == "wwan0"
            assert cpe.run("ip", "route", "show", "table", "main") == main
            assert carries()


def test_marks_and_flows_to_other_ports_of_other_hosts_stay_when_everything_moves(lab: Lab, steerer: Agent):
    cpe = lab.cpe.namespace
    steerer.wait_for(steers("fibre"), within=5)
    marked = ("-p", "udp", "-s", "192.0.2.10", "-d", SERVICES, "--sport", "4500", "--dport", "4500")
    answers = ("-r", SERVICES, "-q", FIBRE, "--reply-port-src", "4500", "--reply-port-dst", "4500")
    cpe.run("conntrack", "-I", *marked, *answers, "--timeout", "600", "--mark", "42")
    with lab.provider("fibre").cut():
        steerer.wait_for(steers("lte"), within=10)
        assert [entry.mark for entry in tracked(cpe) if entry.source[1] == 4500] == [42]


@pytest.mark.parametrize(
    ("fibre", "lte"),
    [(Provider.silence, Provider.silence), (Provider.cut, Provider.silence), (Provider.cut, Provider.cut)],
    ids=["both silent", "one cut", "both cut"],
)
def test_with_both_wans_dead_nothing_is_changed_in_the_kernel(
    lab: Lab, steerer: Agent, phone: Phone, fibre: Break, lte: Break
):
    steerer.wait_for(steers("fibre"), within=5)
    phone.refresh(lab.sbc("primary"))
    flows = on(lab.cpe.namespace, lab.provider("fibre"))
    with RouteMonitor(lab.cpe.namespace) as monitor, lte(lab.provider("lte")), fibre(lab.provider("fibre")):
        status = steerer.wait_for(lambda now: now.has("site-offline"), within=20)
        steerer.watch(until=passed(2.0), within=10)
        assert status.active[0] == "fibre"
        assert monitor.seen() == []
        assert on(lab.cpe.namespace, lab.provider("fibre")) == flows


def test_a_flapping_wan_moves_the_site_once_and_gets_it_back_only_after_it_was_quiet(lab: Lab, steerer: Agent):
    steerer.wait_for(steers("fibre"), within=5)
    for _ in range(5):
        with lab.provider("fibre").cut():
            steerer.wait_for(lambda now: now.wan("fibre")["carrier"] == "no", within=5)
            steerer.watch(until=passed(0.5), within=5)
        steerer.wait_for(lambda now: now.wan("fibre")["state"] != "down", within=5)
        steerer.watch(until=passed(0.5), within=5)
    held = steerer.watch(until=passed(FAILBACK_AND_MORE), within=FAILBACK_AND_MORE + 5)
    assert {now.active[0] for now in held} == {"lte"}
    wan = held[-1].wan("fibre")
    assert wan["state"] == "suppressed"
    assert wan["penalty"] > 2500
    assert wan["losses_1h"] == 5
    assert wan["transitions"] >= 10
    assert wan["suppressed_s"] > 60
    assert held[-1]["active"]["switches"] <= 2
    assert held[-1].has("wan-flapping", "fibre")
    assert set(host_routes(lab.cpe.namespace).values()) == {lab.provider("lte").gateway}


FAILBACK_AND_MORE = 8.0
"""Seconds in which an undamped WAN would have had the site back: failback_after, its spread, and some."""


def passed(seconds: float) -> Callable[[Status], bool]:
    """From the first status asked on, by the agent's own clock."""
    began: list[float] = []

    def so_long(status: Status) -> bool:
        began.append(status["agent"]["uptime_s"])
        return began[-1] - began[0] >= seconds

    return so_long
