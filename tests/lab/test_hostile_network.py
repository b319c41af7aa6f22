"""Any bytes to any socket: counted, ignored, and never a change of health unless everything matches."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.lab.agent import HTTP, Agent, Status
from tests.lab.topology import Lab
from tests.lab.wiretap import Datagram, Wiretap, answer_to, forge, with_header

pytestmark = pytest.mark.lab

STRANGER = ("203.0.113.18", 5060)

GARBAGE = [
    b"",
    b"\0",
    b"\r\n\r\n",
    b"\xff" * 1400,
    b"SIP/2.0 200 OK\r\n\r\n",
    b"SIP/2.0 200 OK",
    b"SIP/2.0 99999999999999999999 Very Good\r\nVia: SIP/2.0/UDP x\r\n\r\n",
    b"SIP/2.0 200 OK\r\nContent-Length: 4294967296\r\n\r\n",
    b"SIP/2.0 200 OK\r\n" + b"Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n" * 36 + b"\r\n",
    b"OPTIONS sip:you SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nCSeq: 1 OPTIONS\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: agent\r\n\r\n",
    b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"\0" * 12,
    b"WWW-Authenticate: Digest " + b'realm="",' * 150 + b"\r\n",
    random.Random(20).randbytes(1200),
]

ONE_WRONG_FIELD: dict[str, Callable[[Datagram], Datagram]] = {
    "branch": lambda true: with_header(true, "via", lambda via: via.replace("z9hG4bK", "z9hG4bKx")),
    "call-id": lambda true: with_header(true, "call-id", lambda call_id: call_id + "x"),
    "cseq number": lambda true: with_header(true, "cseq", lambda cseq: " 4711 OPTIONS"),
    "cseq method": lambda true: with_header(true, "cseq", lambda cseq: cseq.replace("OPTIONS", "REGISTER")),
    "source address": lambda true: replace(true, source=STRANGER),
    "source port": lambda true: replace(true, source=(true.source[0], 5061)),
    "second Via": lambda true: with_header(true, "via", lambda via: f"{via}, SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK9"),
}


def sockets_of(lab: Lab) -> list[tuple[str, Datagram]]:
    """One probe of each path, as its provider sees it: (wan, probe)."""
    probes = []
    for provider in lab.providers:
        with Wiretap(provider.namespace, "access") as tap:
            probes += [(provider.name, tap.next_probe(sbc.endpoint)) for sbc in lab.sbcs]
    return probes


def changes(status: Status) -> list[tuple[str, str, str]]:
    return [(change["subject"], change["before"], change["after"]) for change in status["changes"]]


def test_garbage_to_every_socket_changes_nothing(lab: Lab, agent: Agent):
    before = agent.status()
    for wan, probe in sockets_of(lab):
        for payload in GARBAGE:
            for source in (probe.destination, STRANGER):
                forge(lab.provider(wan), Datagram(source, probe.source, payload))
    received = {(path["wan"], path["address"]): path["received"] for path in before.paths}

    def all_ignored_and_still_probing(now: Status) -> bool:
        return all(
            path["ignored"] >= len(GARBAGE) and path["received"] >= received[path["wan"], path["address"]] + 2
            for path in now.paths
        )

    after = agent.wait_for(all_ignored_and_still_probing, within=10)
    assert {path["state"] for path in after.paths} == {"up"}
    assert changes(after) == changes(before)
    assert after["findings"] == []


@pytest.mark.parametrize("field", ONE_WRONG_FIELD)
def test_a_forged_reply_with_one_wrong_field_keeps_no_dead_sbc_alive(lab: Lab, agent: Agent, field: str):
    fibre, primary = lab.provider("fibre"), lab.sbc("primary")
    answered_before = agent.status().path("fibre", "primary")["received"]
    with Wiretap(fibre.namespace, "access") as tap, fibre.silence(primary.address):
        while agent.status().path("fibre", "primary")["state"] != "down":
            probe = tap.next_probe(primary.endpoint)
            forge(fibre, ONE_WRONG_FIELD[field](answer_to(probe)))
        path = agent.status().path("fibre", "primary")
    # One true answer may have been under way when the silence began.
    assert path["received"] <= answered_before + 1
    assert path["ignored"] > 0 or field.startswith("source")


def test_the_same_reply_with_everything_right_does_keep_it_alive(lab: Lab, agent: Agent):
    """Without this, the test above would prove nothing."""
    fibre, primary = lab.provider("fibre"), lab.sbc("primary")
    with Wiretap(fibre.namespace, "access") as tap, fibre.silence(primary.address):
        for _ in range(5):
            forge(fibre, answer_to(tap.next_probe(primary.endpoint)))
    path = agent.status().path("fibre", "primary")
    assert path["ignored"] == 0
    assert "down" not in {change["after"] for change in agent.status().history("path fibre/primary")}


def test_a_reply_that_comes_twice_is_one_reply(lab: Lab, agent: Agent):
    fibre, primary = lab.provider("fibre"), lab.sbc("primary")
    with Wiretap(fibre.namespace, "access") as tap, fibre.silence(primary.address):
        for _ in range(4):
            answer = answer_to(tap.next_probe(primary.endpoint))
            forge(fibre, answer)
            forge(fibre, answer)
        path = agent.wait_for(lambda now: now.path("fibre", "primary")["state"] == "up", within=5)
    assert path.path("fibre", "primary")["ignored"] == 0


@pytest.mark.parametrize(
    "request_bytes",
    [b"", b"\0\1\2\3\r\n\r\n", b"GET /" + b"a" * 100_000, b"GET / HTTP/9.9\r\n\r\n", b"POST /healthz HTTP/1.1\r\n\r\n"],
    ids=["nothing", "binary", "a long line", "no such version", "no host"],
)
def test_garbage_to_the_http_port_is_refused_and_the_next_one_is_served(agent: Agent, request_bytes: bytes):
    with agent.namespace.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(5.0)
        client.connect(HTTP)
        try:
            client.sendall(request_bytes)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65535):
                pass
        except ConnectionError:
            pass  # hanging up on it is an answer too
    assert agent.get("/healthz")[0] == 200
