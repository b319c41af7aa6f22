"""Any shipped phone, any settings it can hold, any incident: a forecast that hangs together, never an exception."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.phones.shipped import PROFILES
from tonekeeper.core.chance import Chance
from tonekeeper.phones.conditions import Server
from tonekeeper.phones.forecast import forecast
from tonekeeper.phones.incident import Incident, IncidentKind
from tonekeeper.phones.native import fit
from tonekeeper.phones.parameter import NUMBERS
from tonekeeper.phones.phone_machine import WINDOW_S

SERVERS = tuple(Server(f"sbc{number}.example.net") for number in (1, 2, 3))


def values_of(parameter):
    """What it can hold, and things that only a mistake would put there."""
    if parameter.template:
        return st.nothing()
    if parameter.unit in NUMBERS:
        number = st.floats(0, 1e5).map(lambda value: fit(parameter, value))
        return st.one_of(number, st.sampled_from([*parameter.special.values()] or [""]))
    return st.sampled_from([*parameter.choices]) if parameter.choices else st.text(max_size=8)


@st.composite
def set_phones(draw):
    profile = draw(st.sampled_from(PROFILES.profiles))
    kinds = {each.capability: values_of(each) for each in profile.parameters if not each.template}
    return profile, draw(st.fixed_dictionaries({}, optional=kinds))


incidents = st.builds(
    Incident, st.sampled_from(IncidentKind), st.one_of(st.floats(1, 3000), st.just(math.inf)), st.floats(1, 600)
)


@given(set_phones(), incidents, st.integers(1, 3), st.integers(0, 2**64 - 1))
def test_a_forecast_hangs_together(phone, incident, servers, seed):
    profile, values = phone
    told = forecast(profile, values, SERVERS[:servers], incident, Chance(seed))
    for span in (told.noticed_s, told.registered_again_s, told.outgoing_s, told.incoming_s):
        assert span is None or 0 <= span.least <= span.median <= span.worst
    unknown = None in (told.registered_again_s, told.outgoing_s, told.incoming_s)
    assert bool(told.unknown) is unknown
    moments = [moment.at_s for moment in told.timeline]
    assert moments == sorted(moments)
    assert told.lanes is None or told.lanes.incoming[-1].end_s == WINDOW_S


QUICK = (IncidentKind.PRIMARY_SILENT, IncidentKind.PRIMARY_REJECTS_503)
"""Incidents for the default run; the others take their turn with the simulations."""


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in QUICK else pytest.mark.simulation) for kind in IncidentKind]
)
@pytest.mark.parametrize("profile", PROFILES.profiles, ids=lambda profile: profile.id)
def test_every_shipped_profile_meets_every_incident(profile, kind):
    told = forecast(profile, {}, SERVERS[:2], Incident(kind), Chance(1))
    assert told.timeline or told.unknown
    assert (told.registered_again_s is None) <= bool(told.unknown)
