"""What became of one packet in the copy of a host: where it came out, and what the kernel said of it on its way."""

from __future__ import annotations

import struct
from contextlib import suppress

from tonekeeper.core.firewall.flows import FlowQuestion, FlowVerdict, Verdict
from tonekeeper.core.firewall.reading import Rulebook, read_verdict
from tonekeeper.edge.shadow_network import PEER
from tonekeeper.edge.shadow_surroundings import Link
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ip_packet import decode_ip_packet
from tonekeeper.wire.ip_writing import number_of
from tonekeeper.wire.nft_trace import TraceStep, TraceVerdict

PACKET_OUTGOING = 4
_HERE = "this host"


class Sighting:
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
        if kind == PACKET_OUTGOING or not interface.startswith(PEER.format("")) or number_of(packet) != self._number:
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
