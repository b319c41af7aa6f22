"""Real packets from the CPE to the SBCs of the lab, and what can be done to them on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.namespace import Namespace
from tests.lab.topology import Lab
from tonekeeper.app.egress import EgressResult, examine_egress
from tonekeeper.core.egress.judgement import Judged
from tonekeeper.core.firewall.flows import Places
from tonekeeper.core.site import Sbc, Site, Target, TlsPolicy, Transport, Wan
from tonekeeper.wire.endpoint import Endpoint

FIBRE_ROUTER, CORE_ROUTER = "198.51.100.1", "198.51.100.65"
"""First and second router on the way over fibre."""
UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
PORTS = {UDP: 5060, TCP: 5060, TLS: 5061}
HUSH = "icmp type destination-unreachable icmp code frag-needed drop"
"""Who drops this in his output says nothing about packets that are too long."""


def examine(lab: Lab, *transports: Transport, sbcs: tuple[str, ...] = ("primary", "alternate")) -> EgressResult:
    """Over both WANs; UDP alone where nothing is named."""
    known = [lab.sbc(name) for name in sbcs]
    policy = TlsPolicy(ca_file=str(lab.authority.root))
    wans = tuple(Wan(provider.name, provider.wan_interface) for provider in lab.providers)
    site = Site("lab", wans, tuple(Sbc(sbc.name, sbc.uri, sbc.address, tls=policy) for sbc in known))
    targets = {
        sbc.name: [Target(kind, Endpoint(sbc.address, PORTS[kind])) for kind in transports or (UDP,)] for sbc in known
    }
    return examine_inside(lab.cpe.namespace, site, Places(targets, {}))


def examine_inside(namespace: Namespace, site: Site, places: Places) -> EgressResult:
    result = namespace.inside(lambda: asyncio.run(examine_egress(site, places)))
    for row in result.rows:
        print(row)
    print(f"{result.elapsed_s:.1f} s", *result.observations, sep="\n")
    return result


def seen(result: EgressResult, wan: str, sbc: str, transport: Transport = UDP) -> Judged:
    (one,) = [one for one in result.judged if one.trial.path[:3] == (wan, sbc, transport)]
    return one


@contextmanager
def rules(namespace: Namespace, hook: str, *lines: str, priority: int = -450) -> Iterator[None]:
    """In a chain of their own, as long as it lasts. -450 is before fragments are put together."""
    body = "\n".join(lines)
    chain = f"type filter hook {hook} priority {priority}\n{body}"
    namespace.nft(f"table inet meddling {{\nchain it {{\n{chain}\n}}\n}}\n")
    try:
        yield
    finally:
        namespace.run("nft", "delete", "table", "inet", "meddling")


@contextmanager
def talkative_routers(lab: Lab) -> Iterator[None]:
    """They send an ICMP error for every packet, so that no test has to live with what another one used up."""
    routers = (lab.core, *(provider.namespace for provider in lab.providers))
    try:
        for router in routers:
            router.set_sysctls({"net.ipv4.icmp_ratelimit": "0"})
        yield
    finally:
        for router in routers:
            router.set_sysctls({"net.ipv4.icmp_ratelimit": "1000"})


@contextmanager
def narrow(lab: Lab, mtu: int, *, tells: bool) -> Iterator[None]:
    """The link behind the fibre's first router takes no more than `mtu`."""
    fibre, core = lab.provider("fibre").namespace, lab.core
    ends = ((fibre, "uplink"), (core, "fibre"))
    try:
        for namespace, device in ends:
            namespace.run("ip", "link", "set", device, "mtu", str(mtu))
        if tells:
            yield
        else:
            with rules(fibre, "output", HUSH, priority=0):
                yield
    finally:
        for namespace, device in ends:
            namespace.run("ip", "link", "set", device, "mtu", "1500")
        lab.cpe.namespace.run("ip", "route", "flush", "cache")
