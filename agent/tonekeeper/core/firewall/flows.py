"""Which packets to ask the firewall about, and what an answer is.

A flow is what a phone on the LAN, or this host itself, sends to one address of an SBC over one WAN: SIP over each
transport, RTP, and DNS. It is asked about in both directions: the answer to a packet that was let out must be let in.
Of a range of RTP ports first, middle and last are asked, and those beside every port that a rule names: between two
ports that no rule tells apart there is no difference.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tonekeeper.core.site import RtpRange, Site, Target
from tonekeeper.wire.endpoint import Endpoint

MOST_RTP_PORTS = 12
"""Asked for one address, of all that rules name."""
DNS_PORT = 53
ASSUMED_RTP = RtpRange(10000, 20000)
"""Where nothing is configured: the phones do not say before a call which port it will be."""

_PORTS = re.compile(r"\b(\d{4,5})(?:[-:](\d{4,5}))?\b")


class Origin(StrEnum):
    LAN = "lan"
    SELF = "self"


class Direction(StrEnum):
    OUT = "out"
    RETURN = "return"


class Verdict(StrEnum):
    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    NOT_CHECKED = "not checked"

    @property
    def is_blocked(self) -> bool:
        return self in (Verdict.DROP, Verdict.REJECT)


class Traffic(StrEnum):
    """What the packets carry; SIP by its transport."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    RTP = "rtp"
    DNS = "dns"

    @property
    def is_sip(self) -> bool:
        return self in (Traffic.UDP, Traffic.TCP, Traffic.TLS)

    @property
    def protocol(self) -> str:
        """As rules name it."""
        return "tcp" if self in (Traffic.TCP, Traffic.TLS) else "udp"


@dataclass(frozen=True, slots=True)
class FlowQuestion:
    origin: Origin
    sbc: str
    """Empty for DNS."""
    wan: str
    traffic: Traffic
    address: Endpoint
    direction: Direction = Direction.OUT
    lan: str = ""
    """The interface that the packet of a phone arrives at; empty for this host."""

    @property
    def sender(self) -> tuple[Origin, str]:
        return (self.origin, self.lan)

    @property
    def place(self) -> tuple[Origin, str, str, Traffic, Endpoint, Direction]:
        """The same over any WAN."""
        return (*self.sender, self.sbc, self.traffic, self.address, self.direction)

    def turned(self, direction: Direction) -> FlowQuestion:
        return replace(self, direction=direction)


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """The rule that decided; of a policy, the chain whose policy it is (handle 0)."""

    family: str
    table: str
    chain: str
    """Where the rule stands; `hook_chain` is where that one was jumped to from."""
    handle: int
    text: str
    comment: str = ""
    hook_chain: str = ""
    hook: str = ""

    def __str__(self) -> str:
        handle = f" handle {self.handle}" if self.handle else ""
        return f"{self.family} {self.table} {self.chain}{handle}: {self.text}"


@dataclass(frozen=True, slots=True)
class FlowVerdict:
    question: FlowQuestion
    verdict: Verdict
    rule: RuleSeen | None = None
    reason: str = ""
    """Why it is not checked, or what else than `rule` stops it, or may stop it."""
    limited_by: RuleSeen | None = None
    """A rule with a rate limit that the packet meets."""
    arrives_at: str = ""
    """Where it left to, if that is not the address asked about: a rule redirects it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where to send: the addresses of the SBCs and resolvers, as they are now."""

    targets: Mapping[str, Sequence[Target]]
    """By SBC."""
    resolvers: Mapping[str, Sequence[str]]
    """By WAN."""


def rtp_of(site: Site) -> dict[str, RtpRange]:
    """By SBC."""
    return {sbc.name: sbc.rtp or site.rtp or ASSUMED_RTP for sbc in site.sbcs}


def with_assumed_rtp(site: Site) -> tuple[str, ...]:
    """The SBCs whose ports for media nobody has told."""
    return tuple(sbc.name for sbc in site.sbcs if sbc.rtp is None and site.rtp is None)


def questions_of(site: Site, places: Places, lans: Sequence[str], *, ruleset: str = "") -> tuple[FlowQuestion, ...]:
    """Everything worth asking, WAN by WAN: of phones on each of `lans`, and of this host.

    `ruleset`: its text, for the ports it names.
    """
    ranges = rtp_of(site)
    samples = {rtp: rtp_samples(rtp, ruleset) for rtp in dict.fromkeys(ranges.values())}
    ports = {sbc: samples[rtp] for sbc, rtp in ranges.items()}
    return tuple(
        FlowQuestion(Origin.LAN if lan else Origin.SELF, sbc, wan.name, traffic, address, lan=lan)
        for wan in site.wans
        for lan in (*lans, "")
        for sbc, traffic, address in _destinations(site, places, "" if lan else wan.name, ports)
    )


def _destinations(
    site: Site, places: Places, wan: str, ports: Mapping[str, Sequence[int]]
) -> Iterator[tuple[str, Traffic, Endpoint]]:
    """`wan`: whose resolvers are asked about; empty for phones, which ask the router."""
    for sbc in site.sbcs:
        targets = places.targets.get(sbc.name, ())
        for target in dict.fromkeys((target.transport, target.address) for target in targets):
            yield sbc.name, Traffic(target[0].value), target[1]
        for host in dict.fromkeys((*(target.address.host for target in targets), *map(first_host, sbc.media))):
            for port in ports[sbc.name]:
                yield sbc.name, Traffic.RTP, Endpoint(host, port)
    for resolver in places.resolvers.get(wan, ()):
        yield "", Traffic.DNS, Endpoint(resolver, DNS_PORT)


def first_host(network: str) -> str:
    """Stands for all of a media network."""
    parsed = ipaddress.ip_network(network, strict=False)
    return str(next(iter(parsed.hosts()), parsed.network_address))


def rtp_samples(rtp: RtpRange, ruleset: str) -> tuple[int, ...]:
    """First, middle, last (even, as RTP has it) and the ends of what rules name, the neighbours on both sides."""
    middle = max(rtp.first, (rtp.first + rtp.last) // 2 & ~1)
    wanted = (rtp.first, middle, rtp.last, *_thinned(ports_named(rtp, ruleset), MOST_RTP_PORTS))
    return tuple(sorted(dict.fromkeys(wanted)))


def ports_named(rtp: RtpRange, ruleset: str) -> list[int]:
    """At which rules may begin or end to treat media in another way, within the range."""
    named: set[int] = set()
    for low, high in _PORTS.findall(ruleset):
        first, last = int(low), int(high or low)
        named |= {first - 1, first, last, last + 1}
    return sorted(port for port in named if rtp.first < port < rtp.last)


def _thinned(ports: Sequence[int], most: int) -> Iterable[int]:
    if len(ports) <= most:
        return ports
    return (ports[position * len(ports) // most] for position in range(most))
