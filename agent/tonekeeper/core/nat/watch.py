"""When the agent measures the NAT behind each WAN, and what it then says about it.

A WAN is measured once it has been up for a while, one WAN at a time, and again after a day. A changed address or a lost
carrier throws away what was known and what is being measured: it was another NAT. Who makes a
diagnosis need not wait for either. A metered WAN is never measured here; `tonekeeper nat` does it for whoever asks.
"""

from __future__ import annotations

from tonekeeper.core.commands import AbandonNat, MeasureNat
from tonekeeper.core.events import NatMeasured
from tonekeeper.core.report import WanState
from tonekeeper.core.site import Wan
from tonekeeper.core.turn import Turn

QUIET = 60.0
"""Seconds that a WAN must have been up: an incident is no time for experiments."""
MOST_SBCS = 2
"""Asked about rewritten SIP."""
AGAIN = 86400.0
"""Seconds until a NAT is measured again."""
RECENT = 3600.0
"""Seconds for which nobody who waits for it has it repeated."""
LOOK = 15.0
"""Seconds between two looks for a WAN whose turn it is."""
PATIENCE = 1800.0
"""Seconds after which a measurement that does not answer is taken for lost."""


def begin(turn: Turn) -> None:
    if turn.situation.site.nat is not None:
        turn.situation.nat_look_at = turn.now + LOOK


def ask(turn: Turn) -> None:
    """Somebody waits: what was not measured within the last hour is measured as soon as its WAN is up."""
    situation = turn.situation
    if situation.site.nat is None:
        return
    for wan in situation.site.wans:
        known = situation.nat_of(wan.name)
        known.wanted = known.wanted or turn.now >= known.measured_at + RECENT
    situation.nat_look_at = turn.now


def look(turn: Turn) -> None:
    """Measure the WAN whose turn it is, if there is one."""
    situation = turn.situation
    policy = situation.site.nat
    situation.nat_look_at = turn.now + LOOK
    known = {wan.name: situation.nat_of(wan.name) for wan in situation.site.wans}
    if policy is None or any(one.measuring and turn.now < one.tried_at + PATIENCE for one in known.values()):
        return
    due = next((wan for wan in situation.site.wans if _is_due(turn, wan)), None)
    if due is not None:
        known[due.name].measuring, known[due.name].tried_at, known[due.name].wanted = True, turn.now, False
        sip = tuple(path.address for path in situation.probes if path.wan == due.name)[:MOST_SBCS]
        turn.commands.append(MeasureNat(due.name, due.interface, due.source, policy.host, policy.port, sip))


def _is_due(turn: Turn, wan: Wan) -> bool:
    health = turn.situation.wan_health(wan.name)
    if health.state != WanState.UP or wan.metered:
        return False
    known = turn.situation.nat_of(wan.name)
    return known.wanted or (turn.now >= health.since + QUIET and turn.now >= known.tried_at + AGAIN)


def measured(turn: Turn, event: NatMeasured) -> None:
    known = turn.situation.nats.get(event.wan)
    if known is not None and known.measuring and not event.result.abandoned:
        known.result, known.measured_at, known.measuring = event.result, turn.now, False
        turn.stale = True


def forget(turn: Turn, wan: Wan, reason: str) -> None:
    """It is another NAT now, or none."""
    known = turn.situation.nats.pop(wan.name, None)
    if known is not None and known.measuring:
        turn.commands.append(AbandonNat(wan.name, reason))
