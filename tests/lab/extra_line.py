"""A third line of the site, to the fibre provider, that comes and goes as a dialled-in one does.

     cpe                       fibre
    +------+ ppp0       dsl0 +--------+      more of the provider's 198.51.100.0/26, so that it is routed;
    |  .10 +-----------------+ .9     |      hidden behind its own address like the others
    +------+                 +--------+

It is not the default route: its way out has metric 300, or is in a table of its own only.
"""

from __future__ import annotations

from types import TracebackType

from tests.lab.namespace import Namespace
from tests.lab.topology import Lab

INTERFACE = "ppp0"
GATEWAY, ADDRESS = "198.51.100.9", "198.51.100.10"
OTHER_GATEWAY, OTHER_ADDRESS = "198.51.100.13", "198.51.100.14"
"""After the lease has changed."""

_NAT = f"""
table ip dialled
delete table ip dialled
table ip dialled {{{{
    chain postrouting {{{{
        type nat hook postrouting priority srcnat
        ip saddr 192.0.2.0/24 oifname {INTERFACE} {{}}
    }}}}
}}}}
"""


class ExtraLine:
    """Not there until `connect`; gone without a trace at the end of `with`."""

    def __init__(self, lab: Lab) -> None:
        self._cpe: Namespace = lab.cpe.namespace
        self._far: Namespace = lab.provider("fibre").namespace

    def __enter__(self) -> ExtraLine:
        self._cpe.nft(_NAT.format("masquerade"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cpe.run("nft", "delete", "table", "ip", "dialled")
        self.disconnect()

    def connect(self, *, default_route: str = "metric 300", name: str = INTERFACE) -> None:
        """A new interface with a new index; `default_route`: "table 300" for a table of its own, "" for none."""
        self._cpe.run("ip", "link", "add", name, "type", "veth", "peer", "dsl0", "netns", self._far.name)
        self._far.run(
            "ip",
            "-batch",
            "-",
            stdin=f"address add {GATEWAY}/30 dev dsl0\naddress add {OTHER_GATEWAY}/30 dev dsl0\nlink set dsl0 up\n",
        )
        self._batch(f"link set {name} up", f"address add {ADDRESS}/30 dev {name}")
        if default_route:
            self._batch(f"route add default via {GATEWAY} dev {name} {default_route}")

    def translate_statically(self, address: str) -> None:
        """From now on the site is hidden behind this address; entries that are there stay as they are."""
        self._cpe.nft(_NAT.format(f"snat to {address}"))

    def disconnect(self) -> None:
        """The interface is gone, and its routes with it."""
        if any(line.split(":")[1].strip().startswith(INTERFACE) for line in self._links()):
            self._cpe.run("ip", "link", "del", INTERFACE)

    def renew(self, *, gap: bool = True) -> None:
        """The lease is renewed with another address in another network; without a `gap` the new one comes first."""
        old, new = f"address del {ADDRESS}/30 dev {INTERFACE}", f"address add {OTHER_ADDRESS}/30 dev {INTERFACE}"
        route = f"route replace default via {OTHER_GATEWAY} dev {INTERFACE} metric 300"
        self._batch(*((old, new, route) if gap else (new, route, old)))

    def rename(self, before: str, after: str) -> None:
        """As udev does: down, another name, up; the routes have to be made again."""
        self._batch(
            f"link set {before} down",
            f"link set {before} name {after}",
            f"link set {after} up",
            f"route replace default via {GATEWAY} dev {after} metric 300",
        )

    def index(self) -> int:
        return int(self._cpe.run("ip", "-o", "link", "show", INTERFACE).split(":")[0])

    def _links(self) -> list[str]:
        return self._cpe.run("ip", "-o", "link").splitlines()

    def _batch(self, *lines: str) -> None:
        self._cpe.run("ip", "-batch", "-", stdin="\n".join(lines))
