"""A router with two WANs, a phone behind it and servers before it, to see what its rules do to real packets.

 phone            router                world
+------+     +--------------+     +---------------+
|  lan +-----+ lan0    wan0 +-----+ wan0          |  198.51.100.10 and .20: the servers, they echo UDP
| .100 |     | .1      wan1 +-----+ wan1          |  and accept connections
+------+     +--------------+     +---------------+

LAN 192.0.2.0/24    WANs 203.0.113.0/30 and 203.0.113.4/30
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.lab.namespace import Namespace, Watchman, run
from tonekeeper.core.firewall.flows import FlowQuestion, Origin, Traffic
from tonekeeper.core.firewall.packets import SIP_PORT, packet_out, source_port
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ip_packet import decode_ip_packet

SERVERS = ("198.51.100.10", "198.51.100.20")
RTP_PORTS = (10000, 15000, 20000)
PHONE, LAN = "192.0.2.100", "192.0.2.1"
WANS = {"fibre": ("wan0", "203.0.113.2", "203.0.113.1"), "lte": ("wan1", "203.0.113.6", "203.0.113.5")}
"""Interface, our address, the gateway's."""
QUIET = 0.12
"""Seconds without anything new, after which nothing more is expected."""
STEERED = 7060

_ETH_P_ALL, _OUTGOING = 3, 4
_SO_BINDTODEVICE = 25
_NO_TIME_WAIT = struct.pack("ii", 1, 0)
_HEADERS = 28
_TOKEN = b"flow %d."


@dataclass(slots=True)
class Outcome:
    """What became of a real packet."""

    arrived: Endpoint | None = None
    answered: bool = False
    refused: bool = False


class Crossing:
    def __init__(self) -> None:
        self._first_port = 0

    def __enter__(self) -> Crossing:
        self._stack = contextlib.ExitStack()
        watchman = Watchman(("phone", "router", "world"))
        self._stack.callback(watchman.dismiss)
        self.phone, self.router, self.world = (watchman.namespaces[role] for role in ("phone", "router", "world"))
        with contextlib.ExitStack() as failed:
            failed.push(self._stack)
            self._lay_lines()
            self._listen()
            failed.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _lay_lines(self) -> None:
        for namespace in (self.phone, self.router, self.world):
            namespace.set_sysctls({"net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1"})
        lines = [(self.phone, "lan", self.router, "lan0")]
        lines += [(self.router, interface, self.world, interface) for interface, _, _ in WANS.values()]
        for near, device, far, other in lines:
            run("ip", "link", "add", device, "netns", near.name, "type", "veth", "peer", other, "netns", far.name)
        _configure(self.phone, {"lan": PHONE + "/24"}, [f"default via {LAN}"])
        _configure(self.router, {"lan0": LAN + "/24", **{i: a + "/30" for i, a, _ in WANS.values()}}, [
            f"default via {WANS['fibre'][2]}"
        ])  # fmt: skip
        _configure(self.world, {i: g + "/30" for i, _, g in WANS.values()}, [])
        self.world.run("ip", "link", "set", "lo", "up")
        for server in SERVERS:
            self.world.run("ip", "address", "add", server + "/32", "dev", "lo")
            self.router.run("ip", "rule", "add", "priority", "1", "to", server, "lookup", str(STEERED))
        self.router.set_sysctls({"net.ipv4.ip_forward": "1", "net.ipv4.icmp_ratelimit": "0"})

    def _listen(self) -> None:
        ports = (SIP_PORT, *RTP_PORTS)
        self._echo = [self._server(host, port, socket.SOCK_DGRAM) for host in SERVERS for port in ports]
        self._accept = [self._server(host, SIP_PORT, socket.SOCK_STREAM) for host in SERVERS]
        self._tap = self.world.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._tap.setblocking(False)
        self._stack.callback(self._tap.close)

    def _server(self, host: str, port: int, kind: int) -> socket.socket:
        sock = self._stack.enter_context(self.world.socket(socket.AF_INET, kind))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(64)
        sock.setblocking(False)
        return sock

    def leave_over(self, wan: str) -> None:
        interface, _, gateway = WANS[wan]
        self.router.run(
            "ip", "route", "replace", "default", "via", gateway, "dev", interface, "table", str(STEERED)
        )  # fmt: skip
        self.world.run("ip", "route", "replace", "192.0.2.0/24", "via", WANS[wan][1])  # for what NAT leaves alone
        self.router.run("conntrack", "-F")

    def send(self, questions: Sequence[FlowQuestion]) -> list[Outcome]:
        """All of one WAN, at once."""
        self._first_port = 20000 + (self._first_port + 64) % 40000  # half of a connection may be left of the last time
        self.leave_over(questions[0].wan)
        outcomes = [Outcome() for _ in questions]
        for _ in _received(self._tap):
            pass
        with contextlib.ExitStack() as stack:
            clients = {}
            for number, question in enumerate(questions):
                sock = stack.enter_context(self._client(question, number))
                clients[sock] = number
                if error := sock.connect_ex(question.address):
                    assert error in (errno.EINPROGRESS, errno.EPERM, errno.EACCES), os.strerror(error)
                if question.traffic.protocol == "udp":
                    with contextlib.suppress(OSError):
                        sock.send(_payload(question, number))
            self._wait(questions, clients, outcomes, stack)
        return outcomes

    def _client(self, question: FlowQuestion, number: int) -> socket.socket:
        is_phone = question.origin is Origin.LAN
        namespace = self.phone if is_phone else self.router
        kind = socket.SOCK_DGRAM if question.traffic.protocol == "udp" else socket.SOCK_STREAM
        sock = namespace.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        interface, address, _ = WANS[question.wan]
        if not is_phone:
            sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, interface.encode() + b"\0")
        port = 16384 + 2 * number if question.traffic is Traffic.RTP else self._first_port + number
        is_sip = is_phone and question.traffic is Traffic.UDP
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_TIME_WAIT)
        sock.bind((PHONE if is_phone else address, SIP_PORT if is_sip else port))
        sock.setblocking(False)
        return sock

    def _wait(
        self,
        questions: Sequence[FlowQuestion],
        clients: dict[socket.socket, int],
        outcomes: list[Outcome],
        stack: contextlib.ExitStack,
    ) -> None:
        connecting = {sock for sock, number in clients.items() if questions[number].traffic.protocol == "tcp"}
        reading = {self._tap, *self._echo, *self._accept, *clients} - connecting
        last = time.monotonic()
        while (left := last + QUIET - time.monotonic()) > 0:
            readable, writable, _ = select.select(reading, connecting, (), left)
            for sock in readable:
                if sock is self._tap:
                    if self._note_arrivals(outcomes):
                        last = time.monotonic()
                elif sock in self._accept:
                    accepted = stack.enter_context(sock.accept()[0])
                    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_TIME_WAIT)
                elif sock in clients:
                    _note_answer(sock, outcomes[clients[sock]])
                    last = time.monotonic()
                else:
                    data, source = sock.recvfrom(2048)
                    with contextlib.suppress(OSError):
                        sock.sendto(data, source)
            for sock in writable:
                connecting.discard(sock)
                error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                outcome = outcomes[clients[sock]]
                outcome.answered, outcome.refused = error == 0, error != 0
                last = time.monotonic()

    def _note_arrivals(self, outcomes: list[Outcome]) -> bool:
        found = False
        for data, where in _received(self._tap):
            with contextlib.suppress(DecodeError, ValueError, IndexError):
                packet = decode_ip_packet(data)
                if where[2] == _OUTGOING or where[0] == "lo":
                    continue
                if packet.is_tcp:
                    number = packet.source.port - self._first_port
                    is_ours = packet.opens_connection and 0 <= number < len(outcomes)
                else:
                    number = int(packet.payload.removeprefix(b"flow ").partition(b".")[0])
                    is_ours = True
                if is_ours and outcomes[number].arrived is None:
                    outcomes[number].arrived = packet.destination
                    found = True
        return found


def _payload(question: FlowQuestion, number: int) -> bytes:
    """As long as what a phone sends: some rules look at that."""
    written = packet_out(question, Endpoint(PHONE, source_port(question, 1)), 1)
    return (_TOKEN % number).ljust(len(written) - _HEADERS, b".")


def _note_answer(sock: socket.socket, outcome: Outcome) -> None:
    try:
        outcome.answered = bool(sock.recv(2048)) or outcome.answered
    except OSError:
        outcome.refused = True


def _received(sock: socket.socket) -> Iterator[tuple[bytes, tuple[object, ...]]]:
    with contextlib.suppress(BlockingIOError):
        while True:
            yield sock.recvfrom(65535)


def _configure(namespace: Namespace, addresses: dict[str, str], routes: list[str]) -> None:
    lines = [f"address add {address} dev {device}\nlink set {device} up\n" for device, address in addresses.items()]
    lines += [f"route add {route}\n" for route in routes]
    namespace.run("ip", "-batch", "-", stdin="".join(["link set lo up\n", *lines]))
