"""Which addresses, ports and protocols must stay open, for somebody who runs the firewall himself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tonekeeper.core.firewall.flows import DNS_PORT, Places, Traffic, rtp_of
from tonekeeper.core.site import Site


@dataclass(frozen=True, slots=True)
class AllowedFlow:
    """Outbound, and the answers to it."""

    purpose: str
    """ "SIP of primary", "RTP of primary", "DNS of fibre", "NAT measurement"."""
    protocol: str
    """udp or tcp"""
    destination: str
    """An address or a network."""
    ports: str
    """One, or a range "10000-20000"."""

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.destination


def allow_list(site: Site, places: Places) -> tuple[AllowedFlow, ...]:
    return tuple(dict.fromkeys(_flows(site, places)))


def _flows(site: Site, places: Places) -> Iterator[AllowedFlow]:
    rtp = rtp_of(site)
    for sbc in site.sbcs:
        targets = places.targets.get(sbc.name, ())
        for target in targets:
            traffic = Traffic(target.transport.value)
            yield AllowedFlow(f"SIP of {sbc.name}", traffic.protocol, target.address.host, str(target.address.port))
        for where in (*(target.address.host for target in targets), *sbc.media):
            yield AllowedFlow(f"RTP of {sbc.name}", "udp", where, str(rtp[sbc.name]))
    for wan, resolvers in places.resolvers.items():
        for resolver in resolvers:
            for protocol in ("udp", "tcp"):
                yield AllowedFlow(f"DNS of {wan}", protocol, resolver, str(DNS_PORT))
