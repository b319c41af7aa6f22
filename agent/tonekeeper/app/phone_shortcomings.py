"""What the models at a site cannot do there: the tuner's findings for the phones that were seen.

A model counts from its first phone until STAYS seconds after its last one was known, and of whatever is measured the
worst of an hour counts: so findings do not come and go with a phone that is taken for two, or a line that is busy. Only
models whose conditions changed are tuned anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from tonekeeper.app.measured import measured
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.events import PhoneSign
from tonekeeper.core.findings import Observation
from tonekeeper.core.keepalive import SAFE_FRACTION
from tonekeeper.core.report import PhoneReport, Report
from tonekeeper.core.site import LanPolicy, Transport
from tonekeeper.phones.conditions import Aim, Conditions, Interval, Server
from tonekeeper.phones.match import ProfileSet

if TYPE_CHECKING:
    from tonekeeper.phones.tuned import Shortcoming

STAYS = 120.0
WORST_OF = 3600.0
RTT_STEP, LOSS_STEP = 0.01, 0.01
"""Seconds, and share: measurements count rounded up, so that not every one of them is another."""
ABOUT_NAT = "phone-keepalive-above-nat-lifetime"


@dataclass(frozen=True, slots=True)
class Model:
    """`firmware` and `transport` where all of its phones have the same, as far as that is known."""

    profile: str
    phones: int
    firmware: str
    transport: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the findings follow from. `strangers`: phones of no model that is known."""

    models: tuple[Model, ...]
    strangers: int
    conditions: Conditions


class _Held(NamedTuple):
    value: float
    at: float


class PhoneShortcomings:
    """`now`, here and below: monotonic seconds."""

    def __init__(self, profiles: ProfileSet, lan: LanPolicy) -> None:
        self._profiles = profiles
        self._given = Conditions(SAFE_FRACTION, min_expiry_s=lan.min_expiry, registrar_rate=lan.registrar_rate)
        self._models: dict[str, tuple[Model, float]] = {}
        """With when it was last seen."""
        self._worst: dict[str, _Held] = {}
        self._tuned: dict[str, tuple[Conditions, tuple[Shortcoming, ...]]] = {}

    def circumstances(self, report: Report, now: float) -> Circumstances:
        for model in _models(report.phones):
            self._models[model.profile] = (model, now)
        self._models = {name: known for name, known in self._models.items() if now < known[1] + STAYS}
        models = tuple(model for _, (model, _) in sorted(self._models.items()))
        strangers = sum(not phone.profile for phone in report.phones)
        return Circumstances(models, strangers, self._at_its_worst(measured(self._given, report), now))

    def check(self, found: Circumstances) -> CheckResult:
        """Takes some milliseconds a model."""
        if not found.models:
            seen = f"{_counted(found.strangers, 'phone')} seen, none of" if found.strangers else "no phone seen of"
            return CheckResult(Check.PHONES, Outcome.NOT_CHECKED, f"{seen} a known model")
        problems = tuple(self._observe(found))
        phones = sum(model.phones for model in found.models)
        told = f"{_counted(phones, 'phone')} of {_counted(len(found.models), 'model')}"
        if not problems:
            return CheckResult(Check.PHONES, Outcome.OK, f"{told}: all that the site needs can be set")
        named = ", ".join(f"{problem.code} {problem.subject}" for problem in problems)
        return CheckResult(Check.PHONES, Outcome.PROBLEM, f"{told}: {named}", problems)

    def _observe(self, found: Circumstances) -> Iterator[Observation]:
        for model in found.models:
            conditions = _conditions_for(model, found.conditions)
            for shortcoming in self._shortcomings(model, conditions):
                if shortcoming.code != ABOUT_NAT or conditions.lifetime_s is not None:
                    evidence = {"phones": str(model.phones), **shortcoming.evidence}
                    yield Observation(shortcoming.code, model.profile, evidence)

    def _shortcomings(self, model: Model, conditions: Conditions) -> tuple[Shortcoming, ...]:
        known = self._tuned.get(model.profile)
        if known is None or known[0] != conditions:
            from tonekeeper.phones.tune import tune  # for sites with phones that are known

            profile = self._profiles.get(model.profile)
            made = tune(profile, conditions, Aim.FAST_FAILOVER).shortcomings if profile is not None else ()
            known = self._tuned[model.profile] = (conditions, made)
        return known[1]

    # --- the worst of an hour

    def _at_its_worst(self, conditions: Conditions, now: float) -> Conditions:
        flapping = self._most("flapping", 1.0 if conditions.flapping else None, now)
        return replace(
            conditions,
            servers=tuple(self._worst_server(server, now) for server in conditions.servers),
            replied=self._shortest("replied", conditions.replied, now),
            stream=self._shortest("stream", conditions.stream, now),
            tcp=self._shortest("tcp", conditions.tcp, now),
            flapping=flapping is not None,
        )

    def _worst_server(self, server: Server, now: float) -> Server:
        rtt = self._most(f"rtt {server}", _rounded_up(server.rtt_s, RTT_STEP), now)
        return replace(server, rtt_s=rtt, loss=self._most(f"loss {server}", _rounded_up(server.loss, LOSS_STEP), now))

    def _shortest(self, name: str, interval: Interval | None, now: float) -> Interval | None:
        most = self._most(name, None if interval is None else -interval[0], now)
        return None if most is None else (-most, None)

    def _most(self, name: str, value: float | None, now: float) -> float | None:
        """The greatest that `name` was within the last hour; None where nothing was known of it."""
        held = self._worst.get(name)
        if held is not None and now >= held.at + WORST_OF:
            held = None
        if value is not None and (held is None or value >= held.value):
            held = _Held(value, now)
        if held is None:
            self._worst.pop(name, None)
            return None
        self._worst[name] = held
        return held.value


def _models(phones: Iterable[PhoneReport]) -> Iterator[Model]:
    by_profile: dict[str, list[PhoneReport]] = {}
    for phone in phones:
        if phone.profile:
            by_profile.setdefault(phone.profile, []).append(phone)
    for profile, alike in by_profile.items():
        firmware = _one_of({phone.firmware for phone in alike})
        yield Model(profile, len(alike), firmware, _one_of({_transport(phone) for phone in alike} - {""}))


def _transport(phone: PhoneReport) -> str:
    """One of which only the connection is seen speaks TLS."""
    is_hidden = not phone.transport and str(PhoneSign.CONNECTION) in phone.seen_by
    return str(Transport.TLS) if is_hidden else phone.transport


def _one_of(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else ""


def _conditions_for(model: Model, site: Conditions) -> Conditions:
    """Phones use the transport that they were seen to use where the SBC's URI leaves that to them."""
    servers = tuple(replace(server, transport=server.transport or model.transport) for server in site.servers)
    return replace(site, servers=servers, phones=model.phones, firmware=model.firmware)


def _rounded_up(value: float | None, step: float) -> float | None:
    return None if value is None else round(math.ceil(value / step - 1e-9) * step, 6)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
