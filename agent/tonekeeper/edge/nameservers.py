"""Which DNS servers a WAN has: those the operator named, else those its DHCP client was given, else the system's.

Every DHCP client leaves what it was given in a place of its own:

    systemd-networkd     run/systemd/netif/links/INDEX, leases/INDEX            DNS=
    systemd-resolved     run/systemd/resolve/netif/INDEX                        SERVERS=
    OpenWrt's netifd     tmp/resolv.conf.d/resolv.conf.auto                     # Interface wan
    resolvconf, dhcpcd   run/resolvconf/interface/INTERFACE.PROGRAM             nameserver
    busybox's udhcpc     etc/resolv.conf                                        nameserver ... # eth0
    pppd                 etc/ppp/resolv.conf                                    nameserver
    NetworkManager       var/lib/NetworkManager/internal-UUID-INTERFACE.lease   DNS=
    dhclient             var/lib/dhcp/dhclient*.leases                          lease { ... }

The first of these that names any is taken. What is lost with a reboot comes first: a client that is no longer in use
leaves its leases behind in var.

A server on loopback is the host's own forwarder. It cannot be asked through a WAN, so it is the last resort, and asked
as any program would. A private address in a file that names no interface is asked like that as well: it may be in the
network of another WAN.
"""

from __future__ import annotations

import calendar
import ipaddress
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tonekeeper.core.commands import ResolveSbc

MOST = 4
"""Servers that are asked for one WAN where the operator named none."""
_MOST_BYTES = 64 * 1024
"""Of a file, its end: leases pile up."""

_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")
)
_LEASE = re.compile(r"lease6?\s*\{(.*?)\n\}", re.DOTALL)
_LEASE_INTERFACE = re.compile(r'^\s*interface\s+"([^"]+)";', re.MULTILINE)
_LEASE_SERVERS = re.compile(r"^\s*option\s+(?:domain-name-servers|dhcp6\.name-servers)\s+([^;]+);", re.MULTILINE)
_LEASE_EXPIRY = re.compile(r"^\s*expire\s+(?:\d\s+(\d+)/(\d+)/(\d+)\s+(\d+):(\d+):(\d+)|epoch\s+(\d+))", re.MULTILINE)
_SECTION = re.compile(r"#\s*Interface\s+(\S+)")
_UCI_INTERFACE = re.compile(r"""config\s+interface\s+['"]?([\w.-]+)""")
_UCI_DEVICE = re.compile(r"""option\s+(device|ifname|proto)\s+['"]?([\w.@-]+)""")


@dataclass(frozen=True, slots=True)
class Nameserver:
    """A DNS server, and how to ask it."""

    address: str
    """Numeric; a link-local one with its zone."""
    interface: str = ""
    """The device to ask through; empty: as the routes have it."""
    source: str = ""
    """The address to ask from; empty: whatever the device has."""


class Nameservers:
    """Read anew each time, for leases change. `root` is where the file system begins, `wall` the time of day."""

    def __init__(self, root: Path = Path("/"), wall: Callable[[], float] = time.time) -> None:
        self._root = root
        self._wall = wall

    def of(self, command: ResolveSbc) -> tuple[Nameserver, ...]:
        """Whom to ask for this command, best first; none where nobody is known."""
        named = _valid(command.resolvers)
        if named:
            return tuple(_through(address, command) for address in named)
        if command.interface and (given := self._leased(command.interface)):
            return tuple(_through(address, command) for address in given[:MOST])
        return tuple(
            Nameserver(address) if _is_private(address) else _through(address, command)
            for address in self._of_the_system()[:MOST]
        )

    # --- given to one interface

    def _leased(self, interface: str) -> list[str]:
        for source in (
            self._of_systemd,
            self._of_netifd,
            self._of_resolvconf,
            self._of_udhcpc,
            self._of_pppd,
            self._of_network_manager,
            self._of_dhclient,
        ):
            if given := _outside(_valid(source(interface))):
                return given
        return []

    def _of_systemd(self, interface: str) -> Iterator[str]:
        index = self._read(f"sys/class/net/{interface}/ifindex").strip()
        if index.isdigit():
            yield from _assigned(self._read(f"run/systemd/netif/links/{index}"), "DNS")
            yield from _assigned(self._read(f"run/systemd/netif/leases/{index}"), "DNS")
            yield from _assigned(self._read(f"run/systemd/resolve/netif/{index}"), "SERVERS")

    def _of_netifd(self, interface: str) -> Iterator[str]:
        names = {interface, *_uci_names(self._read("etc/config/network"), interface)}
        return (address for name, address in _in_resolv_conf(self._netifd()) if name in names)

    def _of_resolvconf(self, interface: str) -> Iterator[str]:
        for place in ("run/resolvconf/interface", "run/resolvconf/interfaces", "run/dhcpcd/hook-state/resolv.conf"):
            for file in self._files(f"{place}/{interface}.[!0-9]*"):  # eth0.7 is an interface of its own
                yield from (address for _, address in _in_resolv_conf(self._read(file)))

    def _of_udhcpc(self, interface: str) -> Iterator[str]:
        return (address for name, address in _in_resolv_conf(self._read("etc/resolv.conf")) if name == interface)

    def _of_pppd(self, interface: str) -> Iterator[str]:
        text = self._read("etc/ppp/resolv.conf") if interface.startswith("ppp") else ""
        return (address for _, address in _in_resolv_conf(text))

    def _of_network_manager(self, interface: str) -> Iterator[str]:
        leases = self._files(f"var/lib/NetworkManager/internal-*-{interface}.lease")
        return _assigned(self._read(leases[-1]) if leases else "", "DNS")

    def _of_dhclient(self, interface: str) -> Iterator[str]:
        for pattern in ("var/lib/dhcp/dhclient*.leases", "var/lib/NetworkManager/dhclient*.lease"):
            for file in self._files(pattern):
                yield from _in_dhclient_leases(self._read(file), interface, self._wall())

    # --- of the whole host

    def _of_the_system(self) -> list[str]:
        """A forwarder on loopback only where nobody is known whom it would ask itself."""
        stated = _valid(address for _, address in _in_resolv_conf(self._read("etc/resolv.conf")))
        if outside := _outside(stated):
            return outside
        for file in ("run/systemd/resolve/resolv.conf", "run/NetworkManager/no-stub-resolv.conf"):
            if outside := _outside(_valid(address for _, address in _in_resolv_conf(self._read(file)))):
                return outside
        return _outside(_valid(address for _, address in _in_resolv_conf(self._netifd()))) or stated

    # --- files

    def _netifd(self) -> str:
        return self._read("tmp/resolv.conf.d/resolv.conf.auto") or self._read("tmp/resolv.conf.auto")

    def _files(self, pattern: str) -> list[str]:
        """The newest last."""
        return [path.relative_to(self._root).as_posix() for path in sorted(self._root.glob(pattern), key=_written_at)]

    def _read(self, name: str) -> str:
        """Empty for what is not there or not for us: most of the places do not exist on any one system."""
        try:
            with (self._root / name).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _MOST_BYTES))
                return file.read(_MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _assigned(text: str, key: str) -> Iterator[str]:
    """`KEY=192.0.2.1 192.0.2.2`, as systemd writes it; quoted at times."""
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == key:
            yield from value.strip("\"' ").split()


def _in_dhclient_leases(text: str, interface: str, now: float) -> Iterator[str]:
    """Of the last lease of this interface, for dhclient appends; none if that has expired."""
    mine = [body for body in _LEASE.findall(text) if (on := _LEASE_INTERFACE.search(body)) and on[1] == interface]
    if mine and not _has_expired(mine[-1], now):
        for servers in _LEASE_SERVERS.findall(mine[-1]):
            yield from servers.replace(",", " ").split()


def _has_expired(lease: str, now: float) -> bool:
    """dhclient.leases(5): `expire 4 2026/12/31 23:59:59;` in UTC, `expire epoch 1798761599;`, or never."""
    expiry = _LEASE_EXPIRY.search(lease)
    if expiry is None:
        return False
    *parts, epoch = expiry.groups()
    return now > (int(epoch) if epoch else calendar.timegm((*map(int, parts), 0, 0, 0)))


def _in_resolv_conf(text: str) -> Iterator[tuple[str, str]]:
    """Interface and address of each server; the interface empty where none is named."""
    section = ""
    for line in text.splitlines():
        if heading := _SECTION.match(line.strip()):
            section = heading.group(1)
            continue
        words, _, comment = line.partition("#")
        match words.split():
            case ["nameserver", address, *_]:
                yield comment.strip() or section, address


def _uci_names(text: str, interface: str) -> Iterator[str]:
    """What OpenWrt calls the networks that leave through this device ("wan", "wan6")."""
    name, device, proto = "", "", ""
    found: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("config"):
            section = _UCI_INTERFACE.match(stripped)
            name, device, proto = (section.group(1) if section else ""), "", ""
        elif name and (option := _UCI_DEVICE.match(stripped)):
            if option.group(1) == "proto":
                proto = option.group(2)
            else:
                device = option.group(2)
            found[name] = (device, proto)
    for name, (device, proto) in found.items():
        carrier, _ = found.get(device.removeprefix("@"), (device, ""))
        if interface in (carrier, f"{proto}-{name}"):
            yield name


def _valid(addresses: Iterable[str]) -> list[str]:
    """Numeric ones, each once."""
    found: dict[str, None] = {}
    for address in addresses:
        plain = address.partition("#")[0].strip("[]")  # systemd may add the server's name for TLS
        try:
            ipaddress.ip_address(plain)
        except ValueError:
            continue
        found[plain] = None
    return list(found)


def _outside(addresses: list[str]) -> list[str]:
    return [address for address in addresses if not ipaddress.ip_address(address).is_loopback]


def _is_private(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.is_loopback or any(parsed in network for network in _PRIVATE if network.version == parsed.version)


def _through(address: str, command: ResolveSbc) -> Nameserver:
    """Through the WAN of the command, unless that is impossible."""
    parsed = ipaddress.ip_address(address)
    if parsed.is_loopback or not command.interface:
        return Nameserver(address)
    if parsed.is_link_local and "%" not in address and parsed.version == 6:
        address = f"{address}%{command.interface}"
    same_family = bool(command.source) and ipaddress.ip_address(command.source).version == parsed.version
    return Nameserver(address, command.interface, command.source if same_family else "")
