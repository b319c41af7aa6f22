"""The interfaces of a system whose links cannot be watched: each counts as up, with the address it would send from."""

from __future__ import annotations

import socket
from collections.abc import Callable

from tonekeeper.core.events import Event, LinkChanged

_SOMEWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Of documentation (RFC 5737, RFC 3849); nothing is sent there, the system only says which address it would use."""


class SteadyLinks:
    def __init__(self, interfaces: list[str], report: Callable[[Event], None]) -> None:
        self._interfaces = interfaces
        self._report = report

    def start(self) -> None:
        addresses = own_addresses()
        for interface in self._interfaces:
            self._report(LinkChanged(interface, present=True, carrier=bool(addresses), addresses=addresses))

    def watch(self, interfaces: list[str]) -> None:
        self._interfaces = interfaces
        self.start()

    def close(self) -> None:
        """Nothing was opened."""


def own_addresses() -> tuple[str, ...]:
    """One of each family that the system has a way out for."""
    found = []
    for host, family in _SOMEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((host, 9))
                found.append(str(sock.getsockname()[0]))
        except OSError:
            continue
    return tuple(found)
