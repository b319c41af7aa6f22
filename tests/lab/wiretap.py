"""Listening on a line, and putting datagrams on it that say they come from somebody else."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType

from tests.lab.faults import Provider
from tests.lab.namespace import LabError, Namespace

Address = tuple[str, int]

_ETH_P_ALL = 0x0003
_ETH_P_IP = 0x0800


@dataclass(frozen=True, slots=True)
class Datagram:
    """One UDP datagram over IPv4."""

    source: Address
    destination: Address
    payload: bytes


class Wiretap:
    """Sees every UDP datagram on `device`, both ways, from the moment it is made."""

    def __init__(self, namespace: Namespace, device: str) -> None:
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.bind((device, _ETH_P_ALL))

    def __enter__(self) -> Wiretap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def next(self, wanted: Callable[[Datagram], bool], *, within: float) -> Datagram:
        """The next datagram that is `wanted`; LabError when none comes in time."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0 and select.select([self._socket], [], [], left)[0]:
            packet, (_, protocol, *_) = self._socket.recvfrom(65535)
            datagram = _datagram(packet) if protocol == _ETH_P_IP else None
            if datagram is not None and wanted(datagram):
                return datagram
        raise LabError(f"no such datagram on the line within {within:g} s")

    def next_probe(self, sbc: Address, *, within: float = 10.0) -> Datagram:
        return self.next(lambda seen: seen.destination == sbc and seen.payload.startswith(b"OPTIONS "), within=within)


def _datagram(packet: bytes) -> Datagram | None:
    if packet[9] != socket.IPPROTO_UDP:
        return None
    header = (packet[0] & 0x0F) * 4
    source_port, destination_port, length = struct.unpack_from("!HHH", packet, header)
    return Datagram(
        (socket.inet_ntoa(packet[12:16]), source_port),
        (socket.inet_ntoa(packet[16:20]), destination_port),
        packet[header + 8 : header + length],
    )


def forge(provider: Provider, datagram: Datagram) -> None:
    """Put `datagram` on the line to the site, whoever it says it comes from."""
    udp = struct.pack("!HHHH", datagram.source[1], datagram.destination[1], 8 + len(datagram.payload), 0)
    ip = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        28 + len(datagram.payload),
        0,
        0,
        64,
        socket.IPPROTO_UDP,
        0,
        socket.inet_aton(datagram.source[0]),
        socket.inet_aton(datagram.destination[0]),
    )
    with provider.namespace.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(ip + udp + datagram.payload, (datagram.destination[0], 0))


def answer_to(probe: Datagram, status: str = "200 OK") -> Datagram:
    """The reply the SBC itself would have sent to this OPTIONS."""
    lines = probe.payload.decode().partition("\r\n\r\n")[0].split("\r\n")[1:]
    kept = [line for line in lines if line.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))]
    host, port = probe.source
    told = [line.replace(";rport", f";received={host};rport={port}") if "rport" in line else line for line in kept]
    tagged = [f"{line};tag=forged" if line.lower().startswith("to:") else line for line in told]
    payload = "\r\n".join((f"SIP/2.0 {status}", *tagged, "Content-Length: 0", "", "")).encode()
    return Datagram(probe.destination, probe.source, payload)


def with_header(datagram: Datagram, name: str, change: Callable[[str], str]) -> Datagram:
    """The same datagram with the value of one header field changed."""
    lines = datagram.payload.decode().split("\r\n")
    matching = [number for number, line in enumerate(lines) if line.lower().startswith(f"{name.lower()}:")]
    assert len(matching) == 1, f"{name} occurs {len(matching)} times in {datagram.payload!r}"
    label, _, value = lines[matching[0]].partition(":")
    lines[matching[0]] = f"{label}:{change(value)}"
    return replace(datagram, payload="\r\n".join(lines).encode())
