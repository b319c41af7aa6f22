"""Paths through their lives: which there are, what is sent on them, what comes back.

Functions take the turn and change one path; they mark the turn stale where others depend on what changed.
"""

from __future__ import annotations

from tonekeeper.core import keeping
from tonekeeper.core.backoff import first_probe_delay
from tonekeeper.core.budget import Patience, confirmations
from tonekeeper.core.commands import ClosePath, OpenPath, SendOptions
from tonekeeper.core.events import (
    BindingResponseReceived,
    IcmpReceived,
    LinkChanged,
    PathOpened,
    PathRefused,
    ReplyReceived,
    SendRefused,
    StreamEnded,
    TlsSeen,
)
from tonekeeper.core.evidence import connection_verdict, icmp_verdict, refusal_verdict
from tonekeeper.core.flap import ADDRESS_CHANGE, LOSS
from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat import watch as nat_watch
from tonekeeper.core.probe import Outcome, PathProbe
from tonekeeper.core.probe_allowance import CONNECTING, OPTIONS, ProbeAllowance, allowance_for, weight_of
from tonekeeper.core.report import PathState
from tonekeeper.core.site import Path, Sbc, Target, Transport, Wan
from tonekeeper.core.situation import Situation
from tonekeeper.core.turn import Turn
from tonekeeper.core.whereabouts import Whereabouts
from tonekeeper.wire.endpoint import Endpoint

OUTAGE = 10.0
"""Seconds without any WAN after which the first probes are spread: others have come back with us."""
MOST_FORMER_ADDRESSES = 32
"""An entry of NAT outlives few leases."""

# --- timers


def serve(turn: Turn, probe: PathProbe, token: str) -> None:
    """The timer of `probe` is due."""
    if probe.reopen_at <= turn.now:
        probe.reopen_at = NEVER
        _open(turn, probe)
    elif probe.ping_at <= turn.now:
        keeping.serve(turn, probe, token)
    elif probe.answer_by <= turn.now:
        _miss(turn, probe)
    else:
        _send(turn, probe, token)


def _miss(turn: Turn, probe: PathProbe) -> None:
    before, awaited = probe.state, probe.checking or probe.rises > 0
    doubted = probe.missed(patience_for(turn.situation, probe, turn.now), turn.now)
    if probe.state is not before:
        _changed(turn, probe, before)
    if doubted or (probe.state is PathState.DOWN and before is not PathState.DOWN):
        _alarm(turn, probe)
    elif awaited:
        turn.stale = True
    if probe.wants_new_port(turn.now):
        probe.not_before = probe.next_send
        _close(turn, probe)
        _open(turn, probe)


def _send(turn: Turn, probe: PathProbe, token: str) -> None:
    situation = turn.situation
    packets, octets = OPTIONS[probe.path.transport]
    if not situation.allowance.take(octets, turn.now, packets=packets):
        probe.next_send = situation.allowance.retry_at(octets, turn.now, situation.chance, packets=packets)
        return
    interval = situation.interval_of(probe.path, turn.now)
    sent = probe.sending(token, interval, situation.chance, turn.now)
    if probe.path.transport is Transport.UDP:
        keeping.plan(turn, probe)
    if situation.wan_of(probe.path.wan).metered:
        situation.meter(probe.path.wan).count(turn.now)
    host = situation.sbc_of(probe.path.sbc).host
    agent = situation.site.probe.user_agent
    turn.commands.append(SendOptions(probe.path, host, sent.branch, token[16:24], sent.call_id, sent.cseq, agent))


def patience_for(situation: Situation, probe: PathProbe, now: float) -> Patience:
    return confirmations(
        probe.loss,
        paths=len(situation.probes),
        interval=situation.interval_of(probe.path, now),
        false_alarms_per_month=situation.site.probe.false_alarms_per_month,
    )


# --- what comes back


def reply(turn: Turn, event: ReplyReceived) -> bool:
    """Whether it was the first word on this path."""
    probe = turn.situation.probes.get(event.path)
    if probe is None:
        return False
    if event.source != event.path.address:
        probe.ignored += 1
        return False
    before, meaning, asked, rises, strain = probe.state, probe.meaning, probe.checking, probe.rises, probe.strain
    interval = turn.situation.interval_of(probe.path, turn.now)
    outcome = probe.reply(event.reply, interval, turn.situation.chance, turn.now)
    if outcome is not Outcome.PROVED:
        return False
    turn.situation.tallies_of(event.path.sbc).replied(event.reply.status)
    if probe.state is not before:
        _changed(turn, probe, before)
    if probe.is_held(turn.now):
        _hold_others(turn, probe)
    if probe.rises == 1 and not rises:
        _encourage(turn, probe)
    understood = probe.meaning is not meaning or probe.strain is not strain
    if asked or understood or turn.situation.failover.waiting:
        turn.stale = True
    return probe.replies == 1


def bound(turn: Turn, event: BindingResponseReceived) -> None:
    if keeping.answered(turn, event):
        retune(turn)


def _hold_others(turn: Turn, draining: PathProbe) -> None:
    """Retry-After speaks for the address and port (RFC 7339 5.4), over whatever WAN it is asked."""
    for probe in turn.situation.probes.values():
        if probe.path.address == draining.path.address and probe.hold_until < draining.hold_until:
            probe.hold(draining.hold_until)


def count_ignored(turn: Turn, path: Path) -> None:
    probe = turn.situation.probes.get(path)
    if probe is not None:
        probe.ignored += 1


def icmp(turn: Turn, event: IcmpReceived) -> None:
    probe = turn.situation.probes.get(event.path)
    if probe is not None and probe.spoke_stun_last:
        keeping.doubt(turn, probe)
        return
    if probe is None or not probe.sent:
        return
    verdict = icmp_verdict(event, probe.local)
    if verdict is not None:
        probe.last_reply = f"icmp {event.type}/{event.code}"
        _fall(turn, probe, verdict)


def send_refused(turn: Turn, event: SendRefused) -> None:
    probe = turn.situation.probes.get(event.path)
    verdict = refusal_verdict(event.errno)
    if probe is not None and probe.spoke_stun_last:
        keeping.doubt(turn, probe)
    elif probe is not None and verdict is not None:
        probe.last_reply = "not sent"
        _fall(turn, probe, f"cannot send: {verdict}")


def _fall(turn: Turn, probe: PathProbe, reason: str) -> None:
    before = probe.state
    probe.fall(reason, turn.now, evidence=True)
    if probe.state is not before:
        _changed(turn, probe, before)
        _alarm(turn, probe)


def _changed(turn: Turn, probe: PathProbe, before: PathState) -> None:
    turn.stale = True
    if PathState.SUSPECT in (before, probe.state) and probe.state is not PathState.DOWN:
        return  # a miss and its answer: on a lossy line that is every minute
    turn.log(f"path {probe.path}", before, probe.state, probe.reason)


def _alarm(turn: Turn, doubted: PathProbe) -> None:
    """A path is about to be called down: whoever shares its WAN or its SBC, or may take over, testifies now."""
    for probe in turn.situation.probes.values():
        if probe is not doubted and probe.state is not PathState.DOWN:
            probe.testify(turn.now)
    turn.stale = True


def _encourage(turn: Turn, rising: PathProbe) -> None:
    """A path comes back: the others that are down are asked now as well, or being asked later would be blamed."""
    for probe in turn.situation.probes.values():
        if probe is not rising and probe.state is PathState.DOWN:
            probe.testify(turn.now)
    turn.stale = True


# --- sockets


def opened(turn: Turn, event: PathOpened) -> None:
    probe = turn.situation.probes.get(event.path)
    if probe is not None:
        before = probe.reason
        probe.socket_opened(event.local.host, turn.now)
        turn.stale = turn.stale or probe.reason != before
        keeping.plan(turn, probe)


def refused(turn: Turn, event: PathRefused) -> None:
    probe = turn.situation.probes.get(event.path)
    if probe is not None:
        before = probe.state
        theirs = connection_verdict(event.errno, event.reason) if event.path.transport is not Transport.UDP else None
        probe.socket_refused(theirs or f"cannot probe: {event.reason}", turn.situation.chance, turn.now)
        if probe.state is not before:
            _changed(turn, probe, before)
            _alarm(turn, probe)


def stream_ended(turn: Turn, event: StreamEnded) -> None:
    probe = turn.situation.probes.get(event.path)
    if probe is not None and probe.open:
        before = probe.state
        probe.stream_ended(event.reason, turn.situation.chance, turn.now)
        if probe.state is not before:
            _changed(turn, probe, before)
            _alarm(turn, probe)


def tls_seen(turn: Turn, event: TlsSeen) -> None:
    probe = turn.situation.probes.get(event.path)
    if probe is not None:
        probe.tls, probe.tls_at = event.facts, turn.now
        turn.stale = True


def _open(turn: Turn, probe: PathProbe) -> None:
    wan, sbc = turn.situation.wan_of(probe.path.wan), turn.situation.sbc_of(probe.path.sbc)
    allowance = turn.situation.allowance
    packets, octets = CONNECTING.get(probe.path.transport, (0, 0))
    if packets and not allowance.take(octets, turn.now, packets=packets):
        probe.reopen_at = allowance.retry_at(octets, turn.now, turn.situation.chance, packets=packets)
        return
    probe.opening = True
    if probe.state is PathState.UNKNOWN and not probe.reopens:
        probe.since = turn.now
    turn.commands.append(OpenPath(probe.path, wan.interface, wan.source, sbc.host, sbc.tls))


def _close(turn: Turn, probe: PathProbe) -> None:
    if probe.open:
        turn.commands.append(ClosePath(probe.path))
    probe.socket_closed()


def close_connections(turn: Turn, sbc: Sbc) -> None:
    """Certificates are shown and checked otherwise from now on; `reconcile` opens them again."""
    for path, probe in turn.situation.probes.items():
        if path.sbc == sbc.name and path.transport is Transport.TLS:
            _close(turn, probe)


# --- links


def link(turn: Turn, event: LinkChanged) -> None:
    situation = turn.situation
    before = situation.links.get(event.interface)
    was_offline = situation.offline_since
    alive = [wan for wan in situation.site.wans if wan.interface == event.interface and not situation.dead(wan)]
    situation.links[event.interface] = event
    if before is not None:
        gone = [address for address in before.addresses if address not in event.addresses]
        situation.former_addresses = [*situation.former_addresses, *gone][-MOST_FORMER_ADDRESSES:]
    if before is not None and _concerns_no_path(situation, before, event):
        turn.readdressed = True
        return
    for wan in alive if before is not None else []:
        if situation.dead(wan):
            _lose(turn, wan, LOSS, "the WAN went away")
        elif before is not None and not set(before.addresses) & set(event.addresses):
            _lose(turn, wan, ADDRESS_CHANGE, "the WAN has another address")
    all_dead = all(situation.dead(wan) for wan in situation.site.wans)
    situation.offline_since = min(was_offline, turn.now) if all_dead else NEVER
    if not all_dead and turn.now - was_offline >= OUTAGE:
        for probe in situation.probes.values():
            probe.not_before = turn.now + first_probe_delay(situation.chance)
    reconcile(turn)


def _concerns_no_path(situation: Situation, before: LinkChanged, after: LinkChanged) -> bool:
    """Addresses came or went that no socket uses; in a storm of them that is all that happens."""
    if (before.present, before.carrier) != (after.present, after.carrier):
        return False
    wans = {wan.name: wan for wan in situation.site.wans if wan.interface == after.interface}
    used = {probe.local for path, probe in situation.probes.items() if path.wan in wans and probe.open}
    used |= {wan.source for wan in wans.values() if wan.source}
    return bool(used) and used <= set(after.addresses) and _families(before) == _families(after)


def _families(link: LinkChanged) -> set[bool]:
    return {":" in address for address in link.addresses}


def _lose(turn: Turn, wan: Wan, weight: float, reason: str) -> None:
    turn.situation.wan_damper(wan.name).lost(weight, turn.situation.site.damping, turn.now)
    nat_watch.forget(turn, wan, reason)


def reconcile(turn: Turn) -> None:
    """Paths as configuration, look-ups and links want them: missing ones opened, others closed."""
    situation = turn.situation
    wanted = _wanted(situation)
    for path in [path for path in situation.probes if path not in wanted]:
        _close(turn, situation.probes.pop(path))
    situation.probes = {path: situation.probes.get(path) or PathProbe(path, since=turn.now) for path in wanted}
    retune(turn)
    for path, wan in wanted.items():
        probe = situation.probes[path]
        lookup = situation.lookups[path.sbc]
        probe.candidate = path.address not in lookup.addresses
        dead = situation.dead(wan)
        if dead:
            _close(turn, probe)
            if probe.state is not PathState.UNKNOWN:
                _fall(turn, probe, dead)
        elif not probe.opening and not _fits(situation, probe, wan):
            _close(turn, probe)
            _open(turn, probe)
    turn.stale = True


def retune(turn: Turn) -> None:
    """The storm guard follows how many paths there are, and how often each speaks."""
    turn.situation.allowance.retune(_allowance(turn.situation, turn.now), turn.now)


def _allowance(situation: Situation, now: float) -> ProbeAllowance:
    """What all this may cost: as configured, else several times what it needs."""
    policy = situation.site.probe
    interval = min((situation.spacing_of(path, now) for path in situation.probes), default=policy.interval)
    deep = [depth for sbc in situation.site.sbcs for depth in sbc.depths for _ in situation.site.wans]
    allowance = allowance_for(weight_of(situation.probes), interval, deep)
    if policy.packets_per_second is not None:
        allowance.rate = float(policy.packets_per_second)
    if policy.bytes_per_day is not None:
        allowance.bytes_per_day = policy.bytes_per_day
    return allowance


def _wanted(situation: Situation) -> dict[Path, Wan]:
    return {
        Path(wan.name, sbc.name, target.transport, target.address): wan
        for sbc in situation.site.sbcs
        for wan in situation.site.wans
        for target in _places(situation.lookups.get(sbc.name))
        if wan.interface in situation.links and _speaks(situation, wan, target.address)
    }


def _places(lookup: Whereabouts | None) -> tuple[Target, ...]:
    return (*lookup.targets, *lookup.candidates) if lookup is not None else ()


def _speaks(situation: Situation, wan: Wan, address: Endpoint) -> bool:
    """Whether the WAN has an address of this family; while it has none at all, as far as is known, it might."""
    own = [wan.source] if wan.source else situation.links[wan.interface].addresses
    return not own or any((":" in host) == address.is_ipv6 for host in own)


def _fits(situation: Situation, probe: PathProbe, wan: Wan) -> bool:
    """Whether the open socket still has an address that is ours."""
    return probe.open and probe.local in situation.links[wan.interface].addresses
