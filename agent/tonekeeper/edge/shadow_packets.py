"""Packets put into the copy of a host and looked for where they come out, with what the kernel says of them meanwhile.

A packet sent into a veth pair is through the whole kernel before `send` returns, unless the machine is busy; so the
answers are there at once as a rule, and waiting is for the exception.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Any

from tonekeeper.core.firewall.flows import Direction, FlowQuestion, FlowVerdict, Origin, Verdict
from tonekeeper.core.firewall.packets import packet_back, packet_out, source_port
from tonekeeper.core.firewall.reading import Rulebook, read_verdict
from tonekeeper.edge.netlink.exchange import HEADER, Exchange, split
from tonekeeper.edge.shadow_network import PEER, ShadowNetwork
from tonekeeper.edge.shadow_ruleset import OWN_TABLE
from tonekeeper.edge.shadow_surroundings import Link, Surroundings
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ip_packet import decode_ip_packet
from tonekeeper.wire.ip_writing import MOST_NUMBERS, number_of
from tonekeeper.wire.nft_trace import TraceStep, TraceVerdict, decode_trace

PATIENCE = 0.015
"""Seconds to wait for a packet that shows nowhere and was not dropped by a rule."""

_NETLINK_NETFILTER = 12
_NFTRACE_GROUP = 9
_OWN = OWN_TABLE.encode() + b"\0"
_NFT_MSG_TRACE = 10 << 8 | 17
_CT_DELETE = 1 << 8 | 2
_ETH_P_ALL, _ETH_P = 0x0003, {4: 0x0800, 6: 0x86DD}
_PACKET_OUTGOING = 4
_SO_RCVBUF_WANTED = 4 * 1024 * 1024
_HERE = "this host"
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
        self._number = 0
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

    def _inject(self, question: FlowQuestion, packet: bytes, source: Endpoint) -> _Seen:
        seen = _Seen(question, self._number, self._links[self._wans[question.wan]], source)
        if question.origin is Origin.SELF:
            self._send_from_here(packet, question.address, self._wans[question.wan])
        else:
            self._send_into(self._links[question.lan], packet)
        self._watch(seen)
        return seen

    def _return(self, question: FlowQuestion, packet: bytes, source: Endpoint) -> _Seen:
        exit_link = self._links[question.lan] if question.origin is Origin.LAN else None
        seen = _Seen(question, self._number, exit_link, source, is_return=True)
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

    def _watch(self, seen: _Seen) -> None:
        question = seen.question
        local = self._local.get((question.address.is_ipv6, question.traffic.protocol))
        concerned = [self._tap, self._traces, *([local] if local is not None else [])]
        deadline = time.monotonic() + PATIENCE
        while True:
            for sock in concerned:
                self._read(sock, seen)
            left = deadline - time.monotonic()
            if seen.is_decided or left <= 0:
                break
            select.select(concerned, (), (), left)
        self._read(self._traces, seen)

    def _read(self, sock: socket.socket, seen: _Seen) -> None:
        for data, where in _received(sock):
            if sock is self._tap:
                seen.look(data, where[0], where[2])
            elif sock is not self._traces:
                seen.look_inside(data)
            else:
                for message in split(data):
                    if message.kind == _NFT_MSG_TRACE and _OWN not in message.data:
                        seen.trace(decode_trace(message.data[HEADER.size :]))


class _Seen:
    """What became of one packet."""

    def __init__(
        self, question: FlowQuestion, number: int, out: Link | None, source: Endpoint, is_return: bool = False
    ) -> None:
        self.left: Endpoint | None = None
        """Where it came from, as the outside sees it, once it was outside."""
        self.question, self._number, self._source = question, number, source
        self._expected = PEER.format(out.index) if out is not None else ""
        self._is_return = is_return
        self._arrived: Endpoint | None = None
        self._at = ""
        self._steps: list[TraceStep] = []
        self._numbers: dict[int, int] = {}
        self._dropped = False

    @property
    def is_decided(self) -> bool:
        return self._dropped or self._at != ""

    def look(self, packet: bytes, interface: str, kind: int) -> None:
        """A packet at an interface; those that count come out at the far end of one."""
        if kind == _PACKET_OUTGOING or not interface.startswith(PEER.format("")) or number_of(packet) != self._number:
            return
        with suppress(DecodeError):  # an ICMP error that happens to have the same number
            read = decode_ip_packet(packet)
            self._at, self._arrived, self.left = interface, read.destination, read.source

    def look_inside(self, packet: bytes) -> None:
        """A packet for a socket of this host; of IPv6 the kernel shows no header, so the ports have to do."""
        if self.question.address.is_ipv6:
            ports = struct.unpack_from("!HH", packet) if len(packet) >= 4 else (0, 0)
            own = (self.question.address.port, self._source.port)
            matches = ports == (own if self._is_return else own[::-1])
        else:
            matches = number_of(packet) == self._number
        if matches:
            self._at = _HERE

    def trace(self, step: TraceStep) -> None:
        if step.packet is not None:
            self._numbers[step.id] = -1 if step.is_icmp else step.packet
        if self._numbers.get(step.id, self._number) == self._number:
            self._steps.append(step)
            self._dropped = self._dropped or step.verdict is TraceVerdict.DROP

    def verdict(self, question: FlowQuestion, book: Rulebook) -> FlowVerdict:
        wanted = self._at == (self._expected or _HERE)
        redirected = "" if wanted else self._at
        if self._arrived is not None and not self._is_return and self._arrived != question.address:
            redirected = str(self._arrived)
        elif redirected.startswith(PEER.format("")):
            return FlowVerdict(question, Verdict.NOT_CHECKED, None, "it leaves through another interface")
        return read_verdict(question, self._steps, book, delivered=self._at != "", arrives_at=redirected)


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
