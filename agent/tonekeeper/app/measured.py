"""What an agent reports, as conditions to compute timers from: its SBCs, and the worst of its measurements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tonekeeper.core.report import PathState, Report, SbcReport, WanState
from tonekeeper.phones.conditions import Conditions, Interval, Server
from tonekeeper.wire.sip.uri import SipUri, parse_sip_uri

TELLING = 100
"""Probes of a path before its share of lost ones is more than an accident."""


def measured(conditions: Conditions, report: Report) -> Conditions:
    """With what an agent reports: its SBCs where none were named, and the worst of its measurements."""
    reported = tuple(_reported(sbc) for sbc in report.sbcs)
    known = {(each.host, each.port): each for each in reported}
    named = tuple(_with_measurements(each, known.get((each.host, each.port))) for each in conditions.servers)
    lifetimes = [nat.lifetime_s for nat in report.nat]
    return replace(
        conditions,
        servers=named or reported,
        replied=_shortest(each.get("replied") for each in lifetimes),
        stream=_shortest(each.get("stream") for each in lifetimes),
        tcp=_shortest(each.get("tcp") for each in lifetimes),
        flapping=conditions.flapping or any(wan.state is WanState.SUPPRESSED for wan in report.wans),
    )


def crowd(report: Report, profile: str, mac: str = "") -> tuple[int, int]:
    """How many phones of a model were seen, and in which place of them the one with this MAC is: 1 where it is not."""
    alike = [phone for phone in report.phones if phone.profile == profile]
    macs = sorted(phone.mac for phone in alike)
    return max(1, len(alike)), macs.index(mac) + 1 if mac in macs else 1


def server_of(uri: SipUri) -> Server:
    stated = uri.scheme == "sips" or any(name == "transport" for name, _ in uri.params)
    return Server(uri.host.strip("[]"), uri.port or 0, uri.transport if stated else "")


def _with_measurements(named: Server, reported: Server | None) -> Server:
    return named if reported is None else replace(named, rtt_s=reported.rtt_s, loss=reported.loss)


def _shortest(intervals: Iterable[Interval | None]) -> Interval | None:
    return min((each for each in intervals if each is not None), key=lambda each: each[0], default=None)


def _reported(sbc: SbcReport) -> Server:
    """Its round trip is the longest over any WAN: phones use the timer they have on all of them."""
    works = [path for path in sbc.paths if path.state is PathState.UP]
    rtt = max((path.rtt_ms / 1000 for path in works if path.rtt_ms is not None), default=None)
    loss = max((path.loss for path in works if path.loss is not None and path.sent >= TELLING), default=None)
    return replace(server_of(parse_sip_uri(sbc.uri)), rtt_s=rtt, loss=loss)
