"""Counting what a site sends: every IPv4 packet on a line towards given addresses, whatever is in it."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Collection
from types import TracebackType

from tests.lab.namespace import Namespace

_ETH_P_IP = 0x0800


class PacketCount:
    """Inside `with`. `sent`: the instants, on the clock of `time.monotonic`; whole once `with` has ended."""

    def __init__(self, namespace: Namespace, device: str, towards: Collection[str]) -> None:
        self.sent: list[float] = []
        self._towards = {socket.inet_aton(address) for address in towards}
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
        self._socket.bind((device, _ETH_P_IP))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self) -> PacketCount:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _count(self) -> None:
        while not self._ended.is_set():
            if select.select([self._socket], [], [], 0.05)[0]:
                packet = self._socket.recv(65535)
                if packet[16:20] in self._towards:
                    self.sent.append(time.monotonic())


def worst_excess(sent: list[float], rate: float) -> float:
    """The most packets in any stretch of time beyond `rate` a second: what a bucket that let them through must hold."""
    sent = sorted(sent)
    level, most, before = 0.0, 0.0, sent[0] if sent else 0.0
    for at in sent:
        level = max(0.0, level - (at - before) * rate) + 1
        most, before = max(most, level), at
    return most
