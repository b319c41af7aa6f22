"""How long an idle TCP connection lives behind the CPE's kernel, which is set to a time drawn at random.

Linux takes a packet outwards in the middle of a connection for a new one (nf_conntrack_tcp_loose), so whoever asks over
a connection is answered although its entry had gone. The reflector is asked to speak first. TONEKEEPER_NAT_SEED repeats
a draw.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from random import Random

import pytest

from tests.lab.measuring import Measured, Measuring, Truth, cpe_forgets_after, fibre_loses
from tests.lab.stun import FIRST, PORT, SECOND, coturn, reflector
from tests.lab.topology import Lab
from tonekeeper.wire.stun.codec import decode_stun, encode_stun
from tonekeeper.wire.stun.message import TCP, StunMessage, binding_request

pytestmark = pytest.mark.lab

CLEAN, LOSSY, COTURN = "reflector", "reflector, 5 % loss", "coturn with TCP"
PORTS = {CLEAN: 3478, LOSSY: 3488, COTURN: 3498}
UDP_LIVES_FOR = 70
"""Seconds: longer than TCP, which ends with the rest."""
PATIENCE = 5.0
NO_ANSWER_WITHIN = 1.0


def test_the_true_lifetime_of_a_connection_lies_inside_the_interval(lab):
    seed = int(os.environ.get("TONEKEEPER_NAT_SEED") or os.urandom(4).hex(), 16)
    truth = Truth(udp=10, stream=UDP_LIVES_FOR, tcp=Random(seed).randint(10, 40))
    print(f"TONEKEEPER_NAT_SEED={seed:x}: {truth}")
    measured = _measure(lab, truth)
    for name, one in measured.items():
        print(f"{name}: {one.elapsed:.1f} s, {one.lifetimes}, {one.reasons}")

    assert [complaint for name in (CLEAN, LOSSY) for complaint in _complaints(name, measured[name], truth)] == []
    assert measured[COTURN].lifetimes["tcp"] is None
    assert "does not speak first over TCP (420)" in measured[COTURN].reasons["tcp"]
    assert measured[COTURN].lifetimes["stream"] is not None


def _measure(lab: Lab, truth: Truth) -> dict[str, Measured]:
    with ExitStack() as stack:
        stack.enter_context(cpe_forgets_after(lab, truth))
        stack.enter_context(fibre_loses(lab, 5, PORTS[LOSSY]))
        stack.enter_context(reflector(lab, "--alternate", SECOND, "--sip-port", "0", port=PORTS[CLEAN]))
        stack.enter_context(reflector(lab, "--alternate", SECOND, "--sip-port", "0", port=PORTS[LOSSY]))
        stack.enter_context(coturn(lab, port=PORTS[COTURN], tcp=True))
        started = {name: Measuring(lab.phone, f"{FIRST}:{port}", "--max", "60") for name, port in PORTS.items()}
        for one in started.values():
            stack.callback(one.kill)
        return {name: one.wait(within=120.0) for name, one in started.items()}


def _complaints(name: str, measured: Measured, truth: Truth) -> Iterator[str]:
    interval = measured.lifetimes["tcp"]
    if interval is None or interval[1] is None:
        yield f"{name}: nothing was found: {interval}, {measured.reasons}"
    elif not interval[0] <= truth.tcp <= interval[1]:
        yield f"{name}: {truth.tcp} s is not in {interval}"
    elif name == CLEAN and interval[1] - interval[0] > max(2.0, 0.25 * interval[1]) + 1.0:
        yield f"{name}: {interval} is wider than a step of the grid"


# --- why the server must speak first


def test_a_connection_that_the_nat_has_forgotten_looks_alive_to_whoever_asks_over_it(standing_lab):
    lab = standing_lab
    with reflector(lab, "--sip-port", "0"), _connected(lab) as (connection, asker):
        port = _ask_over(connection)
        assert _says_something_first(connection, asker, port), "the entry is there, so the server is heard"

        lab.cpe.namespace.run("conntrack", "-F")
        assert _ask_over(connection) == port, "the entry has gone, but a packet outwards makes another one"

        lab.cpe.namespace.run("conntrack", "-F")
        assert not _says_something_first(connection, asker, port), "the entry has gone, so the server is not heard"


@contextmanager
def _connected(lab: Lab) -> Iterator[tuple[socket.socket, socket.socket]]:
    with lab.phone.socket(kind=socket.SOCK_STREAM) as connection, lab.phone.socket() as asker:
        connection.settimeout(PATIENCE)
        connection.connect((FIRST, PORT))
        yield connection, asker


def _ask_over(connection: socket.socket) -> int:
    """The port that the server sees."""
    connection.sendall(_question(binding_request(os.urandom(12))))
    mapped = decode_stun(connection.recv(2048)).mapped
    assert mapped is not None
    return mapped.port


def _says_something_first(connection: socket.socket, asker: socket.socket, port: int) -> bool:
    asker.sendto(_question(binding_request(os.urandom(12), response_port=port, requested_transport=TCP)), (FIRST, PORT))
    if not select.select([connection], [], [], NO_ANSWER_WITHIN)[0]:
        return False
    try:
        return bool(connection.recv(2048))
    except ConnectionResetError:  # the CPE reset what it does not know, and a late acknowledgement found that out
        return False


def _question(message: StunMessage) -> bytes:
    """Long enough for its answer."""
    return encode_stun(replace(message, software="the lab's prober"))
