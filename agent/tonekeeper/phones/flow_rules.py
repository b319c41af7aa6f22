"""What keeps a NAT binding or a connection alive, and what finds out that it is dead."""

from __future__ import annotations

from tonekeeper.phones.draft import Advice, Draft, Stay, times
from tonekeeper.phones.native import fit
from tonekeeper.phones.parameter import Capability, Parameter
from tonekeeper.phones.transactions import MONTH, retries_for

QUIETEST_FIRST = ("packet", "options", "notify", "register")
LONGEST_CONNECTION_PROBE_S = 10.0
CONNECTION_PROBES = 3


def keepalive_switch(draft: Draft, parameter: Parameter) -> Advice:
    return Advice("on", f"an idle binding must be refreshed: {draft.lifetime_told}")


def keepalive_method(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if parameter.default not in ("off", "unknown", ""):
        return Stay(f"{parameter.default} keeps a binding")
    for word in QUIETEST_FIRST:
        if word in parameter.choices:
            return Advice(word, "without it the phone keeps nothing alive; this is the least that does")
    return Stay("no method that every SBC answers or ignores is known")


def keepalive_interval(draft: Draft, parameter: Parameter) -> Advice:
    bound = draft.keepalive_s
    value = fit(parameter, bound)
    if value <= bound + 1e-9:
        return Advice(value, f"{times(value)}: {draft.lifetime_told}")
    return Advice(
        value,
        f"{times(value)} is the shortest that the model can do, and {times(bound)} is needed: {draft.lifetime_told}",
        "calls will not come in while the binding is gone",
    )


def on_streams(draft: Draft, parameter: Parameter) -> Advice | Stay:
    """An interval for connections."""
    if draft.conditions.transport == "udp":
        return Stay("the phones use UDP")
    return keepalive_interval(draft, parameter)


def switch_on_streams(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if draft.conditions.transport == "udp":
        return Stay("the phones use UDP")
    return Advice("on", f"a connection that died unseen takes no calls: {draft.lifetime_told}")


def connection_probe_interval(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if draft.conditions.transport == "udp":
        return Stay("the phones use UDP")
    value = fit(parameter, LONGEST_CONNECTION_PROBE_S)
    return Advice(value, f"a connection whose peer stays silent is asked again every {times(value)}")


def connection_probe_count(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if draft.conditions.transport == "udp":
        return Stay("the phones use UDP")
    value = fit(parameter, CONNECTION_PROBES)
    return Advice(value, f"after {value:g} questions without an answer the connection is dead")


def probe_method(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if not draft.acts_on_probe:
        return Stay(_no_probe(draft))
    if "options" not in parameter.choices:
        return Stay("OPTIONS is what every SBC answers, and the model does not send it")
    return Advice("options", "a silent server is noticed between two registrations")


def _no_probe(draft: Draft) -> str:
    probe = draft.profile.behaviour.probe
    if probe is None or isinstance(probe, str):
        return "no source says what the phone does when the answer is missing"
    return "each question wakes the phone up; the registration finds out as well, later"


def _probe_interval(draft: Draft, parameter: Parameter) -> float:
    wanted = draft.wishes.probe_s * draft.refresh_scale
    if not draft.has_interval(Capability.KEEPALIVE_INTERVAL):
        wanted = min(wanted, draft.keepalive_s)
    return fit(parameter, wanted)


def probe_interval(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if not draft.acts_on_probe:
        return Stay(_no_probe(draft))
    value = _probe_interval(draft, parameter)
    losses = draft.has(Capability.PROBE_LOSSES)
    count = _losses(draft, losses) if losses is not None else 1.0
    why = f"a silent server is noticed within {times(value * (count + 1))}"
    if draft.refresh_scale > 1:
        rate = draft.conditions.registrar_rate
        why += f"; oftener, {draft.conditions.phones} phones that notice together would exceed {rate:g} registrations/s"
    return Advice(value, why)


def _losses(draft: Draft, parameter: Parameter) -> float:
    interval = draft.has(Capability.PROBE_INTERVAL)
    every = _probe_interval(draft, interval) if interval is not None else draft.wishes.probe_s
    return fit(parameter, retries_for(draft.conditions.loss, MONTH / max(1.0, every)))


def probe_losses(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if not draft.acts_on_probe:
        return Stay(_no_probe(draft))
    value = _losses(draft, parameter)
    return Advice(value, f"{value:g} answers in a row are missing by accident about once a month at most")


def stays_reachable(draft: Draft, parameter: Parameter) -> Advice:
    return Advice("on", "answers go to where the request came from, whatever NAT has made of its address (RFC 3581)")
