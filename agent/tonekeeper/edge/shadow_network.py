"""A network namespace of this process alone, made to look like the host it is a copy of.

Every interface stands in as one end of a veth pair; what is sent into its other end is what arrives from outside. No
interface asks for neighbours (IFF_NOARP), so nothing waits. Nothing is written down anywhere: the namespace ends with
the process, however that ends.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from tonekeeper.edge.netlink.exchange import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Exchange, packed_attribute
from tonekeeper.edge.netlink.link_messages import RTM_NEWADDR, RTM_NEWLINK
from tonekeeper.edge.netlink.route_messages import RTM_NEWROUTE
from tonekeeper.edge.shadow_surroundings import Surroundings
from tonekeeper.errors import EdgeError

PEER = "tkpeer{}"
"""The other end of interface number so-and-so."""
PEER_MAC = bytes((2, 0x54, 0x4B, 0, 0, 1))
STEERED_PRIORITY = 1
"""Of the rule that leads what is asked about out of one WAN. Rule 0, for local addresses, comes first."""
STEERED_TABLE = 0x746B0000

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_RTM_NEWRULE = 32
_IFINFOMSG = struct.Struct("=BxHiII")
_RTMSG = struct.Struct("=BBBBBBBBI")
_FIB_RULE_HDR = struct.Struct("=BBBBBxxBI")
_NUMBER = struct.Struct("=I")
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINKINFO = 1, 3, 4, 18
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFF_UP, _IFF_NOARP = 0x1, 0x80
_RTA_OIF, _RTA_GATEWAY, _RTA_TABLE, _RTA_VIA = 4, 5, 15, 18
_FRA_DST, _FRA_PRIORITY, _FRA_TABLE = 1, 6, 15
_FR_ACT_TO_TBL, _RTN_UNICAST, _RTPROT_STATIC, _SCOPE_LINK = 1, 1, 4, 253
_ONLINK, _KEPT_ROUTE_FLAGS = 4, 6
_INVERT = 2
_FLAGS_AT = 8
_SYS = Path("/proc/sys/net")
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def enter_new_namespace() -> None:
    """Leaves the network of the host. An ordinary user needs a user namespace for it. EdgeError with the errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    flags = _CLONE_NEWNET if user == 0 else _CLONE_NEWUSER | _CLONE_NEWNET
    if libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        if number == errno.EINVAL:
            number = errno.EOPNOTSUPP
        remedy = "it takes root, or a kernel that lets users have namespaces (kernel.unprivileged_userns_clone)"
        raise EdgeError("make a network namespace", OSError(number, os.strerror(number)), remedy=remedy)
    if flags & _CLONE_NEWUSER:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")


class ShadowNetwork:
    """Made inside the new namespace. `notes`: what could not be copied.

    `destinations` are reached over the WAN that `leave_over` says, whatever the routes of the host say.
    """

    def __init__(self, surroundings: Surroundings, destinations: Iterable[str]) -> None:
        self._surroundings = surroundings
        self.notes: list[str] = []
        self._kernel = Exchange(socket.NETLINK_ROUTE)
        try:
            self._build(destinations)
        except OSError as error:
            raise EdgeError("build a copy of this host's network", error) from None

    def _build(self, destinations: Iterable[str]) -> None:
        has_ipv6 = (_SYS / "ipv6").is_dir()
        if has_ipv6:
            _write("ipv6/conf/default/disable_ipv6", "1")
        self._kernel.change(RTM_NEWLINK, _IFINFOMSG.pack(0, 0, 1, _IFF_UP, _IFF_UP))
        self._add_links()
        for link in self._surroundings.links if has_ipv6 else ():
            _write(f"ipv6/conf/{link.name}/disable_ipv6", "0")
        for path, value in self._surroundings.sysctls:
            _write(path, value)
        self._replay("address", RTM_NEWADDR, self._surroundings.addresses, NLM_F_CREATE | NLM_F_REPLACE)
        self._replay("route", RTM_NEWROUTE, [_plain_route(body) for body in self._surroundings.routes], NLM_F_CREATE)
        self._steer(destinations)  # before the rules of the host, that may have the same priority
        self._replay("policy rule", _RTM_NEWRULE, [_plain_rule(body) for body in self._surroundings.rules], _ADD)

    def _add_links(self) -> None:
        above = max((link.index for link in self._surroundings.links), default=1) + 1
        for position, link in enumerate(self._surroundings.links):
            peer = _IFINFOMSG.pack(0, 0, above + position, 0, 0)
            peer += packed_attribute(_IFLA_IFNAME, PEER.format(link.index).encode() + b"\0")
            peer += packed_attribute(_IFLA_ADDRESS, PEER_MAC)
            info = packed_attribute(_INFO_KIND, b"veth") + packed_attribute(
                _INFO_DATA, packed_attribute(_VETH_PEER, peer)
            )
            body = _IFINFOMSG.pack(0, 0, link.index, 0, 0)
            body += packed_attribute(_IFLA_IFNAME, link.name.encode() + b"\0")
            body += packed_attribute(_IFLA_MTU, _NUMBER.pack(link.mtu)) if link.mtu >= 68 else b""
            body += packed_attribute(_IFLA_ADDRESS, link.mac) if link.mac else b""
            self._kernel.change(RTM_NEWLINK, body + packed_attribute(_IFLA_LINKINFO, info), _ADD)
            for index in (link.index, above + position):
                flags = _IFF_UP | _IFF_NOARP
                self._kernel.change(RTM_NEWLINK, _IFINFOMSG.pack(0, 0, index, flags, flags))

    def _replay(self, what: str, kind: int, bodies: Sequence[bytes], flags: int) -> None:
        """A route may need another one before it, so what is refused is tried once more."""
        refused = [body for body in bodies if self._refusal(kind, body, flags)]
        for body in refused:
            if error := self._refusal(kind, body, flags):
                self.notes.append(f"a {what} could not be copied: {error.strerror}")

    def _refusal(self, kind: int, body: bytes, flags: int) -> OSError | None:
        try:
            self._kernel.change(kind, body, flags)
        except OSError as error:
            return None if error.errno == errno.EEXIST else error
        return None

    def _steer(self, destinations: Iterable[str]) -> None:
        for host in destinations:
            packed = ip_address(host).packed
            family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
            rule = _FIB_RULE_HDR.pack(family, 8 * len(packed), 0, 0, 0, _FR_ACT_TO_TBL, 0)
            rule += packed_attribute(_FRA_DST, packed) + packed_attribute(_FRA_TABLE, _NUMBER.pack(STEERED_TABLE))
            rule += packed_attribute(_FRA_PRIORITY, _NUMBER.pack(STEERED_PRIORITY))
            self._kernel.change(_RTM_NEWRULE, rule, NLM_F_CREATE)

    def leave_over(self, wan: str) -> None:
        index = socket.if_nametoindex(wan)
        for version, family in _FAMILIES.items():
            gateway = self._surroundings.gateway(wan, version)
            if any(one.version == version for one in self._surroundings.networks(wan)):
                self._kernel.change(RTM_NEWROUTE, _default(family, gateway, index), NLM_F_CREATE | NLM_F_REPLACE)


def _default(family: int, gateway: str, index: int) -> bytes:
    flags, scope = (_ONLINK, 0) if gateway else (0, _SCOPE_LINK if family == socket.AF_INET else 0)
    body = _RTMSG.pack(family, 0, 0, 0, 0, _RTPROT_STATIC, scope, _RTN_UNICAST, flags)
    body += packed_attribute(_RTA_OIF, _NUMBER.pack(index)) + packed_attribute(_RTA_TABLE, _NUMBER.pack(STEERED_TABLE))
    if not gateway:
        return body
    packed = ip_address(gateway).packed
    if (len(packed) == 4) == (family == socket.AF_INET):
        return body + packed_attribute(_RTA_GATEWAY, packed)
    return body + packed_attribute(_RTA_VIA, struct.pack("=H", socket.AF_INET6) + packed)


_ADD = NLM_F_CREATE | NLM_F_EXCL


def _plain_route(body: bytes) -> bytes:
    """Without what only the kernel says of a route, and the gateway taken at its word."""
    flags = int.from_bytes(body[_FLAGS_AT : _FLAGS_AT + 4], "little") & _KEPT_ROUTE_FLAGS
    return body[:_FLAGS_AT] + struct.pack("=I", flags) + body[_FLAGS_AT + 4 :]


def _plain_rule(body: bytes) -> bytes:
    flags = int.from_bytes(body[_FLAGS_AT : _FLAGS_AT + 4], "little") & _INVERT
    return body[:_FLAGS_AT] + struct.pack("=I", flags) + body[_FLAGS_AT + 4 :]


def _write(path: str, value: str) -> None:
    with suppress(OSError):  # some exist in the host's own namespace only
        (_SYS / path).write_text(value)
