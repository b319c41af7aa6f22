"""What tuning is worth, in the forecast: when calls come in again, and what a registrar sees of a thousand phones."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left

import pytest
from tests.unit.phones.shipped import DESK_PHONES

from tonekeeper.core.chance import Chance
from tonekeeper.phones.conditions import Aim, Conditions, Server
from tonekeeper.phones.forecast import forecast
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.incident import Incident, IncidentKind
from tonekeeper.phones.phone_machine import PhoneMachine, What
from tonekeeper.phones.reactions import Reactions
from tonekeeper.phones.tune import tune

SERVERS = (Server("sbc1.example.net", rtt_s=0.03), Server("sbc2.example.net", rtt_s=0.03))
MEASURED = Conditions(safe_fraction=0.75, servers=SERVERS, replied=(60.0, 70.0), stream=(150.0, 170.0))
HOUR = 3600.0
"""What a registrar grants to a phone of which nobody knows what it asks for."""
PHONES, RATE, OUTAGE = 1000, 20.0, 600.0


def incoming_s(profile, values):
    silent = Incident(IncidentKind.PRIMARY_SILENT)
    span = forecast(profile, values, SERVERS, silent, Chance(1), granted_s=HOUR).incoming_s
    return None if span is None else span.median


@pytest.mark.simulation
def test_calls_come_in_five_times_sooner_at_half_of_the_desk_phones():
    pairs = [
        (incoming_s(profile, {}), incoming_s(profile, tune(profile, MEASURED, Aim.FAST_FAILOVER).values))
        for profile in DESK_PHONES
    ]
    waited = [(before, after) for before, after in pairs if before is not None and after is not None and before > 0]
    assert len(waited) >= 5
    assert statistics.median(after for _, after in waited) <= statistics.median(before for before, _ in waited) / 5
    assert statistics.median(after / before if math.isfinite(before) else 0.0 for before, after in waited) <= 1 / 5


@pytest.mark.simulation
@pytest.mark.parametrize("profile", DESK_PHONES, ids=lambda profile: profile.id)
def test_a_thousand_tuned_phones_never_ask_more_of_a_registrar_than_it_can_take_or_it_is_said(profile):
    chance, outage = Chance(3), Incident(IncidentKind.ALL_SILENT, OUTAGE)
    many = [
        tune(profile, Conditions(0.75, SERVERS, phones=PHONES, number=number, registrar_rate=RATE), Aim.FAST_FAILOVER)
        for number in range(1, 9)
    ]
    said = any(shortcoming.code == "phones-exceed-registrar" for one in many for shortcoming in one.shortcomings)
    arrivals = {server: [] for server in range(len(SERVERS))}
    for number in range(PHONES):
        reactions = Reactions(
            InForce(profile, many[number % len(many)].values),
            SERVERS,
            outage,
            granted_s=HOUR,
        )
        asks_at = reactions.refresh_s(chance) * (1 - chance.random())
        for home in range(len(SERVERS)) if reactions.holds_all else (-1,):
            steps = PhoneMachine(reactions, SERVERS, outage, chance, only=home).play(asks_at)
            first = next((step for step in steps if step.what is What.REGISTERED and step.at >= OUTAGE), None)
            if first is not None:
                arrivals[first.server].append(first.at)
    assert said or max(busiest_second(sorted(times)) for times in arrivals.values()) <= RATE


def busiest_second(times):
    return max((index + 1 - bisect_left(times, at - 1.0) for index, at in enumerate(times)), default=0)
