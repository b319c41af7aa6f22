"""Ask the kernel over netlink: one request, and its answers or its errno.

The kernel does its work inside `send` and `recv`, so an exchange never waits: it takes tens of microseconds for a
change, some milliseconds for a long dump. Messages stay bytes until somebody wants one decoded, for that is what costs
(see docs/decisions/0004-netlink.md).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400

NLM_F_DUMP_INTR = 0x10
NLMSG_ERROR = 2
NLMSG_DONE = 3

HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length with this header, type, flags, sequence number, port id."""
_ERROR = struct.Struct("=i")
_ATTRIBUTE = struct.Struct("=HH")
_NLA_TYPE_MASK = 0x3FFF
"""Without the flags "nested" and "network byte order"."""

_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NETLINK_GET_STRICT_CHK = 12
_NLM_F_ACK_TLVS = 0x200
_NLMSGERR_ATTR_MSG = 1

ROOM = 65536
"""Bytes read at once; the kernel fills up to 32 KiB of them with parts of a dump."""
_PATIENCE = 2.0
_TRIES = 5

NESTED = 0x8000
"""In an attribute's number: it is made of attributes."""


class Message(NamedTuple):
    """One message as it came, header and all."""

    kind: int
    flags: int
    data: bytes


class Exchange:
    """A netlink socket to ask with, one question after the other. `OSError` carries the kernel's errno and words.

    `port`: what the kernel shall call it, if that is free: whoever listens sees who made a change. 0 for any.
    """

    def __init__(self, protocol: int, *, port: int = 0) -> None:
        if sys.platform != "linux":
            raise OSError(errno.EPROTONOSUPPORT, "there is no netlink on this system")
        self._sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._sock.settimeout(_PATIENCE)
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
            self._set_if_known(option)
        self._bind(port)
        self._sequence = 0

    def _bind(self, port: int) -> None:
        try:
            self._sock.bind((port, 0))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            self._sock.bind((0, 0))

    def _set_if_known(self, option: int) -> None:
        try:
            self._sock.setsockopt(_SOL_NETLINK, option, 1)
        except OSError as error:
            if error.errno != errno.ENOPROTOOPT:  # an older kernel: longer answers, fewer words, dumps unfiltered
                raise

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._sock.close()

    def change(self, kind: int, body: bytes, flags: int = 0) -> None:
        """Have something done; `body` is the message after its header."""
        for _ in self._answers(self._send(kind, body, NLM_F_REQUEST | NLM_F_ACK | flags)):
            pass

    def ask(self, kind: int, body: bytes) -> list[Message]:
        return list(self._answers(self._send(kind, body, NLM_F_REQUEST | NLM_F_ACK)))

    def dump_in_parts(self, kind: int, body: bytes) -> Iterator[list[Message]]:
        """All there is, 32 KiB at a time: the kernel goes on when the next part is asked for."""
        sequence = self._send(kind, body, NLM_F_REQUEST | NLM_F_DUMP)
        for part in self._parts(sequence):
            yield [message for message in part if message.kind != NLMSG_DONE]

    def dump(self, kind: int, body: bytes) -> list[Message]:
        """All there is; asked for again while the answer was disturbed by a change in the middle."""
        for _ in range(_TRIES):
            found = list(self._answers(self._send(kind, body, NLM_F_REQUEST | NLM_F_DUMP)))
            if not any(message.flags & NLM_F_DUMP_INTR for message in found):
                return [message for message in found if message.kind != NLMSG_DONE]
        raise OSError(errno.EINTR, "what was asked for keeps changing")

    def _send(self, kind: int, body: bytes, flags: int) -> int:
        self._sequence += 1
        self._sock.send(HEADER.pack(HEADER.size + len(body), kind, flags, self._sequence, 0) + body)
        return self._sequence

    def _answers(self, sequence: int) -> Iterator[Message]:
        for part in self._parts(sequence):
            yield from part

    def _parts(self, sequence: int) -> Iterator[list[Message]]:
        """Up to the acknowledgement or the end of the dump; that end is part of it, for its flags."""
        ended = False
        while not ended:
            part = []
            for message in split(self._sock.recv(ROOM)):
                if HEADER.unpack_from(message.data)[3] != sequence:
                    continue
                if message.kind == NLMSG_ERROR:
                    raise_unless_acknowledged(message)
                    ended = True
                else:
                    part.append(message)
                    ended = ended or message.kind == NLMSG_DONE
            yield part


def sender_of(message: Message) -> int:
    """Port of the socket whose request led to this message; 0 for the kernel itself."""
    port: int = HEADER.unpack_from(message.data)[4]
    return port


def split(data: bytes) -> Iterator[Message]:
    """The messages in what one `recv` gave. What is cut short is left out, with all that follows."""
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, flags, _, _ = HEADER.unpack_from(data, offset)
        if length < HEADER.size or offset + length > len(data):
            return
        yield Message(kind, flags, data[offset : offset + length])
        offset += (length + 3) & ~3


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes of `data` from `offset` on, by number. What is cut short is left out, with all that follows."""
    return dict(_attributes(data, offset))


def attribute(data: bytes, offset: int, number: int) -> bytes | None:
    """The first one of this number: reading a link's name takes no look at its statistics."""
    return next((value for kind, value in _attributes(data, offset) if kind == number), None)


def _attributes(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > len(data):
            return
        yield kind & _NLA_TYPE_MASK, data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def packed_attribute(number: int, value: bytes) -> bytes:
    """The other way round, padded."""
    padding = bytes(-len(value) % 4)
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), number) + value + padding


def raise_unless_acknowledged(message: Message) -> None:
    (negative,) = _ERROR.unpack_from(message.data, HEADER.size)
    if negative:
        words = _words(message) if message.flags & _NLM_F_ACK_TLVS else ""
        raise OSError(-negative, words or os.strerror(-negative))


def _words(message: Message) -> str:
    """What the kernel says beside the number (extended acknowledgement); "" where it says nothing."""
    said = attributes(message.data, HEADER.size + _ERROR.size + HEADER.size)
    return said.get(_NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode(errors="replace")
