"""How often a phone registers, and how it waits when that fails."""

from __future__ import annotations

import math

from tonekeeper.phones.behaviour import Backoff, Reaction
from tonekeeper.phones.draft import EXPIRY_RANGE, RETRY_RANGE, Advice, Draft, Stay, at_least, nearest_default, times
from tonekeeper.phones.native import default_value, fit
from tonekeeper.phones.parameter import Capability, Meaning, Parameter

MANY_ATTEMPTS = 1_000_000
SPARE_S = 5.0
"""Between the last server's turn and the end of the registration."""


def expiry(draft: Draft, parameter: Parameter) -> Advice:
    wanted, least = _wanted_expiry(draft), _least_expiry(draft)
    value = fit(parameter, wanted)
    if value < least - 1e-9:
        value = at_least(parameter, least)
    told = f"a silent server is noticed within {times(_latest(draft, value))} without a call"
    if draft.refresh_scale > 1:
        told += (
            f", {draft.refresh_scale:.3g} times what the aim asks for: more often, a short outage would end in a storm"
        )
    elif not draft.keeps_alive:
        told += f", and the phone has no keepalive: registering holds the binding ({draft.lifetime_told})"
    return Advice(value, f"{told}{_limits(draft, value)}", _expiry_caution(draft, value))


def _limits(draft: Draft, value: float) -> str:
    conditions = draft.conditions
    said = f"; the registrar accepts {times(draft.least_expiry_s)} or more"
    if conditions.min_expiry_s is None:
        said += " (assumed)"
    if draft.affordable is None or conditions.registrar_rate is None:
        return said
    rate = conditions.phones / max(1e-9, _mean(draft, value))
    return (
        f"{said} and {conditions.registrar_rate:g} registrations/s, of which {conditions.phones} phones take {rate:.2g}"
    )


def _expiry_caution(draft: Draft, value: float) -> str:
    if value < draft.least_expiry_s - 1e-9:
        return "the phone cannot hold an expiry as long as the registrar's least: it will be told the registrar's (423)"
    if draft.affordable is not None and draft.conditions.phones / _mean(draft, value) > draft.affordable * 1.001:
        return "so many phones exceed the registrar's rate even with the longest expiry they can hold"
    return ""


def _wanted_expiry(draft: Draft) -> float:
    """From the wish for the refresh; somewhat less for each phone where all would refresh in step."""
    refresh = draft.refresh_s
    share = draft.untouched.refresh_share
    if share is not None:
        percent = _percent(draft)
        wanted = refresh / (share[1] if percent is None else percent / 100)
    else:
        wanted = refresh + (_margin(draft) or 0.0)
    wanted = max(wanted, _least_expiry(draft))
    if draft.is_refresh_random:
        return wanted
    return max(_least_expiry(draft), wanted * (1 - EXPIRY_RANGE * draft.own_share()))


def _least_expiry(draft: Draft) -> float:
    """What the registrar accepts, and bears from so many phones."""
    if draft.affordable is None:
        return draft.least_expiry_s
    mean = draft.conditions.phones / draft.affordable
    share = draft.untouched.refresh_share
    if share is not None:
        percent = _percent(draft)
        by_rate = mean / (sum(share) / 2 if percent is None else percent / 100)
    elif (margin := _margin(draft)) is not None:
        by_rate = max(mean + margin, 2 * mean if mean < margin else 0.0)
    else:
        by_rate = mean / 0.75
    return max(draft.least_expiry_s, by_rate)


def _latest(draft: Draft, value: float) -> float:
    return _refreshes(draft, value)[1]


def _mean(draft: Draft, value: float) -> float:
    return sum(_refreshes(draft, value)) / 2


def _refreshes(draft: Draft, value: float) -> tuple[float, float]:
    percent, margin = _percent(draft), _margin(draft)
    if percent is not None:
        return value * percent / 100, value * percent / 100
    if margin is not None and draft.has(Capability.REGISTRATION_REFRESH_MARGIN):
        at = value / 2 if value <= margin else value - margin
        return at, at
    return draft.untouched.refresh_s(value)


def _margin(draft: Draft) -> float | None:
    """What the margin will be."""
    parameter = draft.has(Capability.REGISTRATION_REFRESH_MARGIN)
    if parameter is None:
        return draft.untouched.margin_s
    return at_least(parameter, _margin_needed(draft))


def _margin_needed(draft: Draft) -> float:
    return draft.give_up_s * max(1, len(draft.conditions.servers)) + SPARE_S


def _percent(draft: Draft) -> float | None:
    """What the share of the expiry will be."""
    parameter = draft.has(Capability.REGISTRATION_REFRESH_PERCENT)
    if parameter is None:
        return None
    return fit(parameter, _percent_wanted(draft))


def _percent_wanted(draft: Draft) -> float:
    return 75.0 if draft.wishes.gives_up_early else 90.0


def refresh_margin(draft: Draft, parameter: Parameter) -> Advice:
    servers = max(1, len(draft.conditions.servers))
    return Advice(
        at_least(parameter, _margin_needed(draft)),
        f"time to give up {servers} silent server{'s' if servers > 1 else ''} at {times(draft.give_up_s)} each before "
        "the registration ends",
    )


def refresh_percent(draft: Draft, parameter: Parameter) -> Advice:
    percent = fit(parameter, _percent_wanted(draft))
    return Advice(percent, f"{100 - percent:g} % of the expiry is left for another server when the first is silent")


def shortest_expiry(draft: Draft, parameter: Parameter) -> Advice | Stay:
    """What the phone takes from a server must not stand above what it asks for."""
    known = nearest_default(parameter)
    least = draft.least_expiry_s
    if known is not None and known <= least:
        return Stay(f"{times(known)} is no obstacle")
    return Advice(fit(parameter, least), f"the server may grant as little as {times(least)}")


def longest_expiry(draft: Draft, parameter: Parameter) -> Advice | Stay:
    known, wanted = nearest_default(parameter), _wanted_expiry(draft)
    if known is not None and known >= wanted:
        return Stay(f"{times(known)} is no obstacle")
    return Advice(at_least(parameter, wanted), f"the registration asks for {times(wanted)}")


def start_spread(draft: Draft, parameter: Parameter) -> Advice | Stay:
    phones, rate = draft.conditions.phones, draft.affordable
    if phones < 2:
        return Stay("one phone alone is no storm")
    needed = phones / rate if rate is not None else float(min(phones, 30))
    value = at_least(parameter, needed)
    told = f"{phones} phones that get their power back at once register over {times(value)}"
    if rate is None:
        return Advice(value, f"{told}; what the registrar takes is not known")
    short = value < needed - 1e-9
    caution = f"{times(needed)} would be needed for {draft.conditions.registrar_rate:g}/s" if short else ""
    return Advice(value, f"{told}: {phones / value:.3g} per second", caution)


def retry(draft: Draft, parameter: Parameter) -> Advice:
    """The wait after silence; between one and one and a half of it, phone by phone, where the model has no jitter."""
    wait, caution = draft.retry_s, ""
    if not draft.is_random and draft.conditions.phones > 1:
        low, high = wait, wait * (1 + RETRY_RANGE)
        wait += (high - low) * draft.own_share()
        caution = (
            f"the model has no jitter: phones 1 to {draft.conditions.phones} get values between {low:.0f} and "
            f"{high:.0f} s, and this is phone {draft.conditions.number}"
        )
    value = at_least(parameter, wait)
    return Advice(value, f"all servers silent: again after {times(value)}{_storm_told(draft)}", caution)


def _storm_told(draft: Draft) -> str:
    rate = draft.conditions.registrar_rate
    if rate is None:
        return ""
    longer = f", {draft.retry_scale:.3g} times what the aim asks for" if draft.retry_scale > 1 else ""
    return f"{longer}, so that {draft.conditions.phones} phones coming back stay under {rate:g} registrations/s"


def retry_first(draft: Draft, parameter: Parameter) -> Advice:
    value = at_least(parameter, draft.retry_s)
    return Advice(value, f"the first wait, as those that follow{_storm_told(draft)}")


def retry_least(draft: Draft, parameter: Parameter) -> Advice:
    """The base of a growing wait: RFC 5626 doubles it before the first, others begin with it."""
    halved = _is_base_doubled(draft)
    value = at_least(parameter, draft.retry_s / (2 if halved else 1))
    drawn = f"drawn from {times(value)} to {times(2 * value)}" if halved else times(value)
    return Advice(value, f"all servers silent: the first wait is {drawn}, and later ones grow{_storm_told(draft)}")


def _is_base_doubled(draft: Draft) -> bool:
    reaction = draft.profile.behaviour.failures.no_answer
    rules = [other.retry for other in draft.profile.behaviour.backoff_if]
    if isinstance(reaction, Reaction) and isinstance(reaction.retry, Backoff):
        rules.append(reaction.retry)
    return any(rule.shape == "rfc5626" and rule.first is Capability.REGISTRATION_RETRY_LEAST for rule in rules)


def retry_most(draft: Draft, parameter: Parameter) -> Advice:
    wanted = max(draft.wishes.retry_most_s, 2 * draft.retry_s)
    value = at_least(parameter, wanted)
    return Advice(
        value, f"after a long outage the phone is back within {times(value)}, and asks seldom enough till then"
    )


def retry_spread(draft: Draft, parameter: Parameter) -> Advice:
    value = at_least(parameter, draft.retry_s)
    return Advice(value, f"up to {times(value)} of chance parts phones that failed together")


def backoff(draft: Draft, parameter: Parameter) -> Advice:
    low = math.ceil(draft.retry_s)
    places = {"low": str(low), "high": str(2 * low), "most": str(math.ceil(max(draft.wishes.retry_most_s, 4 * low)))}
    return Advice(places, f"a random wait from {low} to {2 * low} s, doubled up to {places['most']} s")


def rejected(draft: Draft, parameter: Parameter) -> Advice:
    wait = _apart(draft, draft.wishes.rejected_s * draft.retry_scale)
    value = at_least(parameter, wait)
    return Advice(value, f"a refusal may be a server in trouble: again after {times(value)}{_was(parameter)}")


def forbidden(draft: Draft, parameter: Parameter) -> Advice:
    value = at_least(parameter, _apart(draft, draft.wishes.forbidden_s))
    told = f"one 403 must not end service: again after {times(value)}, seldom enough not to be banned"
    return Advice(value, f"{told}{_was(parameter)}")


def _apart(draft: Draft, wait: float) -> float:
    return wait if draft.is_random else wait * (1 + RETRY_RANGE * draft.own_share())


def _was(parameter: Parameter) -> str:
    value = default_value(parameter)
    if value is Meaning.NEVER:
        return " (factory setting: never)"
    return f" (factory setting: {times(value)})" if isinstance(value, float | int) else ""


def attempts(draft: Draft, parameter: Parameter) -> Advice:
    if Meaning.UNLIMITED in parameter.special.values():
        return Advice(Meaning.UNLIMITED, "a phone that has stopped needs a visit")
    value = fit(parameter, MANY_ATTEMPTS)
    return Advice(value, f"a phone that has stopped needs a visit; {value:.0f} tries outlast any outage")
