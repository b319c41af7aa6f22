"""All that the agent knows, as one tree of plain data: what `agent.py` changes, what the report is read from, and what
a checkpoint carries, so that a bounded journal can be replayed from the middle."""

from __future__ import annotations

from dataclasses import dataclass, field

from tonekeeper.core.attribution import Attribution, Blame, Cell, Culprit
from tonekeeper.core.chance import Chance
from tonekeeper.core.checks import Check, Known
from tonekeeper.core.depth.knowledge import DeepProbe
from tonekeeper.core.drift import ServerTraits
from tonekeeper.core.egress.knowledge import EgressKnowledge
from tonekeeper.core.events import Facility, FacilityFailed, FirewallExamined, GatewayChanged, LinkChanged
from tonekeeper.core.failover import Failover, Place, Standing
from tonekeeper.core.findings import ActiveFinding
from tonekeeper.core.flap import Damper
from tonekeeper.core.functions import ESSENTIAL, SbcFunctions
from tonekeeper.core.health import Health, dead_wan
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.keepalive import keepalive_policy
from tonekeeper.core.meaning import Meaning
from tonekeeper.core.metering import Meter
from tonekeeper.core.nat.knowledge import NatKnowledge
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.probe_allowance import ProbeAllowance, allowance_for
from tonekeeper.core.report import PathState, SbcState, WanState
from tonekeeper.core.site import Path, ProbePolicy, Sbc, Site, Transport, Wan
from tonekeeper.core.site_phones import SitePhones
from tonekeeper.core.steering import Steering
from tonekeeper.core.stun_keepalive import PeerStun
from tonekeeper.core.tallies import SbcTallies
from tonekeeper.core.whereabouts import Whereabouts
from tonekeeper.wire.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Change:
    at: float
    subject: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Walk:
    """A TTL walk: asked for, or answered, at `at`."""

    path: Path
    at: float
    hops: tuple[str, ...] = ()


@dataclass(slots=True)
class Situation:
    site: Site
    version: str
    started: float
    chance: Chance
    failover: Failover
    probes: dict[Path, PathProbe] = field(default_factory=dict)
    links: dict[str, LinkChanged] = field(default_factory=dict)
    lookups: dict[str, Whereabouts] = field(default_factory=dict)
    wans: dict[str, Health] = field(default_factory=dict)
    sbcs: dict[str, Health] = field(default_factory=dict)
    attribution: Attribution = field(default_factory=lambda: Attribution((), decided=True))
    strain: Attribution = field(default_factory=lambda: Attribution((), decided=True))
    """Whose fault it is that answers are lost or late."""
    findings: dict[str, ActiveFinding] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    facilities: dict[Facility, FacilityFailed] = field(default_factory=dict)
    former_addresses: list[str] = field(default_factory=list)
    """That WANs had and have no more, latest last."""
    gateways: dict[str, GatewayChanged] = field(default_factory=dict)
    """By interface."""
    path_filters: dict[str, int] = field(default_factory=dict)
    """rp_filter by interface."""
    strict_since: dict[str, float] = field(default_factory=dict)
    """By interface: since when its rp_filter is strict, as far as it was seen."""
    wan_dampers: dict[str, Damper] = field(default_factory=dict)
    sbc_dampers: dict[str, Damper] = field(default_factory=dict)
    meters: dict[str, Meter] = field(default_factory=dict)
    """By WAN, of the metered ones."""
    walks: list[Walk] = field(default_factory=list)
    """The latest of each path."""
    walk_at: float = NEVER
    """When the next walk is due."""
    steering: Steering = field(default_factory=Steering)
    nats: dict[str, NatKnowledge] = field(default_factory=dict)
    """By WAN."""
    nat_look_at: float = NEVER
    """When to look for a WAN whose NAT is to be measured."""
    functions: dict[str, SbcFunctions] = field(default_factory=dict)
    """By SBC."""
    traits: dict[str, ServerTraits] = field(default_factory=dict)
    """By SBC."""
    tallies: dict[str, SbcTallies] = field(default_factory=dict)
    """By SBC."""
    firewall: FirewallExamined | None = None
    """None where nobody has looked."""
    egress: EgressKnowledge = field(default_factory=EgressKnowledge)
    checks: dict[Check, Known] = field(default_factory=dict)
    """What was looked at beside the paths."""
    phones: SitePhones = field(default_factory=SitePhones)
    voicemail_at: Place | None = None
    """Where voicemail works, when that is not where the site is."""
    deep_probes: list[DeepProbe] = field(default_factory=list)
    allowance: ProbeAllowance = field(default_factory=lambda: allowance_for(1, ProbePolicy().interval))
    offline_since: float = NEVER
    """Since when no WAN carries packets; NEVER while one does."""
    look_at: float = NEVER
    """When findings may change although nothing happens."""
    clock_jump: float = 0.0

    def wan_of(self, name: str) -> Wan:
        for wan in self.site.wans:  # several times for each probe; a generator takes twice as long
            if wan.name == name:
                return wan
        raise LookupError(name)

    def sbc_of(self, name: str) -> Sbc:
        return next(sbc for sbc in self.site.sbcs if sbc.name == name)

    def dead(self, wan: Wan) -> str:
        return dead_wan(wan, self.links.get(wan.interface))

    def probes_of(self, *, wan: str = "", sbc: str = "") -> list[PathProbe]:
        """Probes of a WAN, of an SBC, or of one cell, in the order of the configuration; candidates say nothing."""
        return [
            probe
            for path, probe in self.probes.items()
            if (not wan or path.wan == wan) and (not sbc or path.sbc == sbc) and not probe.candidate
        ]

    def spoken(self, sbc: str) -> set[Endpoint]:
        """Addresses of an SBC that have answered in SIP, over whatever WAN."""
        return {path.address for path, probe in self.probes.items() if path.sbc == sbc and probe.replies}

    def wan_health(self, name: str) -> Health:
        return self.wans.setdefault(name, Health(WanState.UNKNOWN, "not probed yet", self.started))

    def sbc_health(self, name: str) -> Health:
        return self.sbcs.setdefault(name, Health(SbcState.UNKNOWN, "not probed yet", self.started))

    def foreign_addresses(self, active: Wan) -> tuple[str, ...]:
        """What belongs, or belonged, to a WAN and is not the active one's now."""
        known = [*self.former_addresses, *(a for link in self.links.values() for a in link.addresses)]
        link = self.links.get(active.interface)
        own = link.addresses if link is not None else ()
        return tuple(dict.fromkeys(address for address in known if address not in own))

    def wan_damper(self, name: str) -> Damper:
        return self.wan_dampers.setdefault(name, Damper())

    def sbc_damper(self, name: str) -> Damper:
        return self.sbc_dampers.setdefault(name, Damper())

    def nat_of(self, wan: str) -> NatKnowledge:
        return self.nats.setdefault(wan, NatKnowledge())

    def functions_of(self, sbc: str) -> SbcFunctions:
        if sbc not in self.functions:
            self.functions[sbc] = SbcFunctions()
        return self.functions[sbc]

    def traits_of(self, sbc: str) -> ServerTraits:
        """With what is proven of it now."""
        return self.traits.get(sbc, ServerTraits()).works(self.functions_of(sbc))

    def tallies_of(self, sbc: str) -> SbcTallies:
        if sbc not in self.tallies:
            self.tallies[sbc] = SbcTallies()
        return self.tallies[sbc]

    def interval_of(self, path: Path, now: float) -> float:
        """The steady cadence of a path: the operator's, or slower on an idle metered WAN.

        Each probe is also the keepalive that holds the path's own binding, so where the NAT was measured it comes as
        often as that needs, unless STUN does that.
        """
        steady = self.site.probe.interval
        if path.transport is Transport.UDP:
            known = self.nats.get(path.wan)
            if known is not None and known.result is not None and not self._is_kept_by_stun(path):
                steady = min(steady, self.keepalive_of(path))
        wan = self.wan_of(path.wan)
        if not self.is_spared(wan):
            return steady
        return self.meter(wan.name).interval(wan.budget, len(self.probes_of(wan=wan.name)), steady, now)

    def spacing_of(self, path: Path, now: float) -> float:
        """The longest time between two packets of ours on a path, probes or keepalives."""
        interval = self.interval_of(path, now)
        return min(interval, self.keepalive_of(path)) if self._is_kept_by_stun(path) else interval

    def _is_kept_by_stun(self, path: Path) -> bool:
        probe = self.probes.get(path)
        return probe is not None and probe.stun.peer is PeerStun.ANSWERS

    def is_spared(self, wan: Wan) -> bool:
        """A metered WAN that the site is not on."""
        active = self.failover.active
        return wan.metered and (active is None or active.wan != wan.name)

    def keepalive_of(self, path: Path) -> float:
        """The longest interval that holds the binding of a path."""
        known = self.nats.get(path.wan)
        lifetimes = known.result.lifetime_s if known is not None and known.result is not None else None
        return keepalive_policy(path.transport, lifetimes).first_s

    def meter(self, wan: str) -> Meter:
        return self.meters.setdefault(wan, Meter(self.started))

    # --- the matrix

    def matrix(self, now: float) -> dict[tuple[str, str], Cell]:
        return {
            (wan.name, sbc.name): cell_of(self.probes_of(wan=wan.name, sbc=sbc.name), now)
            for wan in self.site.wans
            for sbc in self.site.sbcs
        }

    def standings(self) -> tuple[Standing, ...]:
        draining = {
            path.address
            for path, probe in self.probes.items()
            if probe.meaning is Meaning.DRAINING and probe.state is not PathState.DOWN
        }
        return tuple(
            _standing(
                Place(wan.name, sbc.name),
                (int(wan.metered), at_sbc, at_wan),
                self.probes_of(wan=wan.name, sbc=sbc.name),
                draining,
                closed=bool(self.dead(wan)),
                suppressed=self.wan_damper(wan.name).is_suppressed or self.sbc_damper(sbc.name).is_suppressed,
                broken=bool(self.functions_of(sbc.name).degraded_over(wan.name, ESSENTIAL)),
            )
            for at_sbc, sbc in enumerate(self.site.sbcs)
            for at_wan, wan in enumerate(self.site.wans)
        )

    def path_blamed(self, wan: str, sbc: str) -> Blame | None:
        """Why the way between the two is closed while both work otherwise; None if it isn't so."""
        for blame in self.attribution.blames:
            if blame.culprit is Culprit.PATH and (blame.wan, blame.sbc) == (wan, sbc):
                return blame
        return None


def cell_of(probes: list[PathProbe], now: float) -> Cell:
    """What one WAN knows of one SBC, over all its addresses."""
    heard = [probe for probe in probes if probe.is_heard(now)]
    if any(probe.state is PathState.UP and not probe.checking for probe in heard):
        return Cell.UP
    if any(probe.state is not PathState.DOWN or probe.rises or probe.checking for probe in heard):
        return Cell.DOUBT
    if any(probe.is_awaited(now) for probe in probes):
        return Cell.DOUBT
    return Cell.DOWN if heard else Cell.UNKNOWN


def _standing(
    place: Place,
    order: tuple[int, ...],
    probes: list[PathProbe],
    draining: set[Endpoint],
    *,
    closed: bool,
    suppressed: bool,
    broken: bool,
) -> Standing:
    up = [probe for probe in probes if probe.state is PathState.UP]
    free = [probe for probe in up if probe.path.address not in draining]
    judged = [probe for probe in probes if probe.state is not PathState.UNKNOWN]
    down = bool(judged) and all(probe.state is PathState.DOWN for probe in judged)
    return Standing(
        place=place,
        order=order,
        down=down,
        usable=bool(free),
        degraded=bool(free) and (broken or all(probe.meaning is Meaning.DEGRADED or probe.strain for probe in free)),
        draining=bool(up) and not free,
        suppressed=suppressed,
        closed=closed,
        rising=down and any(probe.rises for probe in judged),
        checking=any(probe.checking for probe in free),
        judged=bool(judged),
        proven_at=max((probe.proven_at for probe in free), default=LONG_AGO),
        up_since=min((max(probe.up_since, probe.fit_since) for probe in free), default=NEVER),
        alarmed_at=max((probe.alarmed_at for probe in judged), default=NEVER),
    )
