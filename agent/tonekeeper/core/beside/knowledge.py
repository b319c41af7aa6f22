"""What the agent knows already that helps to look beside the paths: nothing is asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tonekeeper.core.beside.clock import CertificateDates
from tonekeeper.core.report import PathState
from tonekeeper.core.site import Wan
from tonekeeper.core.situation import Situation
from tonekeeper.wire.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Knowledge:
    """By WAN, but for the first; what is not there is not known."""

    certificates: tuple[CertificateDates, ...] = ()
    broken: tuple[str, ...] = ()
    """WANs whose line is there, and over which every path is down."""
    mapped: dict[str, str] = field(default_factory=dict)
    """The address that a STUN server saw, without its port."""
    hops: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Routers on the way to an SBC."""
    destinations: dict[str, Endpoint] = field(default_factory=dict)
    """An SBC by IPv4, one that answers if any does."""


NOTHING_KNOWN = Knowledge()


def knowledge_of(situation: Situation, now: float) -> Knowledge:
    return Knowledge(
        certificates=tuple(dict.fromkeys(_certificates(situation, now))),
        broken=tuple(wan.name for wan in situation.site.wans if _is_broken(situation, wan)),
        mapped={
            wan: known.result.mapped_address.rpartition(":")[0].strip("[]")
            for wan, known in situation.nats.items()
            if known.result is not None and known.result.mapped_address
        },
        hops={walk.path.wan: walk.hops for walk in situation.walks if walk.hops and not walk.path.address.is_ipv6},
        destinations=dict(_destinations(situation)),
    )


def _is_broken(situation: Situation, wan: Wan) -> bool:
    states = [probe.state for probe in situation.probes_of(wan=wan.name) if probe.state is not PathState.UNKNOWN]
    return bool(states) and all(state is PathState.DOWN for state in states) and not situation.dead(wan)


def _certificates(situation: Situation, now: float) -> Iterator[CertificateDates]:
    for path, probe in situation.probes.items():
        facts, ago = probe.tls, now - probe.tls_at
        if facts is not None and facts.begins_in_s is not None and facts.expires_in_s is not None:
            yield CertificateDates(path.sbc, facts.begins_in_s - ago, facts.expires_in_s - ago)


def _destinations(situation: Situation) -> Iterator[tuple[str, Endpoint]]:
    """For each WAN, the last one stands."""
    ways = [(path, probe.state) for path, probe in situation.probes.items() if not path.address.is_ipv6]
    for path, _ in sorted(ways, key=lambda way: way[1] is PathState.UP):
        yield path.wan, path.address
