"""What tuning is worth, in the forecast of real models: calls again sooner, and a registrar that is not overrun."""

from __future__ import annotations

import math
import statistics
from collections import Counter

import pytest
from tests.unit.phones.shipped import DESK_PHONES
from tests.unit.phones.tuning import site

from tonekeeper.core.chance import Chance
from tonekeeper.phones.behaviour import Backoff, Reaction, Then
from tonekeeper.phones.conditions import Aim, Server
from tonekeeper.phones.forecast import forecast
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.incident import Incident, IncidentKind
from tonekeeper.phones.phone_machine import PhoneMachine, What
from tonekeeper.phones.reactions import Reactions
from tonekeeper.phones.tune import tune

NAMED = (Server("sbc1.example.net", rtt_s=0.04, loss=0.005), Server("sbc2.example.net", rtt_s=0.06, loss=0.0))
SILENT = Incident(IncidentKind.PRIMARY_SILENT)
TEN_MINUTES = Incident(IncidentKind.ALL_SILENT, lasts_s=600.0)
PHONES, RATE, DISTINCT = 1000, 100.0, 20
"""A registrar, all its phones of one model, and how many of them are given values of their own."""


def incoming(profile, values):
    """Median seconds until incoming calls work again."""
    span = forecast(profile, values, NAMED, SILENT, Chance(7)).incoming_s
    return math.inf if span is None else span.median


def test_incoming_calls_work_again_in_a_fifth_of_the_time_with_a_silent_primary():
    before = [incoming(profile, {}) for profile in DESK_PHONES]
    after = [incoming(profile, tune(profile, site(servers=NAMED), Aim.FAST_FAILOVER).values) for profile in DESK_PHONES]
    assert statistics.median(after) <= statistics.median(before) / 5
    assert all(tuned <= known for tuned, known in zip(after, before, strict=True))


def registrations_per_second(profile, aim):
    """In each second after ten minutes in which nothing answered, of phones that register at any moment."""
    chance = Chance(11)
    seen = Counter()
    sites = [
        site(servers=NAMED, phones=PHONES, registrar_rate=RATE, number=number) for number in range(1, DISTINCT + 1)
    ]
    settings = [tune(profile, each, aim).values for each in sites]
    for number in range(PHONES):
        reactions = Reactions(InForce(profile, settings[number % DISTINCT]), NAMED, TEN_MINUTES)
        machine = PhoneMachine(reactions, NAMED, TEN_MINUTES, chance)
        steps = machine.play(reactions.refresh_s(chance) * chance.random())
        back = next((step.at for step in steps if step.what is What.REGISTERED and step.at >= 600.0), None)
        if back is not None:
            seen[int(back)] += 1
    return seen


def is_played(profile):
    """What it does when nobody answers is known."""
    reaction = profile.behaviour.failures.no_answer
    known = isinstance(reaction, Reaction) and reaction.then is not Then.UNKNOWN
    return known and isinstance(InForce(profile, {}).after_silence, Backoff)


@pytest.mark.simulation
@pytest.mark.parametrize("profile", [each for each in DESK_PHONES if is_played(each)], ids=lambda profile: profile.id)
def test_a_thousand_phones_coming_back_stay_under_the_registrars_rate(profile):
    seen = registrations_per_second(profile, Aim.FAST_FAILOVER)
    assert sum(seen.values()) > PHONES / 2
    assert max(seen.values()) <= RATE
