"""Any profile under any conditions: what is computed can be written, and holds what it must hold."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.phones.tuning import PROFILES
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
many = settings(max_examples=60, deadline=None)


@many
@given(cases)
def test_every_value_is_within_the_range_of_its_parameter_and_is_read_back_as_it_was_meant(case):
    for made in tune(*case).settings:
        parameter, value = made.parameter, made.value
        assert read_value(parameter, made.native) == value
        if isinstance(value, float | int):
            number = value / SECONDS.get(parameter.unit, 1.0)
            assert parameter.min is None or number >= parameter.min - 1e-9
            assert parameter.max is None or number <= parameter.max + 1e-9
            assert not parameter.steps or any(math.isclose(number, step) for step in parameter.steps)


@many
@given(cases)
def test_the_same_input_gives_the_same_output_and_each_name_is_set_once(case):
    tuning = tune(*case)
    assert tune(*case) == tuning
    names = [made.name for made in tuning.settings]
    assert len(set(names)) == len(names)
    assert all(made.why for made in tuning.settings)
    assert all(kept.why for kept in tuning.kept)


@many
@given(cases)
def test_a_keepalive_is_under_the_measured_bound_or_it_is_a_finding(case):
    profile, site, aim = case
    tuning = tune(profile, site, aim)
    codes = {each.code for each in tuning.shortcomings}
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
    assert "phone-keepalive-above-nat-lifetime" in codes or min(found) <= bound + 1e-6


@many
@given(cases)
def test_t1_is_never_set_below_what_the_round_trip_needs(case):
    profile, site, aim = case
    for made in tune(profile, site, aim).settings:
        if made.capability is Capability.TIMER_T1:
            assert site.rtt_s is not None
            assert (
                made.value >= min(3 * site.rtt_s, made.parameter.max or math.inf) - 1e-9
                or "cannot hold" in made.caution
            )
            assert "64*T1" in made.why


@many
@given(cases)
def test_the_registrars_limits_are_kept_or_it_is_said_that_they_are_not(case):
    profile, site, aim = case
    tuning = tune(profile, site, aim)
    codes = {each.code for each in tuning.shortcomings}
    for made in tuning.settings:
        if made.capability is Capability.REGISTRATION_EXPIRY and site.min_expiry_s is not None:
            assert made.value >= site.min_expiry_s - 1e-6 or "423" in made.caution
    if site.registrar_rate is not None and tuning.storm_rate is not None and site.phones > 1:
        assert tuning.storm_rate <= affordable(site.registrar_rate) * 1.01 or "phones-exceed-registrar" in codes


@many
@given(cases)
def test_no_phone_is_told_to_stop_for_good(case):
    for made in tune(*case).settings:
        assert made.value not in (Meaning.NEVER, Meaning.OFF)
