"""`tonekeeper` on a laptop that is no Linux: Python there has none of these, and calls the system by another name."""

import socket
import sys

for name in ("AF_NETLINK", "AF_PACKET", "IP_RECVERR", "MSG_ERRQUEUE", "SO_BINDTODEVICE", "TCP_USER_TIMEOUT"):
    if hasattr(socket, name):
        delattr(socket, name)
sys.platform = "darwin"

from tonekeeper.app import main  # noqa: E402 - by then the system is another one

raise SystemExit(main())
