"""Packets put into the copy of a host and looked for where they come out, with what the kernel says of them meanwhile.

A packet sent into a veth pair is through the whole kernel before `send` returns, unless the machine is busy. Then it is
in the queue of the processor that sent it; so this process stays on one, and where a packet shows nowhere, a marker is
sent after it for every queue that it may be in. When these have come through, what is not there was lost. No clock is
needed to tell.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Any

from tonekeeper.core.firewall.flows import Direction, FlowQuestion, FlowVerdict, Origin, Verdict
from tonekeeper.core.firewall.packets import packet_back, packet_out, source_port
from tonekeeper.core.firewall.reading import Rulebook
from tonekeeper.edge.netlink.exchange import HEADER, Exchange, split
from tonekeeper.edge.shadow_network import PEER, ShadowNetwork
from tonekeeper.edge.shadow_ruleset import OWN_TABLE
from tonekeeper.edge.shadow_sighting import PACKET_OUTGOING, Sighting
from tonekeeper.edge.shadow_surroundings import Link, Surroundings
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ip_writing import MOST_NUMBERS
from tonekeeper.wire.nft_trace import decode_trace

MOST_QUEUES = 3
"""A packet waits in, on its way: into the router, out of it again, and one to spare."""
PATIENCE = 10.0
"""Seconds for a marker; a machine that needs more cannot be asked."""

_NETLINK_NETFILTER = 12
_NFTRACE_GROUP = 9
_OWN = OWN_TABLE.encode() + b"\0"
_NFT_MSG_TRACE = 10 << 8 | 17
_CT_DELETE = 1 << 8 | 2
_ETH_P_ALL, _ETH_P = 0x0003, {4: 0x0800, 6: 0x86DD}
_ETH_P_MARKER = 0x88B5
"""IEEE 802 leaves it to local experiments: nothing in the kernel takes it."""
_SO_RCVBUF_WANTED = 4 * 1024 * 1024
_PROTOCOLS = {"udp": socket.IPPROTO_UDP, "tcp": socket.IPPROTO_TCP}


class ShadowPackets:
    """Asks one question after the other, WAN by WAN. `lans` and `wans`: interfaces, the latter by the WAN's name."""

    def __init__(
        self,
        surroundings: Surroundings,
        network: ShadowNetwork,
        book: Rulebook,
        lans: Iterable[str],
        wans: dict[str, str],
    ) -> None:
        self._network = network
        self._book = book
        self._wans = wans
        self._links = {link.name: link for link in surroundings.links}
        self._number = self._marker = self._marker_seen = 0
        self._senders: dict[tuple[str, int], socket.socket] = {}
        self._networks = {name: surroundings.networks(name) for name in (*lans, *wans.values())}
        self._open()

    def _open(self) -> None:
        self._tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._traces = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._traces.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SO_RCVBUF_WANTED)
        self._traces.bind((0, 1 << _NFTRACE_GROUP - 1))
        families = [socket.AF_INET, *([socket.AF_INET6] if socket.has_ipv6 else [])]
        self._local = {
            (family == socket.AF_INET6, name): socket.socket(family, socket.SOCK_RAW, protocol)
            for family in families
            for name, protocol in _PROTOCOLS.items()
        }
        self._listening = (self._tap, self._traces, *self._local.values())
        for sock in self._listening:
            sock.setblocking(False)
        os.sched_setaffinity(0, {ctypes.CDLL(None).sched_getcpu()})

    def close(self) -> None:
        for sock in (*self._listening, *self._senders.values()):
            sock.close()

    def ask(self, questions: tuple[FlowQuestion, ...]) -> Iterator[FlowVerdict]:
        """For each question its answer, and that of its return."""
        wan = ""
        for question in questions:
            if question.wan != wan:
                wan = question.wan
                self.forget_flows()
                if self._wans.get(wan) in self._links:
                    self._network.leave_over(self._wans[wan])
            yield from self._both_ways(question)

    def forget_flows(self) -> None:
        with suppress(OSError), Exchange(_NETLINK_NETFILTER) as kernel:  # no connection tracking: nothing to do
            kernel.change(_CT_DELETE, bytes(4))

    def _both_ways(self, question: FlowQuestion) -> Iterator[FlowVerdict]:
        back = question.turned(Direction.RETURN)
        reason, source = self._source(question)
        if reason:
            yield FlowVerdict(question, Verdict.NOT_CHECKED, None, reason)
            yield FlowVerdict(back, Verdict.NOT_CHECKED, None, reason)
            return
        sent = Endpoint(source, source_port(question, self._next()))
        seen = self._inject(question, packet_out(question, sent, self._number), sent)
        answer = seen.verdict(question, self._book)
        yield answer
        if seen.left is None or answer.verdict is not Verdict.ACCEPT or answer.arrives_at:
            yield FlowVerdict(back, Verdict.NOT_CHECKED, None, _no_return(answer))
            return
        outer = seen.left
        returned = self._return(question, packet_back(question, question.address, outer, self._next()), sent)
        yield returned.verdict(back, self._book)

    def _next(self) -> int:
        self._number = self._number % MOST_NUMBERS + 1
        return self._number

    def _source(self, question: FlowQuestion) -> tuple[str, str]:
        """Why there is none, and the address to send from."""
        version = 6 if question.address.is_ipv6 else 4
        wan = self._wans.get(question.wan, "")
        if wan not in self._links:
            return f"interface {wan} of WAN {question.wan} is not there", ""
        own = [one for one in self._networks[wan] if one.version == version]
        if not own:
            return f"WAN {question.wan} has no IPv{version} address", ""
        if question.origin is Origin.SELF:
            return "", str(own[0].ip)
        if question.lan not in self._links:
            return f"LAN interface {question.lan} is not there", ""
        inside = [one for one in self._networks[question.lan] if one.version == version]
        return ("", phone_address(inside[0])) if inside else (f"{question.lan} has no IPv{version} address", "")

    def _inject(self, question: FlowQuestion, packet: bytes, source: Endpoint) -> Sighting:
        seen = Sighting(question, self._number, self._links[self._wans[question.wan]], source)
        if question.origin is Origin.SELF:
            self._send_from_here(packet, question.address, self._wans[question.wan])
        else:
            self._send_into(self._links[question.lan], packet)
        self._watch(seen)
        return seen

    def _return(self, question: FlowQuestion, packet: bytes, source: Endpoint) -> Sighting:
        exit_link = self._links[question.lan] if question.origin is Origin.LAN else None
        seen = Sighting(question, self._number, exit_link, source, is_return=True)
        self._send_into(self._links[self._wans[question.wan]], packet)
        self._watch(seen)
        return seen

    def _send_into(self, link: Link, packet: bytes) -> None:
        """What arrives at this interface from outside."""
        kind = _ETH_P[packet[0] >> 4]
        self._tap.sendto(packet, (PEER.format(link.index), kind, 0, 0, link.mac or _mac_of(link.name)))

    def _send_from_here(self, packet: bytes, to: Endpoint, device: str) -> None:
        """What leaves this host by itself, over a device, as a socket that is bound to it would."""
        with suppress(OSError):  # dropped on its way out (EPERM), or no route: it shows nowhere then
            self._bound(device, socket.AF_INET6 if to.is_ipv6 else socket.AF_INET).sendto(packet, (to.host, 0))

    def _bound(self, device: str, family: int) -> socket.socket:
        if (device, family) not in self._senders:
            sock = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
            self._senders[device, family] = sock
        return self._senders[device, family]

    def _watch(self, seen: Sighting) -> None:
        question = seen.question
        local = self._local.get((question.address.is_ipv6, question.traffic.protocol))
        concerned = [self._tap, self._traces, *([local] if local is not None else [])]
        for sock in concerned:
            self._read(sock, seen)
        for _ in range(MOST_QUEUES):
            if seen.is_decided:
                break
            self._let_pass(self._links[self._wans[question.wan]], concerned, seen)
        self._read(self._traces, seen)

    def _let_pass(self, link: Link, concerned: Sequence[socket.socket], seen: Sighting) -> None:
        """Whatever stands in a queue now is out of it when this returns."""
        self._marker += 1
        marker = self._marker.to_bytes(8, "big")
        self._tap.sendto(marker, (PEER.format(link.index), _ETH_P_MARKER, 0, 0, link.mac or _mac_of(link.name)))
        deadline = time.monotonic() + PATIENCE
        while self._marker_seen != self._marker:
            if not select.select(concerned, (), (), max(0.0, deadline - time.monotonic()))[0]:
                raise EdgeError(f"watch packets in the copy of this host: nothing moved for {PATIENCE:g} s")
            for sock in concerned:
                self._read(sock, seen)

    def _read(self, sock: socket.socket, seen: Sighting) -> None:
        for data, where in _received(sock):
            if sock is self._tap and where[1] == _ETH_P_MARKER:
                if where[2] != PACKET_OUTGOING:
                    self._marker_seen = int.from_bytes(data[:8], "big")
            elif sock is self._tap:
                seen.look(data, where[0], where[2])
            elif sock is not self._traces:
                seen.look_inside(data)
            else:
                for message in split(data):
                    if message.kind == _NFT_MSG_TRACE and _OWN not in message.data:
                        seen.trace(decode_trace(message.data[HEADER.size :]))


def phone_address(network: IPv4Interface | IPv6Interface) -> str:
    """Of a phone that stands for all: the hundredth address of the LAN, or the last one of a smaller LAN."""
    room = network.network.num_addresses
    for position in (100, 101) if room > 103 else range(room - 2, 0, -1):
        address = network.network[position]
        if address != network.ip:
            return str(address)
    return str(network.network[room - 1])


def _no_return(answer: FlowVerdict) -> str:
    if answer.arrives_at:
        return f"it does not get there: it is redirected to {answer.arrives_at}"
    return "nothing gets out that could be answered" if answer.verdict.is_blocked else answer.reason


def _mac_of(name: str) -> bytes:
    return bytes.fromhex(Path("/sys/class/net", name, "address").read_text().strip().replace(":", ""))


def _received(sock: socket.socket) -> Iterator[tuple[bytes, Any]]:
    while True:
        try:
            yield sock.recvfrom(65535)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # what was lost is noticed: no drop is seen, and nothing arrives
                raise
