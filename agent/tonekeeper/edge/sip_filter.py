"""A classic BPF program that lets SIP of phones through and drops all else inside the kernel: what floods a port with
anything but SIP costs this process nothing.

It runs on packets that begin with their IP header (an AF_PACKET socket of type SOCK_DGRAM), IPv4 and IPv6, and passes
- to a SIP port: what begins like a REGISTER, like another request that a phone keeps its binding open with, like a STUN
  binding request, or is as short as a keepalive without content; and the first packet of a TCP connection;
- from a SIP port: what begins like a response.
"""

from __future__ import annotations

import socket
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

_SO_ATTACH_FILTER = 26
_INSTRUCTION = struct.Struct("=HBBI")
_PROGRAM = struct.Struct("HP")
"""struct sock_fprog: how many instructions, and where they are."""
MOST_PORTS = 32

_LOAD_BYTE, _LOAD_HALF = 0x30, 0x28
_LOAD_BYTE_X, _LOAD_HALF_X, _LOAD_WORD_X = 0x50, 0x48, 0x40
_X_NUMBER, _X_IPV4_HEADER, _X_FROM_A = 0x01, 0xB1, 0x07
_AND, _SHIFT_RIGHT, _ADD_X = 0x54, 0x74, 0x0C
_IF_EQUAL, _IF_GREATER, _IF_ANY_BIT = 0x15, 0x25, 0x45
_GO, _RETURN = 0x05, 0x06

_EVERYTHING = 0xFFFF
_NEXT = ""
_UDP, _TCP = 17, 6
_SHORT_UDP = 8 + 4
"""A UDP length up to which it is a keepalive: nothing, zeros, CRLF CRLF."""
_REQUESTS = (b"REGI", b"OPTI", b"NOTI", b"SUBS")
_STUN_REQUEST = 0x0001_0000


@dataclass(frozen=True, slots=True)
class _Step:
    code: int
    number: int = 0
    then: str = _NEXT
    otherwise: str = _NEXT
    label: str = ""


def sip_filter(ports: Sequence[int]) -> bytes:
    """The instructions, as the kernel takes them."""
    return _assembled(
        [
            _Step(_LOAD_BYTE, 0),
            _Step(_AND, 0xF0),
            _Step(_IF_EQUAL, 0x40, then="ipv4"),
            _Step(_IF_EQUAL, 0x60, otherwise="drop"),
            _Step(_X_NUMBER, 40),
            _Step(_LOAD_BYTE, 6),
            _Step(_IF_EQUAL, _UDP, then="udp"),
            _Step(_IF_EQUAL, _TCP, then="tcp", otherwise="drop"),
            _Step(_LOAD_HALF, 6, label="ipv4"),
            _Step(_IF_ANY_BIT, 0x1FFF, then="drop"),
            _Step(_X_IPV4_HEADER, 0),
            _Step(_LOAD_BYTE, 9),
            _Step(_IF_EQUAL, _UDP, then="udp"),
            _Step(_IF_EQUAL, _TCP, then="tcp", otherwise="drop"),
            *_by_port("udp", ports),
            _Step(_LOAD_HALF_X, 4, label="udp to"),
            _Step(_IF_GREATER, _SHORT_UDP, otherwise="pass"),
            _Step(_LOAD_WORD_X, 8),
            *(_Step(_IF_EQUAL, _word(begin), then="pass") for begin in _REQUESTS),
            _Step(_AND, 0xFFFF_0000),
            _Step(_IF_EQUAL, _STUN_REQUEST, then="pass", otherwise="drop"),
            _Step(_LOAD_WORD_X, 8, label="udp from"),
            _Step(_IF_EQUAL, _word(b"SIP/"), then="pass", otherwise="drop"),
            *_by_port("tcp", ports),
            _Step(_LOAD_BYTE_X, 13, label="tcp to"),
            _Step(_AND, 0x12),
            _Step(_IF_EQUAL, 0x02, then="pass"),
            *_load_tcp_payload(),
            _Step(_IF_EQUAL, _word(b"REGI"), then="pass", otherwise="drop"),
            *_load_tcp_payload("tcp from"),
            _Step(_IF_EQUAL, _word(b"SIP/"), then="pass", otherwise="drop"),
            _Step(_RETURN, _EVERYTHING, label="pass"),
            _Step(_RETURN, 0, label="drop"),
        ]
    )


def attach(sock: socket.socket, program: bytes) -> None:
    """`OSError` where the kernel does not take it."""
    instructions = array("B", program)
    where, size = instructions.buffer_info()
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _PROGRAM.pack(size // _INSTRUCTION.size, where))


def _by_port(transport: str, ports: Sequence[int]) -> list[_Step]:
    """On to `<transport> to` or `<transport> from`; anything else is dropped. X is where its header begins."""
    chosen = ports[:MOST_PORTS]
    return [
        _Step(_LOAD_HALF_X, 2, label=transport),
        *(_Step(_IF_EQUAL, port, then=f"{transport} to") for port in chosen),
        _Step(_LOAD_HALF_X, 0),
        *(_Step(_IF_EQUAL, port, then=f"{transport} from") for port in chosen),
        _Step(_RETURN, 0),
    ]


def _load_tcp_payload(label: str = "") -> list[_Step]:
    """The first four bytes after a TCP header of any length."""
    return [
        _Step(_LOAD_BYTE_X, 12, label=label),
        _Step(_AND, 0xF0),
        _Step(_SHIFT_RIGHT, 2),
        _Step(_ADD_X),
        _Step(_X_FROM_A),
        _Step(_LOAD_WORD_X, 0),
    ]


def _word(begin: bytes) -> int:
    return int.from_bytes(begin, "big")


def _assembled(steps: Sequence[_Step]) -> bytes:
    """Labels become distances."""
    places = {step.label: at for at, step in enumerate(steps) if step.label}
    return b"".join(
        _INSTRUCTION.pack(
            step.code, _distance(places, at, step.then), _distance(places, at, step.otherwise), step.number
        )
        for at, step in enumerate(steps)
    )


def _distance(places: dict[str, int], at: int, label: str) -> int:
    return 0 if label == _NEXT else places[label] - at - 1
