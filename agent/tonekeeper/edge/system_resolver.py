"""Where a name on the command line leads: the addresses that the system's own resolver gives, in its order."""

from __future__ import annotations

import socket
from collections.abc import Sequence


def look_up(host: str, port: int) -> Sequence[str]:
    """Numeric addresses; raises OSError or UnicodeError. Blocks, with dead DNS servers for half a minute."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)]
