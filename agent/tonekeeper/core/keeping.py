"""What is said on a flow between its probes, so that the NAT keeps it; how often, keepalive.py says.

On a connection: CRLF pings (RFC 5626 section 4.4.1). On UDP: STUN binding requests (section 4.4.2), where the peer says
that it answers them and the operator's cadence alone is too slow to hold the binding. Everywhere else the probes
themselves come often enough (`Situation.interval_of`).

A keepalive that stays unanswered makes the path testify, and that is all: only a probe makes a path up or down.
"""

from __future__ import annotations

from tonekeeper.core.commands import SendBindingRequest, SendCrlf
from tonekeeper.core.events import BindingResponseReceived
from tonekeeper.core.instants import NEVER
from tonekeeper.core.keepalive import KeepaliveMethod, keepalive_method
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.probe_allowance import BINDING
from tonekeeper.core.report import PathState
from tonekeeper.core.site import Path, Transport
from tonekeeper.core.situation import Situation
from tonekeeper.core.stun_keepalive import PeerStun, StunKeepalive
from tonekeeper.core.turn import Turn

OUTBOUND = "outbound"
"""In Supported: the server claims RFC 5626, and with it STUN on its SIP port (section 8)."""
TRANSACTION_ID = 24
"""Hex digits of a token that make one: 96 bits."""


def plan(turn: Turn, probe: PathProbe) -> None:
    """The flow has just opened, or spoken: when to speak again unless a probe does so before."""
    situation = turn.situation
    if probe.path.transport is Transport.UDP:
        _plan_binding_request(turn, probe, turn.now)
        return
    interval = situation.keepalive_of(probe.path)
    if interval < situation.interval_of(probe.path, turn.now):
        probe.plan_ping(interval, situation.chance, turn.now)


def serve(turn: Turn, probe: PathProbe, token: str) -> None:
    """The timer of the keepalive is due."""
    if probe.path.transport is Transport.UDP:
        _serve_binding(turn, probe, token)
    elif probe.ping_is_due(turn.now):
        turn.commands.append(SendCrlf(probe.path))


def pong(turn: Turn, path: Path) -> None:
    probe = turn.situation.probes.get(path)
    if probe is not None and probe.open and path.transport is not Transport.UDP:
        plan(turn, probe)


def method_of(probe: PathProbe) -> KeepaliveMethod:
    """By what the flow is kept now."""
    if probe.path.transport is not Transport.UDP and probe.ping_at == NEVER:
        return KeepaliveMethod.OPTIONS
    return keepalive_method(probe.path.transport, peer_does_stun=probe.stun.peer is PeerStun.ANSWERS)


# --- STUN


def _is_wanted(situation: Situation, probe: PathProbe) -> bool:
    """Whether STUN may be sent to this peer, and would be of use. An idle metered WAN is spared: its budget decides."""
    path = probe.path
    claimed = situation.sbc_of(path.sbc).stun
    if claimed is None:
        traits = situation.traits.get(path.sbc)
        claimed = traits is not None and OUTBOUND in (traits.extensions or ())
    if not claimed or probe.candidate or situation.is_spared(situation.wan_of(path.wan)):
        return False
    return situation.keepalive_of(path) < situation.site.probe.interval


def _plan_binding_request(turn: Turn, probe: PathProbe, spoke_at: float) -> None:
    """The first one goes out halfway between two probes, which keep the flow until it is answered."""
    situation, stun = turn.situation, probe.stun
    if stun.waiting:
        return
    probe.ping_at = NEVER
    if not _is_wanted(situation, probe):
        if stun.peer is PeerStun.ANSWERS:
            probe.stun = StunKeepalive()
    elif stun.asked:
        probe.ping_at = turn.now + 2 * probe.timeout.value  # by then the probe has been answered, or missed
    elif stun.may_be_asked(turn.now):
        share = 1.0 if stun.peer is PeerStun.ANSWERS else 0.5
        probe.plan_ping(share * situation.keepalive_of(probe.path), situation.chance, spoke_at)


def _serve_binding(turn: Turn, probe: PathProbe, token: str) -> None:
    situation, stun = turn.situation, probe.stun
    probe.ping_at = NEVER
    if stun.waiting:
        doubt(turn, probe)
    elif probe.state is not PathState.UP or probe.is_held(turn.now) or not _is_wanted(situation, probe):
        stun.rest()
    elif stun.in_vain(probe.proven_at):
        stun.fall_silent(turn.now)
        probe.next_send = min(probe.next_send, probe.spoke_at + situation.interval_of(probe.path, turn.now))
    else:
        _ask(turn, probe, token[:TRANSACTION_ID])


def _ask(turn: Turn, probe: PathProbe, transaction_id: str) -> None:
    situation = turn.situation
    packets, octets = BINDING
    if not situation.allowance.take(octets, turn.now, packets=packets):
        probe.ping_at = situation.allowance.retry_at(octets, turn.now, situation.chance, packets=packets)
        return
    if situation.wan_of(probe.path.wan).metered:
        situation.meter(probe.path.wan).count(turn.now, octets)
    probe.stun.ask(transaction_id, turn.now)
    probe.ping_at = turn.now + probe.timeout.value
    turn.commands.append(SendBindingRequest(probe.path, transaction_id))


def doubt(turn: Turn, probe: PathProbe) -> None:
    """A request met with silence or worse: only a probe can tell whether that is about STUN alone."""
    probe.stun.overdue()
    probe.ping_at = NEVER
    probe.testify(turn.now)


def answered(turn: Turn, event: BindingResponseReceived) -> bool:
    """Whether it is news that the peer does STUN."""
    probe = turn.situation.probes.get(event.path)
    if probe is None:
        return False
    stun = probe.stun
    if event.source != event.path.address or event.transaction_id not in stun.asked:
        probe.ignored += 1
        return False
    before, is_news = stun.mapped, stun.peer is not PeerStun.ANSWERS
    has_changed = stun.answer(event.mapped)
    _plan_binding_request(turn, probe, probe.spoke_at)
    if has_changed:
        if stun.tells(turn.now):
            turn.log(f"flow {probe.path}", str(before), str(event.mapped), "the NAT has given it another binding")
        probe.testify(turn.now)
    return is_news
