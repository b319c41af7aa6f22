"""A site behind a modem that was left in router mode, for what is checked beside the paths.

 laptop            router                 modem                internet                 sbc
+------+ eth0  +-------------+ wan   lan +-------+ dsl      +-------------------+       +-----------------------+
|      +-------+ br0         +-----------+       +----------+ wan          core +-------+ eth0                  |
|  .20 |       | .1      .20 |        .1 |  .2   |       .1 |              .5   |       | .6, lo: 198.51.100.10 |
+------+    +--+             |           |       |          | lo: the time      |       +-----------------------+
            |  +-------------+           +-------+          | servers .11 to .13|
+------+    |                                               +-------------------+
| rogue+----+   192.168.1.0/24, 192.168.178.0/24, 203.0.113.0/30, 203.0.113.4/30
|  .66 | eth0
+------+

Both router and modem masquerade. Nothing runs anywhere but what a test starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob

from tests.lab.edge_namespaces import namespaces
from tests.lab.namespace import LabError, Namespace, Process, until

Site = dict[str, Namespace]

ROLES = ("laptop", "router", "modem", "internet", "sbc", "rogue")
SBC, TIME_SERVERS = "198.51.100.10", ("198.51.100.11", "198.51.100.12", "198.51.100.13")
ROUTER_LAN, ROGUE, MODEM, ROUTER_WAN, PUBLIC = (
    *("192.168.1.1", "192.168.1.66", "192.168.178.1", "192.168.178.20", "203.0.113.2"),
)
MASQUERADE = """
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        oifname {} masquerade
    }}
}}
"""


@contextmanager
def behind_a_modem() -> Iterator[Site]:
    with namespaces(*ROLES) as made:
        laptop, router, modem, internet, sbc = (made[role] for role in ROLES[:5])
        for namespace in made.values():
            namespace.set_sysctls({"net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1"})
            namespace.set_sysctls({"net.ipv4.ip_forward": "1"})
            ip(namespace, "link set lo up")
        ip(router, "link add br0 type bridge", f"address add {ROUTER_LAN}/24 dev br0", "link set br0 up")
        for guest, address in (("laptop", "192.168.1.20"), ("rogue", ROGUE)):
            ip(router, f"link add {guest} type veth peer name eth0 netns {made[guest].name}")
            ip(router, f"link set {guest} master br0", f"link set {guest} up")
            ip(made[guest], f"address add {address}/24 dev eth0", "link set eth0 up")
        ip(laptop, f"route add default via {ROUTER_LAN}")
        join(router, f"wan {ROUTER_WAN}/24", modem, f"lan {MODEM}/24")
        join(modem, f"dsl {PUBLIC}/30", internet, "wan 203.0.113.1/30")
        ip(router, f"route add default via {MODEM}")
        ip(modem, "route add default via 203.0.113.1")
        join(internet, "core 203.0.113.5/30", sbc, "eth0 203.0.113.6/30")
        ip(internet, *(f"address add {address}/32 dev lo" for address in TIME_SERVERS))
        ip(internet, f"route add {SBC} via 203.0.113.6")
        ip(sbc, f"address add {SBC}/32 dev lo", "route add default via 203.0.113.5")
        router.nft(MASQUERADE.format("wan"))
        modem.nft(MASQUERADE.format("dsl"))
        yield made


def join(left: Namespace, here: str, right: Namespace, there: str) -> None:
    """A line between two: device and address at each end."""
    (device, address), (peer, other) = here.split(), there.split()
    ip(left, f"link add {device} type veth peer name {peer} netns {right.name}")
    ip(left, f"address add {address} dev {device}", f"link set {device} up")
    ip(right, f"address add {other} dev {peer}", f"link set {peer} up")


def ip(namespace: Namespace, *lines: str) -> None:
    namespace.run("ip", "-batch", "-", stdin="".join(f"{line}\n" for line in lines))


@contextmanager
def running(namespace: Namespace, *command: str, ready: str, env: dict[str, str] | None = None) -> Iterator[Process]:
    """A server, until the end of the block. `ready`: what it writes once it serves."""
    name = f"{os.path.basename(command[0])}-{os.urandom(3).hex()}"
    process = namespace.popen(*command, log=name, env={**os.environ, **(env or {})})

    def serves() -> bool:
        if not process.running:
            raise LabError(f"{command[0]} ended at once:\n{process.output}")
        return ready in process.output

    try:
        until(serves, within=10.0, what=f"{command[0]} does not serve\n{process.output}")
        yield process
    finally:
        process.kill()


@contextmanager
def chrony(namespace: Namespace, address: str, *, synchronised: bool = True, shift: str = "") -> Iterator[Process]:
    """A real time server. `shift`: as faketime takes it ("-365d"); it serves that time then."""
    stem = namespace.directory / f"chrony-{os.urandom(3).hex()}"
    local = "local stratum 8\n" if synchronised else ""
    config = stem.with_suffix(".conf")
    config.write_text(f"{local}allow\nbindaddress {address}\nbindcmdaddress /\ncmdport 0\npidfile {stem}.pid\n")
    command = (*(shifted(shift) if shift else ()), "chronyd", "-d", "-x", "-u", "root", "-f", str(config))
    with running(namespace, *command, ready="chronyd version") as process:
        until(lambda: 123 in namespace.udp_ports(), within=10.0, what=f"no chrony\n{process.output}")
        yield process


def shifted(by: str) -> tuple[str, ...]:
    """In front of a command: its wall clock is off by so much ("-365d"), and runs on as it should.

    Not by the command `faketime`, which stays as a parent and keeps signals to itself.
    """
    (library,) = glob("/usr/lib/*/faketime/libfaketime.so.1")
    return ("env", f"LD_PRELOAD={library}", f"FAKETIME={by}", "FAKETIME_DONT_FAKE_MONOTONIC=1")


@contextmanager
def dnsmasq(namespace: Namespace, interface: str, *options: str) -> Iterator[Process]:
    """A real DHCP server for 192.168.1.100 to .150."""
    stem = namespace.directory / f"dnsmasq-{os.urandom(3).hex()}"
    command = (
        *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--log-facility=-"),
        *(f"--interface={interface}", "--bind-interfaces", f"--pid-file={stem}.pid", f"--dhcp-leasefile={stem}.leases"),
        *("--dhcp-range=192.168.1.100,192.168.1.150,1h", *options),
    )
    with running(namespace, *command, ready="DHCP, sockets bound") as process:
        yield process
