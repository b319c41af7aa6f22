"""The lab's own OPTIONS, sent from the test process through a socket of a namespace: to see that the lab works.

Deliberately not the product's codec: the lab must not agree with a mistake of it.
"""

from __future__ import annotations

import itertools
import os
import select
import socket
import time
from dataclasses import dataclass

from tests.lab.namespace import Namespace

_SO_BINDTODEVICE = 25
_SO_RCVBUFFORCE = 33
_IP_RECVERR = 11
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one OPTIONS. `status` 0: no answer; then `error` may hold the errno an ICMP error left behind."""

    status: int
    seconds: float
    text: str = ""
    error: int = 0


def ask(namespace: Namespace, sbc: tuple[str, int], *, device: str = "", within: float = 1.0) -> Answer:
    """Send one OPTIONS to `sbc` from `namespace`, out of `device` if given, and wait for the answer to it."""
    with namespace.socket() as sender:
        sender.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)  # so that every kind of ICMP error is told, not only some
        if device:
            sender.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, device.encode())
        branch = f"z9hG4bKlab{os.urandom(4).hex()}"
        started = time.monotonic()
        try:
            sender.connect(sbc)
            sender.send(options(sbc, sender.getsockname(), branch))
            text = _answer_with(sender, branch, started + within)
        except OSError as error:
            return Answer(0, time.monotonic() - started, error=error.errno or 0)
    status = int(text.split(" ", 2)[1]) if text else 0
    return Answer(status, time.monotonic() - started, text)


def count_answers(namespace: Namespace, sbc: tuple[str, int], *, device: str, number: int, quiet: float = 0.5) -> int:
    """Send `number` OPTIONS back to back; how many were answered when nothing has come for `quiet` seconds."""
    answered: set[bytes] = set()
    with namespace.socket() as sender:
        sender.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, device.encode())
        sender.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 20)  # room for all the answers at once
        sender.connect(sbc)
        for count in range(number):
            sender.send(options(sbc, sender.getsockname(), f"z9hG4bKlab{count:08x}"))
        while select.select([sender], [], [], quiet)[0]:
            answered.add(sender.recv(65535).partition(b"branch=")[2][:18])
    return len(answered)


def _answer_with(sender: socket.socket, branch: str, deadline: float) -> str:
    while (left := deadline - time.monotonic()) > 0 and select.select([sender], [], [], left)[0]:
        text = sender.recv(65535).decode()
        if branch in text:
            return text
    return ""


def options(sbc: tuple[str, int], local: tuple[str, int], branch: str) -> bytes:
    lines = (
        f"OPTIONS sip:{sbc[0]}:{sbc[1]} SIP/2.0",
        f"Via: SIP/2.0/UDP {local[0]}:{local[1]};branch={branch};rport",
        "Max-Forwards: 70",
        f"From: <sip:lab@{local[0]}>;tag={branch[-8:]}",
        f"To: <sip:{sbc[0]}>",
        f"Call-ID: {branch[-8:]}@lab",
        f"CSeq: {next(_numbers)} OPTIONS",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()
