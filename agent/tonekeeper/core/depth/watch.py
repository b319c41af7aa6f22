"""When more of an SBC is proven than that it answers: who is asked for what, and when again.

    IDLE --due, the place answers OPTIONS, the budget allows, nobody else is at it--> ASKED --DepthProbed--> IDLE

One deep probe at a time for the whole site: each is charged to the storm guard before it begins, a call occupies a
line, and a registrar that has just returned must not meet all questions at once. Over a metered WAN that is idle they
are rare. A failed one is repeated soon, and ever more rarely, because one failure proves little; wrong credentials are
not tried again early, or the account would be locked.

Only this module changes `DeepProbe`; it settles because each has one deadline and ASKED ends with an answer or after
PATIENCE.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from tonekeeper.core.backoff import full_jitter, register_retry
from tonekeeper.core.commands import ProbeDepth
from tonekeeper.core.depth.knowledge import DeepProbe
from tonekeeper.core.depth.result import DepthResult, DepthVerdict
from tonekeeper.core.events import DepthProbed
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.meaning import LONGEST_HOLD
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.probe_allowance import DEPTH_COSTS, alarm_reserve, weight_of
from tonekeeper.core.report import PathState
from tonekeeper.core.site import Account, Depth, DepthPolicy, Path, Sbc, Wan
from tonekeeper.core.turn import Turn

FIRST = 2.0
"""Seconds after the place has first answered; then a random share of SPREAD on top."""
SPREAD = 5.0
LOOK_AGAIN = 5.0
"""Seconds until a place that does not answer, or an occupied line, is looked at again."""
RECENT = 60.0
"""Seconds for which nobody who waits for it has it repeated."""
PATIENCE = 60.0
"""Seconds after which an answer is not waited for any longer."""
RETRY, RETRY_MOST = 30.0, 600.0
IDLE_METERED = 12.0
"""How many times rarer on a metered WAN that is not in use."""
NOBODY = Account("tonekeeper")
"""Who calls an echo number that asks for no account."""


def plan(turn: Turn, former: Mapping[str, Sbc] = MappingProxyType({})) -> None:
    """One deep probe for each place and depth that the configuration asks for.

    `former`: the SBCs as they were configured before, by name. What is asked otherwise now is asked soon, and so is
    everything of an SBC where something could not be asked, or was denied: somebody may have mended it.
    """
    situation = turn.situation
    before = {(one.wan, one.sbc, one.depth): one for one in situation.deep_probes}
    stuck = {one.sbc for one in situation.deep_probes if _is_stuck(one)}
    situation.deep_probes = []
    for wan, sbc, policy in _wanted(turn):
        key = (wan.name, sbc.name, policy.depth)
        soon = turn.now + FIRST + SPREAD * situation.chance.random()
        one = before.get(key) or DeepProbe(*key, next_at=soon)
        if one.asked_at == NEVER and (sbc.name in stuck or _is_changed(former.get(sbc.name), sbc, policy)):
            one.next_at = min(one.next_at, soon)
        situation.deep_probes.append(one)
    wans = [wan.name for wan in situation.site.wans]
    for sbc in situation.site.sbcs:
        situation.functions_of(sbc.name).keep_only(wans, [policy.depth for policy in sbc.depths])


def hasten(turn: Turn) -> None:
    """Somebody waits: what has not passed a short while ago is asked soon, as far as the storm guard allows."""
    for one in turn.situation.deep_probes:
        if one.asked_at == NEVER and one.passed_at < turn.now - RECENT:
            one.next_at = min(one.next_at, turn.now + SPREAD * turn.situation.chance.random())


def _is_changed(former: Sbc | None, sbc: Sbc, policy: DepthPolicy) -> bool:
    if former is None:
        return False
    return policy not in former.depths or dataclasses.replace(former, depths=sbc.depths, media=sbc.media) != sbc


def _is_stuck(one: DeepProbe) -> bool:
    return one.result is not None and one.result.verdict in (DepthVerdict.DENIED, DepthVerdict.NOT_CHECKED)


def _wanted(turn: Turn) -> Iterator[tuple[Wan, Sbc, DepthPolicy]]:
    site = turn.situation.site
    for sbc in site.sbcs:
        for policy in sbc.depths:
            for wan in site.wans:
                yield wan, sbc, policy


def serve(turn: Turn) -> bool:
    """Make the deep probe that is due first; whether one was due."""
    due = min(turn.situation.deep_probes, key=lambda one: one.next_at, default=None)
    if due is None or due.next_at > turn.now:
        return False
    if due.asked_at < NEVER:  # nobody answered in time
        due.asked_at = NEVER
    _begin(turn, due)
    return True


def _begin(turn: Turn, due: DeepProbe) -> None:
    situation = turn.situation
    probe = _answering(turn, due)
    busy = any(other.asked_at < NEVER for other in situation.deep_probes)
    if probe is None or busy:
        due.next_at = turn.now + LOOK_AGAIN * (1 + situation.chance.random())
        return
    if probe.is_held(turn.now):
        due.next_at = probe.hold_until + situation.chance.random() * LOOK_AGAIN
        return
    cost, reserve = DEPTH_COSTS[due.depth], alarm_reserve(weight_of(situation.probes))
    if not situation.allowance.take(cost.bytes, turn.now, packets=cost.packets, leaving=reserve):
        ready = situation.allowance.next_at(cost.bytes, turn.now, packets=cost.packets, leaving=reserve)
        due.next_at = min(ready, turn.now + RETRY_MOST) + LOOK_AGAIN * situation.chance.random()
        return
    due.asked_at = turn.now
    due.next_at = turn.now + PATIENCE
    turn.commands.append(_command(turn, due, probe.path))


def _answering(turn: Turn, due: DeepProbe) -> PathProbe | None:
    """The first path of the place that answers OPTIONS: proving more of one that does not would prove nothing."""
    probes = turn.situation.probes_of(wan=due.wan, sbc=due.sbc)
    return next((probe for probe in probes if probe.state is PathState.UP), None)


def _command(turn: Turn, due: DeepProbe, path: Path) -> ProbeDepth:
    wan, sbc = turn.situation.wan_of(due.wan), turn.situation.sbc_of(due.sbc)
    policy = next(policy for policy in sbc.depths if policy.depth is due.depth)
    return ProbeDepth(
        path=path,
        policy=policy,
        account=sbc.account or NOBODY,
        interface=wan.interface,
        source=wan.source,
        request_host=sbc.host,
        server_name=sbc.host,
        tls=sbc.tls,
        user_agent=turn.situation.site.probe.user_agent,
    )


def probed(turn: Turn, event: DepthProbed) -> None:
    """Take the answer."""
    one = next((one for one in turn.situation.deep_probes if _is_of(one, event)), None)
    if one is None:
        return
    turn.situation.tallies_of(one.sbc).probed(event.result)
    for change in turn.situation.functions_of(one.sbc).probed(one.wan, event.result, turn.now):
        subject = f"function {change.function} of {one.sbc} over {one.wan}"
        turn.log(subject, change.before, change.after, change.reason)
    one.asked_at = NEVER
    one.result, one.at = event.result, turn.now
    if event.result.verdict is DepthVerdict.PASSED:
        one.passed_at = turn.now
        one.failures = 0
    elif event.result.verdict is not DepthVerdict.NOT_CHECKED:
        one.failures += 1
    one.next_at = turn.now + _pause(turn, one, event.result)
    if event.result.verdict is DepthVerdict.DENIED:
        _spare_the_account(turn, one)
    turn.stale = True


def _spare_the_account(turn: Turn, denied: DeepProbe) -> None:
    """Each depth and each WAN with the same wrong password: registrars lock an account for less."""
    for other in turn.situation.deep_probes:
        if other.sbc == denied.sbc and other.asked_at == NEVER:
            other.next_at = max(other.next_at, denied.next_at)


def _is_of(one: DeepProbe, event: DepthProbed) -> bool:
    return (one.wan, one.sbc, one.depth) == (event.path.wan, event.path.sbc, event.depth)


def _pause(turn: Turn, one: DeepProbe, result: DepthResult) -> float:
    situation = turn.situation
    chance = situation.chance
    usual = _interval(turn, one) * (1 - 0.1 * chance.random())
    match result.verdict:
        case DepthVerdict.PASSED | DepthVerdict.DENIED | DepthVerdict.NOT_CHECKED:
            return usual
        case DepthVerdict.DRAINING:
            return max(usual, min(LONGEST_HOLD, float(result.retry_after or 0)))
        case DepthVerdict.FAILED | DepthVerdict.UNANSWERED:
            if one.depth is Depth.REGISTER:
                registers = [o for o in situation.deep_probes if o.depth is Depth.REGISTER]
                works = any(o.failures == 0 and o.passed_at > LONG_AGO for o in registers)
                return min(usual, register_retry(one.failures, chance, any_flow_works=works))
            return min(usual, full_jitter(one.failures - 1, RETRY, RETRY_MOST, chance, floor=RETRY / 2))


def _interval(turn: Turn, one: DeepProbe) -> float:
    situation = turn.situation
    policies = situation.sbc_of(one.sbc).depths
    interval = next((policy.interval for policy in policies if policy.depth is one.depth), RETRY_MOST)
    active = situation.failover.active
    in_use = active is not None and active.wan == one.wan
    return interval * IDLE_METERED if situation.wan_of(one.wan).metered and not in_use else interval
