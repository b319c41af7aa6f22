"""Timers for one model at one site, computed: each with the numbers it comes from and what it costs.

Every parameter of the profile that has a rule gets a value within its range, or stays as it is for a stated reason.
What the profile is not sure of is set only where a wrong name does no harm, and says so. The waits after a failure are
stretched until the registrar bears all phones coming back at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tonekeeper.phones import flow_rules, registration_rules, request_rules, server_rules
from tonekeeper.phones.conditions import Aim, Conditions
from tonekeeper.phones.draft import Advice, Draft, Rule, Stay
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.native import Value, write_value
from tonekeeper.phones.parameter import NUMBERS, Capability, Parameter, Scope
from tonekeeper.phones.profile import Profile
from tonekeeper.phones.record import Confidence
from tonekeeper.phones.shortcomings import noticed_s, shortcomings
from tonekeeper.phones.storm import first_rate, mean_refresh_s, steady_rate, worst_rate
from tonekeeper.phones.tuned import (
    CONNECTION_PING_BYTES,
    NOTHING,
    OPTIONS_BYTES,
    PACKET_BYTES,
    REGISTRATION_BYTES,
    Cost,
    Kept,
    Setting,
    Tuning,
)

RULES: Mapping[Capability, Rule] = {
    Capability.REGISTRATION_EXPIRY: registration_rules.expiry,
    Capability.REGISTRATION_EXPIRY_LEAST: registration_rules.shortest_expiry,
    Capability.REGISTRATION_EXPIRY_MOST: registration_rules.longest_expiry,
    Capability.REGISTRATION_REFRESH_MARGIN: registration_rules.refresh_margin,
    Capability.REGISTRATION_REFRESH_PERCENT: registration_rules.refresh_percent,
    Capability.REGISTRATION_START_SPREAD: registration_rules.start_spread,
    Capability.REGISTRATION_RETRY: registration_rules.retry,
    Capability.REGISTRATION_RETRY_FIRST: registration_rules.retry_first,
    Capability.REGISTRATION_RETRY_REJECTED: registration_rules.rejected,
    Capability.REGISTRATION_RETRY_403: registration_rules.forbidden,
    Capability.REGISTRATION_RETRY_UNLISTED: registration_rules.rejected,
    Capability.REGISTRATION_RETRY_LEAST: registration_rules.retry_least,
    Capability.REGISTRATION_RETRY_MOST: registration_rules.retry_most,
    Capability.REGISTRATION_RETRY_SPREAD: registration_rules.retry_spread,
    Capability.REGISTRATION_RETRY_SPREAD_UNLISTED: registration_rules.retry_spread,
    Capability.REGISTRATION_BACKOFF: registration_rules.backoff,
    Capability.REGISTRATION_ATTEMPTS: registration_rules.attempts,
    Capability.REGISTRATION_TIMEOUT: request_rules.transaction_timeout,
    Capability.TIMER_T1: request_rules.t1,
    Capability.TIMER_T2: request_rules.t2,
    Capability.TIMER_B: request_rules.transaction_timeout,
    Capability.TIMER_F: request_rules.transaction_timeout,
    Capability.REQUEST_RETRIES: request_rules.retries,
    Capability.REQUEST_SENDS: request_rules.sends,
    Capability.REQUEST_SENDS_BEFORE_FAILOVER: request_rules.sends,
    Capability.INVITE_RETRIES: request_rules.retries,
    Capability.PROBE_TIMEOUT: request_rules.probe_timeout,
    Capability.KEEPALIVE: flow_rules.keepalive_switch,
    Capability.KEEPALIVE_METHOD: flow_rules.keepalive_method,
    Capability.KEEPALIVE_INTERVAL: flow_rules.keepalive_interval,
    Capability.CRLF_KEEPALIVE: flow_rules.switch_on_streams,
    Capability.CRLF_KEEPALIVE_INTERVAL: flow_rules.on_streams,
    Capability.TCP_KEEPALIVE: flow_rules.switch_on_streams,
    Capability.TCP_KEEPALIVE_IDLE: flow_rules.on_streams,
    Capability.TCP_KEEPALIVE_INTERVAL: flow_rules.connection_probe_interval,
    Capability.TCP_KEEPALIVE_COUNT: flow_rules.connection_probe_count,
    Capability.PROBE_METHOD: flow_rules.probe_method,
    Capability.PROBE_INTERVAL: flow_rules.probe_interval,
    Capability.PROBE_LOSSES: flow_rules.probe_losses,
    Capability.RPORT: flow_rules.stays_reachable,
    Capability.SERVER_PRIMARY: server_rules.server,
    Capability.SERVER_PRIMARY_PORT: server_rules.port,
    Capability.SERVER_SECONDARY: server_rules.server,
    Capability.SERVER_SECONDARY_PORT: server_rules.port,
    Capability.SERVER_TERTIARY: server_rules.server,
    Capability.REGISTRAR_PRIMARY: server_rules.server,
    Capability.REGISTRAR_PRIMARY_PORT: server_rules.port,
    Capability.REGISTRAR_SECONDARY: server_rules.server,
    Capability.REGISTRAR_SECONDARY_PORT: server_rules.port,
    Capability.OUTBOUND_PROXY_PRIMARY: server_rules.server,
    Capability.OUTBOUND_PROXY_PRIMARY_PORT: server_rules.port,
    Capability.OUTBOUND_PROXY_SECONDARY: server_rules.server,
    Capability.OUTBOUND_PROXY_SECONDARY_PORT: server_rules.port,
    Capability.SERVER_LIST: server_rules.server_list,
    Capability.TRANSPORT: server_rules.transport,
    Capability.DNS_MODE: server_rules.needed,
    Capability.FAILOVER: server_rules.switched_on("without it the phone stays with a silent SBC"),
    Capability.FAILOVER_MODE: server_rules.needed,
    Capability.FAILOVER_ON_REJECTION: server_rules.switched_on(
        "an SBC that refuses everybody is as bad as a silent one"
    ),
    Capability.FAILOVER_SERVERS: server_rules.servers_tried,
    Capability.FAILOVER_REGISTERS_FIRST: server_rules.switched_on(
        "a call through an SBC that does not know the phone would be refused"
    ),
    Capability.CALLS_FOLLOW_REGISTRATION: server_rules.switched_on(
        "calls go where the registration is, and do not wait for a dead SBC again"
    ),
    Capability.CALL_FAILURE_REGISTERS: server_rules.switched_on("a call that failed is the first to know"),
    Capability.DEAD_SERVER_HOLD: server_rules.dead_server_hold,
    Capability.FAILBACK: server_rules.switched_on("without it the phone never returns to the first SBC"),
    Capability.FAILBACK_MODE: server_rules.failback_mode,
    Capability.FAILBACK_INTERVAL: server_rules.failback_interval,
}
"""What has no rule is no matter of timing, or the provider's: subscriptions, STUN, session timers, resync."""

_STRETCH = 1.3
_STEPS = 20
"""Waits up to 1.3**19, 146 times what was wished for."""
_PATIENCE = 4
"""So many longer waits that make nothing better are enough."""
_LONGEST_REFRESH_S = 7200.0
_NO_BETTER = 0.999
_LATE_S = 540.0


def tune(profile: Profile, conditions: Conditions, aim: Aim) -> Tuning:
    """The timers of `profile` under `conditions`. The same input gives the same output."""
    draft = _borne(profile, conditions, aim)
    settings, kept = _settings(draft)
    in_force = InForce(profile, _values(settings), conditions.firmware)
    storm = worst_rate(in_force, conditions, own=draft.others)
    return Tuning(
        profile=profile.id,
        aim=aim,
        format=profile.delivery.format,
        settings=tuple(settings),
        kept=tuple(kept),
        shortcomings=tuple(shortcomings(draft, in_force, settings, storm)),
        phones=conditions.phones,
        noticed_s=noticed_s(draft, in_force),
        given_up_s=in_force.give_up_s,
        steady_rate=steady_rate(in_force, conditions.phones),
        storm_rate=storm,
        registrar_rate=conditions.registrar_rate,
    )


def _borne(profile: Profile, conditions: Conditions, aim: Aim) -> Draft:
    """The draft that asks most of the registrar without asking too much: after any outage of up to ten minutes, else
    after one of ten minutes, else as little as any does.

    Longer waits cost nothing until every server is silent, so they come before less frequent registrations.
    """
    first = Draft(profile, conditions, aim)
    if first.affordable is None:
        return first
    nearest, least = first, math.inf
    for least_s in (0.0, _LATE_S):
        for draft in _less_frequent(first):
            calmest, storm = _calmest(draft, least_s)
            if storm is None or storm <= first.affordable:
                return calmest
            if storm < least * _NO_BETTER:
                nearest, least = calmest, storm
    return nearest


def _less_frequent(first: Draft) -> Iterator[Draft]:
    scale = 1.0
    while scale == 1.0 or first.wishes.refresh_s * scale <= _LONGEST_REFRESH_S:
        yield replace(first, refresh_scale=scale)
        scale *= _STRETCH


def _calmest(first: Draft, least_s: float) -> tuple[Draft, float | None]:
    """The shortest waits that the registrar bears, or that longer ones make no better."""
    best, least, useless = first, math.inf, 0
    for step in range(_STEPS):
        draft = replace(first, retry_scale=_STRETCH**step)
        in_force = InForce(draft.profile, _values(_settings(draft)[0]), draft.conditions.firmware)
        at_once = first_rate(in_force, draft.conditions)
        if not least_s and at_once is not None and draft.affordable is not None and at_once > draft.affordable:
            return first, at_once
        storm = worst_rate(in_force, draft.conditions, own=draft.others, least_s=least_s)
        if storm is None or draft.affordable is None or storm <= draft.affordable:
            return draft, storm
        if storm < least * _NO_BETTER:
            best, least, useless = draft, storm, 0
        elif (useless := useless + 1) >= _PATIENCE:
            break
    return best, least


def _values(settings: list[Setting]) -> dict[Capability, Value]:
    found: dict[Capability, Value] = {}
    for setting in settings:
        found.setdefault(setting.capability, setting.value)
    return found


def _settings(draft: Draft) -> tuple[list[Setting], list[Kept]]:
    settings: list[Setting] = []
    kept: list[Kept] = []
    taken: set[str] = set()
    for parameter in _applicable(draft):
        advice = _advice(draft, parameter)
        if isinstance(advice, Stay):
            kept.append(Kept(parameter.capability, name_of(parameter, draft.conditions.account), advice.why))
            continue
        made = [each for each in _written(draft, parameter, advice) if each.name not in taken]
        taken.update(each.name for each in made)
        settings += made
    in_force = InForce(draft.profile, _values(settings), draft.conditions.firmware)
    return [_priced(setting, in_force) for setting in settings], [each for each in kept if each.name not in taken]


def _applicable(draft: Draft) -> Iterator[Parameter]:
    """Those that the firmware has, the newest of those that exclude each other; whole rules before their parts."""
    chosen: list[Parameter] = []
    for parameter in draft.profile.parameters:
        if parameter.capability not in RULES or parameter.firmware.contains(draft.conditions.firmware) is False:
            continue
        rivals = (other for other in chosen if other.capability is parameter.capability)
        if not any(other.firmware.is_disjoint(parameter.firmware) for other in rivals):
            chosen.append(parameter)
    yield from sorted(chosen, key=lambda each: each.capability is not Capability.REGISTRATION_BACKOFF)


def _advice(draft: Draft, parameter: Parameter) -> Advice | Stay:
    """Weak facts: a number under a wrong name does no harm, a word or a template may."""
    advice = RULES[parameter.capability](draft, parameter)
    if parameter.confidence is not Confidence.WEAK or isinstance(advice, Stay):
        return advice
    if parameter.template or parameter.unit not in NUMBERS:
        return Stay("what is known of this setting is weak; try it on one phone first")
    weak = "what is known of this setting is weak: try it on one phone first"
    return Advice(advice.value, advice.why, f"{advice.caution}; {weak}" if advice.caution else weak)


def _written(draft: Draft, parameter: Parameter, advice: Advice) -> Iterator[Setting]:
    """The setting, once for each server where each server has its own."""
    native = write_value(parameter, advice.value)
    own = parameter.scope is Scope.SERVER and "{server}" in parameter.name
    account = draft.conditions.account
    for number in range(1, _servers_known(draft) + 1) if own else (0,):
        yield Setting(
            parameter=parameter,
            name=name_of(parameter, account, number),
            value=advice.value,
            native=native,
            why=advice.why,
            server=number,
            account=account,
            caution=_with_firmware(draft, parameter, advice.caution),
        )


def _with_firmware(draft: Draft, parameter: Parameter, caution: str) -> str:
    if draft.conditions.firmware or parameter.firmware.contains("") is not None:
        return caution
    limits = [f"from {parameter.firmware.since} on"] if parameter.firmware.since else []
    limits += [f"before {parameter.firmware.before}"] if parameter.firmware.before else []
    told = f"only firmware {' and '.join(limits)} has it"
    return f"{caution}; {told}" if caution else told


def _servers_known(draft: Draft) -> int:
    """Servers that have settings of their own: as many as there are SBCs, of those that the model has a place for."""
    places = max((index + 1 for _, _, index in server_rules.places_in(draft)), default=1)
    return max(1, min(len(draft.conditions.servers), places))


def name_of(parameter: Parameter, account: int = 1, server: int = 0) -> str:
    """As it stands in the phone's file. The first account's where the vendor's numbers are not known so far."""
    if parameter.names:
        return parameter.names[min(account, len(parameter.names)) - 1]
    return parameter.name.replace("{account}", str(account)).replace("{server}", str(server or 1))


_PACKETS: Mapping[Capability, tuple[float, float]] = {
    Capability.KEEPALIVE_INTERVAL: (1, PACKET_BYTES),
    Capability.CRLF_KEEPALIVE_INTERVAL: (4, CONNECTION_PING_BYTES),
    Capability.TCP_KEEPALIVE_IDLE: (2, 2 * 40),
    Capability.PROBE_INTERVAL: (2, OPTIONS_BYTES),
}
"""Packets and bytes of each."""


def _is_answered(keepalive: Setting, in_force: InForce) -> bool:
    """It is a request: by its method, or because the model's own question is set by the same name."""
    questions = in_force.profile.settings(Capability.PROBE_INTERVAL, in_force.firmware)
    if any(question.name == keepalive.parameter.name for question in questions):
        return True
    return in_force.value(Capability.KEEPALIVE_METHOD) not in (None, "packet", "off")


def _priced(setting: Setting, in_force: InForce) -> Setting:
    cost = NOTHING
    if setting.capability is Capability.REGISTRATION_EXPIRY and setting.server < 2:
        refresh = mean_refresh_s(in_force)
        if refresh:
            cost = Cost(3600 / refresh, 0.0, 3600 / refresh * REGISTRATION_BYTES)
    elif setting.capability in _PACKETS and isinstance(setting.value, float | int) and setting.value > 0:
        packets, size = _PACKETS[setting.capability]
        if setting.capability is Capability.KEEPALIVE_INTERVAL and _is_answered(setting, in_force):
            packets, size = _PACKETS[Capability.PROBE_INTERVAL]
        cost = Cost(0.0, packets * 3600 / setting.value, size * 3600 / setting.value)
    return replace(setting, cost=cost)
