"""What the kernel said about interfaces so far, and what that means for the names somebody watches.

The kernel speaks of indexes; operators write names. An interface that is renamed, or deleted and made again, keeps one
of the two. So everything is kept by index, and what is told is by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tonekeeper.core.events import LinkChanged

LOOPBACK = "lo"


@dataclass(frozen=True, slots=True)
class Link:
    """One interface. `carrier`: up, and packets can leave: cable in, peer up, 802.1X passed."""

    index: int
    name: str
    carrier: bool


class Address(NamedTuple):
    """One address of an interface. A NamedTuple because it is a key."""

    link: int
    """The interface's index."""
    host: str
    """Our own end, numeric."""
    prefix: int


class LinkTable:
    def __init__(self) -> None:
        self._links: dict[int, Link] = {}
        self._addresses: dict[Address, bool] = {}
        """Usable addresses, and whether their scope is global."""

    def put_link(self, link: Link) -> None:
        self._links[link.index] = link

    def remove_link(self, index: int) -> None:
        """Its addresses are gone too, whether the kernel says so or not."""
        self._links.pop(index, None)
        for address in [address for address in self._addresses if address.link == index]:
            del self._addresses[address]

    def put_address(self, address: Address, *, is_global: bool, usable: bool) -> None:
        """`usable`: neither tentative nor found to be a duplicate nor deprecated."""
        if usable:
            self._addresses[address] = is_global
        else:
            self.remove_address(address)

    def remove_address(self, address: Address) -> None:
        self._addresses.pop(address, None)

    def index_of(self, name: str) -> int | None:
        link = self._named(name)
        return None if link is None else link.index

    def state(self, name: str) -> LinkChanged:
        """Of the interface that has this name now. IPv4 addresses first, each family in the order they were told."""
        link = self._named(name)
        if link is None:
            return LinkChanged(name, present=False, carrier=False, addresses=())
        hosts = dict.fromkeys(self._usable_hosts(link))
        ordered = sorted(hosts, key=lambda host: ":" in host)
        return LinkChanged(name, present=True, carrier=link.carrier, addresses=tuple(ordered))

    def _named(self, name: str) -> Link | None:
        return next((link for link in self._links.values() if link.name == name), None)

    def _usable_hosts(self, link: Link) -> Iterator[str]:
        for address, is_global in self._addresses.items():
            if address.link == link.index and (is_global or link.name == LOOPBACK):
                yield address.host


class WatchedNames:
    """The names somebody watches, and what they were told about each."""

    def __init__(self, names: Iterable[str]) -> None:
        self._told: dict[str, LinkChanged | None] = dict.fromkeys(names)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._told)

    def watch(self, names: Iterable[str]) -> None:
        """These names from now on; what was told about one that stays is not told again."""
        self._told = {name: self._told.get(name) for name in names}

    def news(self, table: LinkTable) -> list[LinkChanged]:
        """What differs from what was told; the order of addresses alone is no difference."""
        found = []
        for name, told in self._told.items():
            now = table.state(name)
            if told is None or _essence(now) != _essence(told):
                self._told[name] = now
                found.append(now)
        return found


def _essence(state: LinkChanged) -> tuple[bool, bool, frozenset[str]]:
    return state.present, state.carrier, frozenset(state.addresses)
