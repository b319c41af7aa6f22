"""What a model cannot do that the site needs, with the nearest thing that it can."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tonekeeper.phones.behaviour import Probe
from tonekeeper.phones.conditions import Aim
from tonekeeper.phones.draft import Draft, times
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.parameter import Capability
from tonekeeper.phones.record import Unknown
from tonekeeper.phones.server_rules import has_two_places, uses_list
from tonekeeper.phones.tuned import Setting, Shortcoming

SLOW_VERDICT_S = 16.0
"""Longer than half of what RFC 3261 waits for a silent server is no fast failover."""
SLOW_NOTICE_S = 180.0


def shortcomings(
    draft: Draft, in_force: InForce, settings: Sequence[Setting], storm: float | None
) -> Iterator[Shortcoming]:
    if draft.has_alternate:
        yield from _no_alternate(draft)
        yield from _slow(draft, in_force)
    yield from _keepalive(draft, in_force, settings)
    if draft.conditions.phones > 1:
        yield from _no_jitter(draft, in_force)
        yield from _storm(draft, storm)


def _no_alternate(draft: Draft) -> Iterator[Shortcoming]:
    why, nearest = _missing_alternate(draft)
    if why:
        yield Shortcoming("phone-no-alternate", {"why": why, "nearest": nearest})


def _missing_alternate(draft: Draft) -> tuple[str, str]:
    failover, servers = draft.profile.behaviour.failover, draft.conditions.servers
    nearest = "one name for all SBCs, moved in DNS, or one address that the agent steers to the SBC that works"
    if failover.possible is False:
        return "the model knows one server only", nearest
    if failover.possible is Unknown.UNKNOWN:
        return "no source says that the model goes to a second server", nearest
    if has_two_places(draft) or uses_list(draft):
        return "", ""
    if servers[0].is_looked_up:
        return "", ""
    return (
        "no setting of the model that names a second SBC is known, and SRV finds none for addresses and ports",
        "a name without a port whose SRV records list the SBCs in order",
    )


def _slow(draft: Draft, in_force: InForce) -> Iterator[Shortcoming]:
    if draft.aim is not Aim.FAST_FAILOVER:
        return
    reasons = []
    give_up, notice = in_force.give_up_s, noticed_s(draft, in_force)
    if give_up is not None and give_up > SLOW_VERDICT_S:
        reasons.append(f"it waits {times(give_up)} for a silent server, and that cannot be set lower here")
    if notice is not None and notice > SLOW_NOTICE_S:
        reasons.append(f"it notices a silent server after up to {times(notice)}")
    if reasons:
        total = "unknown" if give_up is None or notice is None else times(give_up + notice)
        yield Shortcoming("phone-cannot-failover-fast", {"why": "; ".join(reasons), "nearest": total})


def noticed_s(draft: Draft, in_force: InForce) -> float | None:
    """When a silent server is noticed at the latest, without a call."""
    found: list[float] = []
    expiry = in_force.seconds(Capability.REGISTRATION_EXPIRY)
    if expiry is not None and math.isfinite(expiry) and expiry > 0:
        found.append(in_force.refresh_s(expiry)[1])
    probe = draft.profile.behaviour.probe
    if isinstance(probe, Probe) and in_force.value(probe.switch) not in (None, "off", ""):
        interval, losses = in_force.seconds(probe.interval), in_force.seconds(probe.losses)
        if interval is not None and losses is not None:
            found.append(interval * (losses + 1))
    return min(found, default=None)


def _keepalive(draft: Draft, in_force: InForce, settings: Sequence[Setting]) -> Iterator[Shortcoming]:
    """Something must speak at least as often as the binding needs it."""
    shortest = holds_binding_s(draft, in_force, settings)
    if shortest is not None and shortest <= draft.keepalive_s + 1e-6:
        return
    nearest = "registering alone" if shortest is None else f"every {times(shortest)}"
    yield Shortcoming(
        "phone-keepalive-above-nat-lifetime",
        {"needed": times(draft.keepalive_s), "why": draft.lifetime_told, "nearest": nearest},
    )


_HOLDING = (
    Capability.KEEPALIVE_INTERVAL,
    Capability.PROBE_INTERVAL,
    Capability.CRLF_KEEPALIVE_INTERVAL,
    Capability.TCP_KEEPALIVE_IDLE,
)


def holds_binding_s(draft: Draft, in_force: InForce, settings: Sequence[Setting]) -> float | None:
    """The shortest interval at which something of this phone passes its binding."""
    found = [
        float(setting.value)
        for setting in settings
        if setting.capability in _HOLDING and isinstance(setting.value, float | int)
    ]
    expiry = in_force.seconds(Capability.REGISTRATION_EXPIRY)
    if expiry is not None and math.isfinite(expiry) and expiry > 0:
        found.append(in_force.refresh_s(expiry)[1])
    return min(found, default=None)


def _no_jitter(draft: Draft, in_force: InForce) -> Iterator[Shortcoming]:
    if in_force.jitter is False:
        spread = Capability.REGISTRATION_RETRY in in_force.values
        nearest = "values that differ from phone to phone" if spread else "nothing: the wait is fixed"
        yield Shortcoming("phone-no-jitter", {"phones": str(draft.conditions.phones), "nearest": nearest})


def _storm(draft: Draft, storm: float | None) -> Iterator[Shortcoming]:
    rate, mean = draft.conditions.registrar_rate, draft.affordable
    if rate is None or mean is None or storm is None or storm <= mean * 1.001:
        return
    yield Shortcoming(
        "phones-exceed-registrar",
        {"phones": str(draft.conditions.phones), "rate": f"{rate:g}", "nearest": f"{storm:.3g} per second on average"},
    )
