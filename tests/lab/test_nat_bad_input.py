"""`tonekeeper nat` towards servers and over lines that are no good: never a wrong number, always a reason."""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.lab.measuring import KINDS, Measured, Measuring, fibre_blocks
from tests.lab.namespace import until
from tests.lab.stun import FIRST, SECOND, coturn, reflector
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

SILENT, FOREIGN, GARBAGE, WRONG_PORT, ONE_ADDRESS, ONE_PORT = 4001, 4002, 4003, 4004, 4010, 4020
NOBODY, BLOCKED = 4005, 3478
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")

WRONG = "a server that answers from the wrong port"
HOPELESS = {
    "a server that says nothing": (f"{FIRST}:{SILENT}", "no answer"),
    "a server that is not there": (f"{FIRST}:{NOBODY}", "ICMP 3/3"),
    "a server that answers with other people's transaction ids": (f"{FIRST}:{FOREIGN}", "no answer"),
    "a server that answers with garbage": (f"{FIRST}:{GARBAGE}", "no answer"),
    WRONG: (f"{FIRST}:{WRONG_PORT}", "from another address"),
    "a firewall that blocks stun but not sip": (f"{FIRST}:{BLOCKED}", "no answer"),
    "an address of this host": ("192.0.2.10", "is this host"),
    "a name that leads nowhere": ("nowhere.invalid", "cannot resolve"),
}


@pytest.fixture(scope="module")
def measured(standing_lab: Lab) -> dict[str, Measured]:
    """All of it at once: each takes some seconds of waiting."""
    lab = standing_lab
    servers = {what: server for what, (server, _) in HOPELESS.items()}
    servers |= {"one address": f"{FIRST}:{ONE_ADDRESS}", "one port more": f"{FIRST}:{ONE_PORT}"}
    with ExitStack() as stack:
        stack.enter_context(_impostors(lab))
        stack.enter_context(fibre_blocks(lab, BLOCKED))
        stack.enter_context(coturn(lab, port=ONE_ADDRESS, addresses=(FIRST,)))
        stack.enter_context(reflector(lab, "--sip-port", "0", port=ONE_PORT))
        options = ("--max", "2", "--sip", "203.0.113.2")
        # A NAT would keep the wrong port away, so this one is asked from where there is none.
        places = {what: lab.cpe.namespace if what == WRONG else lab.phone for what in servers}
        started = {what: Measuring(places[what], server, *options) for what, server in servers.items()}
        for one in started.values():
            stack.callback(one.kill)
        return {what: one.wait(within=30.0) for what, one in started.items()}


@pytest.mark.parametrize("what", HOPELESS)
def test_it_says_not_checked_and_why(measured, what):
    one, (_, reason) = measured[what], HOPELESS[what]

    assert one.code == 1
    assert one.document["mapping"] == one.document["filtering"] == "not checked"
    assert [one.lifetimes[kind] for kind in KINDS] == [None, None, None]
    for part in ("mapping", "filtering", *KINDS):
        assert reason in one.reasons[part], one.reasons


def test_sip_is_asked_all_the_same_where_it_can_be(measured):
    """Kamailio sees the phone with the address of the NAT. From the CPE there is none; and it is not asked from the
    loopback device, nor where nobody knows how to get away from here."""
    verdicts = {what: measured[what].document["sip_alg"] for what in HOPELESS}

    unasked = {WRONG, "an address of this host", "a name that leads nowhere"}
    assert {what for what, verdict in verdicts.items() if verdict == "not checked"} == unasked
    assert {verdict for what, verdict in verdicts.items() if what not in unasked} == {"no"}


def test_a_server_with_one_address_cannot_tell_the_behaviour_or_lifetimes(measured):
    one = measured["one address"]

    assert one.document["mapped_address"].startswith("198.51.100.2:")
    assert one.document["mapping"] == one.document["filtering"] == "not checked"
    assert "no other address" in one.reasons["mapping"]
    assert "RESPONSE-PORT" in one.reasons["stream"]


def test_a_reflector_with_one_address_can_tell_lifetimes_and_some_of_the_behaviour(measured):
    one = measured["one port more"]

    for kind in KINDS:
        low, high = one.lifetimes[kind]
        assert low >= 1.9
        assert high is None
    assert "one address" in one.reasons["mapping"]


def test_an_interface_without_an_address_is_a_reason_and_not_an_exception(standing_lab):
    phone = standing_lab.phone
    phone.run("ip", "link", "add", "empty0", "type", "veth", "peer", "empty1")
    try:
        for name in ("empty0", "empty1"):
            phone.run("ip", "link", "set", name, "up")
        one = Measuring(phone, FIRST, "--interface", "empty0").wait(within=10.0)
    finally:
        phone.run("ip", "link", "del", "empty0")

    assert one.code == 1
    assert "empty0" in one.reasons["mapping"]
    assert "address" in one.reasons["mapping"]


def test_an_interface_that_does_not_exist_is_wrong_usage(standing_lab):
    command = (sys.executable, "-m", "tonekeeper", "nat", "--server", FIRST, "--interface", "nosuch0")
    process = standing_lab.phone.popen(*command, log="nat-nosuch")
    assert process.wait(within=10.0) == 2
    assert "nosuch0" in process.output


def test_a_second_reflector_on_the_same_address_says_what_is_in_use(standing_lab):
    with reflector(standing_lab):
        command = (sys.executable, "-m", "tonekeeper", "reflector", "--listen", FIRST)
        process = standing_lab.services.popen(*command, log="reflector-second")
        assert process.wait(within=10.0) == 2
    assert f"cannot listen on {FIRST}:3478" in process.output


def test_the_wan_that_loses_its_address_ends_it_with_nothing(standing_lab):
    lab = standing_lab
    with coturn(lab):
        started = Measuring(lab.cpe.namespace, FIRST, "--interface", "wwan0", "--max", "60")
        try:
            _until_sockets_are_open(lab)
            with lab.cpe.remove_address(lab.provider("lte")):
                one = started.wait(within=10.0)
        finally:
            started.kill()

    assert one.document["abandoned"] is True
    assert "the WAN changed" in one.reasons["unreplied"]
    assert one.document["mapping"] == "not checked"


def test_it_works_without_any_privilege(standing_lab):
    with coturn(standing_lab):
        one = Measuring(standing_lab.phone, FIRST, "--max", "2", "--interface", "eth0", through=UNPRIVILEGED).wait(
            within=20.0
        )

    assert one.code == 0
    assert one.document["mapping"] == "endpoint-independent"


def _until_sockets_are_open(lab: Lab) -> None:
    until(lambda: len(lab.cpe.namespace.udp_ports()) > 20, within=10.0, what="the measurement does not begin")


@contextmanager
def _impostors(lab: Lab) -> Iterator[None]:
    """Servers that misbehave, each in its own way, on a thread."""
    elsewhere = _bound(lab, 4104)
    answers: dict[int, Callable[[socket.socket, bytes, tuple[str, int]], object]] = {
        SILENT: lambda own, data, source: None,
        FOREIGN: lambda own, data, source: own.sendto(_success(os.urandom(12), source), source),
        GARBAGE: lambda own, data, source: own.sendto(os.urandom(40), source),
        WRONG_PORT: lambda own, data, source: elsewhere.sendto(_success(data[8:20], source), source),
    }
    sockets = {_bound(lab, port): answer for port, answer in answers.items()}
    ended_here, ended_there = socket.socketpair()

    def serve() -> None:
        while True:
            for ready in select.select([*sockets, ended_there], [], [])[0]:
                if ready is ended_there:
                    return
                data, source = ready.recvfrom(2048)
                sockets[ready](ready, data, source)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended_here.close()
        thread.join()
        for one in (*sockets, elsewhere, ended_there):
            one.close()


def _bound(lab: Lab, port: int) -> socket.socket:
    sock = lab.services.socket()
    sock.bind((FIRST, port))
    return sock


def _success(transaction_id: bytes, source: tuple[str, int]) -> bytes:
    """MAPPED-ADDRESS and OTHER-ADDRESS, spelled out here: the lab must not agree with a mistake of the codec."""

    def address(kind: int, host: str, port: int) -> bytes:
        return kind.to_bytes(2, "big") + b"\x00\x08\x00\x01" + port.to_bytes(2, "big") + socket.inet_aton(host)

    body = address(0x0001, *source) + address(0x802C, SECOND, 3479)
    return b"\x01\x01" + len(body).to_bytes(2, "big") + bytes.fromhex("2112a442") + transaction_id + body
