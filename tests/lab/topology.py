"""The lab, drawn. Each box is a network namespace of one kernel, each line a veth pair; nothing leaves the host.

     phone              cpe                         fibre                   core
    +-------+     +--------------+             +--------------+        +-----------+
    |       |     |              | eth0        | router       | uplink |           | primary      primary
    |  eth0 +-----+ lan0         +-------------+ access       +--------+ fibre     +-----------+ Kamailio
    |       |     |              | .2       .1 |              | .66 .65|           | .1     .2
    +-------+     | masquerade,  |  metric 100 +--------------+        |           | alternate    alternate
      .10      .1 | conntrack    |                                     |           +-----------+ Kamailio
                  | the agent    |                lte                  |           | .9    .10
                  | runs here    | wwan0       +--------------+        |           | services     services
                  |              +-------------+ access       +--------+ lte       +-----------+ (DNS, STUN)
                  |              | .130   .129 | CGN          | .194   |           | .17   .18, .19
                  +--------------+  metric 200 +--------------+    .193+-----------+

    LAN          192.0.2.0/24         hidden behind the CPE's WAN addresses
    providers    198.51.100.0/24      fibre .0/26 and .64/30, lte .128/30 (hidden by the CGN) and .192/30
    sites        203.0.113.0/24       one /29 each; the alternate SBC in 198.18.0.8/29, as an independent one should be

The default route of the CPE is fibre. A socket bound to wwan0 uses the second default route, of the higher metric.
The CPE lets everything in to itself, so that hostile datagrams reach the agent and not just a firewall.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from types import TracebackType

from tests.lab.certificates import Authority
from tests.lab.faults import Cpe, Faults, Provider
from tests.lab.namespace import Namespace, Watchman, run, sweep
from tests.lab.sbc import Sbc

ROLES = ("phone", "cpe", "fibre", "lte", "core", "primary", "alternate", "services")


@dataclass(frozen=True, slots=True)
class End:
    role: str
    device: str
    addresses: tuple[str, ...]


LINES = (
    (End("phone", "eth0", ("192.0.2.10/24",)), End("cpe", "lan0", ("192.0.2.1/24",))),
    (End("cpe", "eth0", ("198.51.100.2/30",)), End("fibre", "access", ("198.51.100.1/30",))),
    (End("cpe", "wwan0", ("198.51.100.130/30",)), End("lte", "access", ("198.51.100.129/30",))),
    (End("fibre", "uplink", ("198.51.100.66/30",)), End("core", "fibre", ("198.51.100.65/30",))),
    (End("lte", "uplink", ("198.51.100.194/30",)), End("core", "lte", ("198.51.100.193/30",))),
    (End("core", "primary", ("203.0.113.1/29",)), End("primary", "eth0", ("203.0.113.2/29",))),
    (End("core", "alternate", ("198.18.0.9/29",)), End("alternate", "eth0", ("198.18.0.10/29",))),
    (End("core", "services", ("203.0.113.17/29",)), End("services", "eth0", ("203.0.113.18/29", "203.0.113.19/29"))),
)

ROUTES = {
    "phone": ("default via 192.0.2.1",),
    "cpe": ("default via 198.51.100.1 dev eth0 metric 100", "default via 198.51.100.129 dev wwan0 metric 200"),
    "fibre": ("default via 198.51.100.65",),
    "lte": ("default via 198.51.100.193",),
    "core": ("198.51.100.0/26 via 198.51.100.66",),
    "primary": ("default via 203.0.113.1",),
    "alternate": ("default via 198.18.0.9",),
    "services": ("default via 203.0.113.17",),
}

ROUTERS = ("cpe", "fibre", "lte", "core")

SYSCTLS = {"net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1"}
"""Everywhere: the lab is IPv4 only so far, and the kernel's own link-local addresses come whenever they like."""

ROUTER_SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.rp_filter": "2",
    "net.ipv4.conf.default.rp_filter": "2",
}

CPE_RULES = """
table ip nat {
    chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr 192.0.2.0/24 oifname { eth0, wwan0 } masquerade
    }
}
table inet filter {
    chain forward {
        type filter hook forward priority filter; policy drop
        ct state established,related accept
        iifname lan0 accept
    }
}
"""

# What the lte router sends itself (the forger's datagrams) is no business of its NAT.
LTE_RULES = """
table ip cgn {
    chain output {
        type filter hook output priority raw
        notrack
    }
    chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr 198.51.100.128/30 oifname uplink masquerade
    }
}
"""


class Lab:
    """The whole thing: `with Lab() as lab: ...`, or `start` and `close`."""

    def __init__(self) -> None:
        sweep()
        self._faults = Faults()
        self._watchman = Watchman(ROLES)
        self.directory = self._watchman.directory
        self._namespaces = self._watchman.namespaces
        self.authority = Authority(self.directory)
        self.cpe = Cpe(self._namespaces["cpe"], self._faults)
        self._providers = {
            "fibre": self._provider("fibre", "198.51.100.1", ("eth0", "198.51.100.2")),
            "lte": self._provider("lte", "198.51.100.129", ("wwan0", "198.51.100.130")),
        }
        self._sbcs = {
            "primary": self._sbc("primary", "203.0.113.2"),
            "alternate": self._sbc("alternate", "198.18.0.10"),
        }

    def __enter__(self) -> Lab:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Lay the lines, load the rules, start the SBCs and see them answer."""
        for namespace in self._namespaces.values():
            namespace.set_sysctls(SYSCTLS)
        self._lay_lines()
        for role in ROUTERS:
            self._namespaces[role].set_sysctls(ROUTER_SYSCTLS)
        self.cpe.namespace.nft(CPE_RULES)
        self._namespaces["lte"].nft(LTE_RULES)
        for sbc in self._sbcs.values():
            sbc.launch()
        for sbc in self._sbcs.values():
            sbc.wait_ready()

    def close(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self._watchman.dismiss)
            for sbc in self._sbcs.values():
                stack.callback(sbc.stop)

    def heal(self) -> None:
        """Undo every fault, and bring the SBCs back to normal."""
        self._faults.undo()
        for sbc in self._sbcs.values():
            sbc.restore()

    @property
    def phone(self) -> Namespace:
        return self._namespaces["phone"]

    @property
    def core(self) -> Namespace:
        return self._namespaces["core"]

    @property
    def services(self) -> Namespace:
        return self._namespaces["services"]

    @property
    def providers(self) -> tuple[Provider, ...]:
        return tuple(self._providers.values())

    @property
    def sbcs(self) -> tuple[Sbc, ...]:
        return tuple(self._sbcs.values())

    def provider(self, name: str) -> Provider:
        """`fibre` or `lte`."""
        return self._providers[name]

    def sbc(self, name: str) -> Sbc:
        """`primary` or `alternate`."""
        return self._sbcs[name]

    def silence(self, sbc: Sbc) -> contextlib.ExitStack:
        """The SBC dies without a sound: both providers drop what goes to it and comes from it. Undone by `with`."""
        stack = contextlib.ExitStack()
        for provider in self.providers:
            stack.enter_context(provider.silence(sbc.address))
        return stack

    def _provider(self, name: str, gateway: str, wan: tuple[str, str]) -> Provider:
        return Provider(name, self._namespaces[name], self._faults, gateway=gateway, wan=wan)

    def _sbc(self, name: str, address: str) -> Sbc:
        return Sbc(name, address, self._namespaces[name], self._namespaces["core"], self.authority)

    def _lay_lines(self) -> None:
        name = {role: namespace.name for role, namespace in self._namespaces.items()}
        run(
            "ip",
            "-batch",
            "-",
            stdin="".join(
                f"link add {near.device} netns {name[near.role]} type veth peer {far.device} netns {name[far.role]}\n"
                for near, far in LINES
            ),
        )
        for role in ROLES:
            lines = ["link set lo up\n"]
            for end in (end for line in LINES for end in line if end.role == role):
                lines += [f"address add {address} dev {end.device}\n" for address in end.addresses]
                lines.append(f"link set {end.device} up\n")
            lines += [f"route add {route}\n" for route in ROUTES[role]]
            run("ip", "-n", name[role], "-batch", "-", stdin="".join(lines))
