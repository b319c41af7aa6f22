"""Which servers a phone knows, in which order, when it leaves one and when it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tonekeeper.phones.aims import FLAPPING_FAILBACK_S
from tonekeeper.phones.conditions import Server
from tonekeeper.phones.draft import Advice, Draft, Rule, Stay, at_least, times
from tonekeeper.phones.parameter import Capability, Parameter, Unit

SERVER_PLACES: Sequence[tuple[Capability, Capability | None, int]] = (
    (Capability.SERVER_PRIMARY, Capability.SERVER_PRIMARY_PORT, 0),
    (Capability.SERVER_SECONDARY, Capability.SERVER_SECONDARY_PORT, 1),
    (Capability.SERVER_TERTIARY, None, 2),
)
REGISTRAR_PLACES: Sequence[tuple[Capability, Capability | None, int]] = (
    (Capability.REGISTRAR_PRIMARY, Capability.REGISTRAR_PRIMARY_PORT, 0),
    (Capability.REGISTRAR_SECONDARY, Capability.REGISTRAR_SECONDARY_PORT, 1),
)
PROXY_PLACES: Sequence[tuple[Capability, Capability | None, int]] = (
    (Capability.OUTBOUND_PROXY_PRIMARY, Capability.OUTBOUND_PROXY_PRIMARY_PORT, 0),
    (Capability.OUTBOUND_PROXY_SECONDARY, Capability.OUTBOUND_PROXY_SECONDARY_PORT, 1),
)
SERVERS_THEMSELVES = frozenset(
    {
        *(
            each
            for host, port, _ in (*SERVER_PLACES, *REGISTRAR_PLACES, *PROXY_PLACES)
            for each in (host, port)
            if each
        ),
        Capability.SERVER_LIST,
        Capability.TRANSPORT,
    }
)
"""What says where they are, and not how they are used."""
STEADIEST_FIRST = ("interval", "registration", "dns-ttl", "probe")
_ONE_PLACE = "the model has one place for a server, and finds others by SRV at most"
_USUAL_PORTS = (0, 5060, 5061)
_ORDINALS = ("first", "second", "third")


def places_in(draft: Draft) -> Sequence[tuple[Capability, Capability | None, int]]:
    """The fields by which this model is told its servers, where it has one for a second: of proxies and registrars,
    for many models want both; of outbound proxies where there are no others."""
    own = [*_with_second(draft, SERVER_PLACES), *_with_second(draft, REGISTRAR_PLACES)]
    return own or _with_second(draft, PROXY_PLACES)


def _with_second(
    draft: Draft, places: Sequence[tuple[Capability, Capability | None, int]]
) -> Sequence[tuple[Capability, Capability | None, int]]:
    found = [place for place in places if _can_hold_host(draft, place[0])]
    return found if any(index == 1 for _, _, index in found) else ()


def uses_list(draft: Draft) -> bool:
    """All servers stand in one value."""
    needed = any(need.capability is Capability.SERVER_LIST for need in draft.profile.behaviour.failover.needs)
    return draft.has(Capability.SERVER_LIST) is not None and (needed or not _second_place(draft))


def has_two_places(draft: Draft) -> bool:
    return not uses_list(draft) and _second_place(draft)


def _second_place(draft: Draft) -> bool:
    return bool(places_in(draft))


def _can_hold_host(draft: Draft, capability: Capability) -> bool:
    parameter = draft.has(capability)
    return parameter is not None and parameter.unit in (Unit.HOST, Unit.ADDRESS) and not parameter.template


def server(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if uses_list(draft):
        return Stay("the list of servers has them")
    for capability, port, index in places_in(draft):
        if parameter.capability is capability:
            return _server(draft, parameter, port, index)
    if parameter.unit is Unit.TEXT:
        return Stay("its form is the operator's")
    return Stay("the servers stand elsewhere" if has_two_places(draft) else _ONE_PLACE)


def _server(draft: Draft, parameter: Parameter, port: Capability | None, index: int) -> Advice | Stay:
    servers = draft.conditions.servers
    if index >= len(servers):
        return Stay("no SBC was named" if not servers else f"there are {len(servers)} SBCs")
    one = servers[index]
    value = str(one) if parameter.unit is Unit.HOST else one.host
    lost = one.port not in _USUAL_PORTS and parameter.unit is Unit.ADDRESS and (port is None or draft.has(port) is None)
    caution = f"port {one.port} has no place in this model" if lost else ""
    return Advice(value, f"the {_ORDINALS[index]} SBC in the site's order", caution)


def port(draft: Draft, parameter: Parameter) -> Advice | Stay:
    for _, capability, index in places_in(draft):
        if parameter.capability is capability and index < len(draft.conditions.servers) and has_two_places(draft):
            return _port(draft.conditions.servers[index])
    return Stay("no SBC is named there")


def _port(one: Server) -> Advice | Stay:
    if not one.port:
        return Stay("a port would keep the phone from looking the name up (RFC 3263 section 4.2)")
    return Advice(float(one.port), f"the port of {one.host}")


def transport(draft: Draft, parameter: Parameter) -> Advice | Stay:
    servers = draft.conditions.servers
    stated = servers[0].transport if servers else ""
    if not stated:
        return Stay("no SBC's URI names a transport")
    if stated not in parameter.choices:
        return Stay(f"the model has no word for {stated}")
    return Advice(stated, f"as the URI of {servers[0].host} says")


def needed(draft: Draft, parameter: Parameter) -> Advice | Stay:
    """A choice without which the model has no failover."""
    for need in draft.profile.behaviour.failover.needs:
        if need.capability is parameter.capability and need.value in parameter.choices:
            if not draft.conditions.servers:
                return Stay("no SBC was named")
            looked_up = uses_list(draft) or draft.conditions.servers[0].is_looked_up
            if need.capability is Capability.DNS_MODE and not looked_up:
                return Stay("the SBCs are named with ports or by addresses: there is nothing to look up")
            return Advice(need.value, "without it the phone knows one server only")
    return Stay("what fits depends on the provider")


def switched_on(why: str) -> Rule:
    """A rule that turns a switch on where there is an alternate."""

    def rule(draft: Draft, parameter: Parameter) -> Advice | Stay:
        if not draft.has_alternate:
            return Stay("there is one SBC")
        return Advice("on", why) if "on" in parameter.choices else Stay("no source says how the phone writes it")

    return rule


def servers_tried(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if not draft.has_alternate:
        return Stay("there is one SBC")
    count = len(draft.conditions.servers)
    value = at_least(parameter, count)
    return Advice(value, f"the site has {count} SBCs", "" if value >= count else "the model tries no more")


def failback_s(draft: Draft) -> float:
    return max(draft.wishes.failback_s, FLAPPING_FAILBACK_S if draft.conditions.flapping else 0.0)


def failback_mode(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if not draft.has_alternate:
        return Stay("there is one SBC")
    has_interval = draft.has(Capability.FAILBACK_INTERVAL) is not None
    for word in STEADIEST_FIRST:
        if word in parameter.choices and (has_interval or word != "interval"):
            return Advice(word, "a request to the first SBC each time would wait for a dead one, and flap with it")
    return Stay("it has no steadier way back")


def failback_interval(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if not draft.has_alternate:
        return Stay("there is one SBC")
    wanted = failback_s(draft)
    value = at_least(parameter, wanted)
    flapping = ", for a WAN is flapping" if draft.conditions.flapping else ""
    return Advice(value, f"back to the first SBC no sooner than after {times(value)}{flapping}: it must not flap")


def dead_server_hold(draft: Draft, parameter: Parameter) -> Advice | Stay:
    if not draft.has_alternate:
        return Stay("there is one SBC")
    value = at_least(parameter, failback_s(draft))
    return Advice(value, f"an SBC that was silent is passed over for {times(value)}")


def server_list(draft: Draft, parameter: Parameter) -> Advice | Stay:
    servers = draft.conditions.servers
    if has_two_places(draft):
        return Stay("the model has a place for each")
    if not servers or not parameter.template:
        return Stay("no SBC was named" if not servers else "its form is the operator's")
    named: Mapping[str, str] = dict(zip(_ORDINALS, map(str, servers), strict=False))
    places = {place: named.get(place, "") for place in _ORDINALS if f"{{{place}}}" in parameter.template}
    if "{transport}" in parameter.template:
        places["transport"] = servers[0].transport or "udp"
    if not all(places.values()):
        return Stay(f"it wants more than {len(servers)} SBCs")
    return Advice(places, "all SBCs in the site's order")
