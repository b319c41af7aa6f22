"""Word from the kernel that its nftables ruleset is not what it was: one message for each change, of whoever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from tonekeeper.errors import EdgeError

_NETLINK_NETFILTER = 12
_NFTABLES_GROUP = 7
"""NFNLGRP_NFTABLES"""
_ROOM = 65536


class RulesetNews:
    """Calls `changed` after each change, until closed. EdgeError where the kernel has no nftables."""

    def __init__(self, changed: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        self._changed = changed
        self._loop = loop
        try:
            self._sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
            self._sock.setblocking(False)
            self._sock.bind((0, 1 << _NFTABLES_GROUP - 1))
        except OSError as error:
            raise EdgeError("listen to changes of the ruleset", error) from None
        loop.add_reader(self._sock.fileno(), self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _read(self) -> None:
        """What the messages say does not matter, nor whether some were lost (ENOBUFS)."""
        with suppress(OSError):
            while self._sock.recv(_ROOM):
                pass
        self._changed()
