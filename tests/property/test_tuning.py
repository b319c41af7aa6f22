"""Any profile under any conditions: what is computed can be written, and holds what it must hold."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.phones.shipped import PROFILES
from tonekeeper.core.keepalive import SAFE_FRACTION
from tonekeeper.phones.conditions import Aim, Conditions, Server
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.native import read_value
from tonekeeper.phones.parameter import SECONDS, Capability, Meaning
from tonekeeper.phones.storm import affordable
from tonekeeper.phones.tune import tune

hosts = st.sampled_from(["192.0.2.10", "198.51.100.20", "2001:db8::1", "sbc1.example.net", "sbc2.example.net"])
servers = st.builds(
    Server,
    hosts,
    st.sampled_from([0, 5060, 5061, 5070]),
    st.sampled_from(["", "udp", "tcp", "tls"]),
    st.none() | st.floats(0.0, 3.0),
    st.none() | st.floats(0.0, 1.0),
)
intervals = st.none() | st.tuples(st.floats(0.5, 8000.0), st.none() | st.floats(8000.0, 9000.0))
conditions = st.builds(
    Conditions,
    safe_fraction=st.just(SAFE_FRACTION),
    servers=st.lists(servers, max_size=4).map(tuple),
    replied=intervals,
    stream=intervals,
    tcp=intervals,
    flapping=st.booleans(),
    phones=st.integers(1, 5000),
    min_expiry_s=st.none() | st.integers(1, 3600).map(float),
    registrar_rate=st.none() | st.floats(0.1, 2000.0),
    firmware=st.sampled_from(["", "1.0", "66.72.0.1", "66.86.0.15", "4.1.6", "10.1.84.12", "18.12.1"]),
    number=st.integers(1, 5000),
    account=st.integers(1, 12),
)
cases = st.tuples(st.sampled_from(PROFILES.profiles), conditions, st.sampled_from(list(Aim)))
twice_as_many = settings(max_examples=2 * settings.default.max_examples)
half_as_many = settings(max_examples=settings.default.max_examples // 2)


@twice_as_many
@given(cases)
def test_whatever_is_computed_keeps_every_promise(case):
    tuning = tune(*case)
    for promise in PROMISES:
        promise(tuning, *case)


@half_as_many
@given(cases)
def test_the_same_input_gives_the_same_output(case):
    assert tune(*case) == tune(*case)


# --- promises


def every_value_is_within_the_range_of_its_parameter_and_is_read_back_as_it_was_meant(tuning, profile, site, aim):
    for made in tuning.settings:
        parameter, value = made.parameter, made.value
        assert read_value(parameter, made.native) == value
        if isinstance(value, float | int):
            number = value / SECONDS.get(parameter.unit, 1.0)
            assert parameter.min is None or number >= parameter.min - 1e-9
            assert parameter.max is None or number <= parameter.max + 1e-9
            assert not parameter.steps or any(math.isclose(number, step) for step in parameter.steps)


def each_name_is_set_once_and_for_a_reason_or_stays_for_one(tuning, profile, site, aim):
    names = [made.name for made in tuning.settings]
    assert len(set(names)) == len(names)
    assert all(made.why for made in tuning.settings)
    assert all(kept.why for kept in tuning.kept)


def a_keepalive_is_under_the_measured_bound_or_it_is_a_finding(tuning, profile, site, aim):
    if site.lifetime_s is None:
        return
    bound = max(1.0, SAFE_FRACTION * site.lifetime_s)
    in_force = InForce(profile, tuning.values, site.firmware)
    holding = {
        Capability.KEEPALIVE_INTERVAL,
        Capability.PROBE_INTERVAL,
        Capability.CRLF_KEEPALIVE_INTERVAL,
        Capability.TCP_KEEPALIVE_IDLE,
    }
    found = [made.value for made in tuning.settings if made.capability in holding]
    expiry = in_force.seconds(Capability.REGISTRATION_EXPIRY)
    if expiry is not None and 0 < expiry < math.inf:
        found.append(in_force.refresh_s(expiry)[1])
    assert "phone-keepalive-above-nat-lifetime" in codes_of(tuning) or min(found) <= bound + 1e-6


def t1_is_never_below_what_the_round_trip_needs(tuning, profile, site, aim):
    for made in tuning.settings:
        if made.capability is Capability.TIMER_T1:
            assert site.rtt_s is not None
            needed = min(3 * site.rtt_s, made.parameter.max or math.inf)
            assert made.value >= needed - 1e-9 or "cannot hold" in made.caution
            assert "64*T1" in made.why


def the_registrars_limits_are_kept_or_it_is_said_that_they_are_not(tuning, profile, site, aim):
    for made in tuning.settings:
        if made.capability is Capability.REGISTRATION_EXPIRY and site.min_expiry_s is not None:
            assert made.value >= site.min_expiry_s - 1e-6 or "423" in made.caution
    if site.registrar_rate is not None and tuning.storm_rate is not None and site.phones > 1:
        borne = tuning.storm_rate <= affordable(site.registrar_rate) * 1.01
        assert borne or "phones-exceed-registrar" in codes_of(tuning)


def no_phone_is_told_to_stop_for_good(tuning, profile, site, aim):
    assert all(made.value not in (Meaning.NEVER, Meaning.OFF) for made in tuning.settings)


PROMISES = (
    every_value_is_within_the_range_of_its_parameter_and_is_read_back_as_it_was_meant,
    each_name_is_set_once_and_for_a_reason_or_stays_for_one,
    a_keepalive_is_under_the_measured_bound_or_it_is_a_finding,
    t1_is_never_below_what_the_round_trip_needs,
    the_registrars_limits_are_kept_or_it_is_said_that_they_are_not,
    no_phone_is_told_to_stop_for_good,
)


def codes_of(tuning):
    return {each.code for each in tuning.shortcomings}
