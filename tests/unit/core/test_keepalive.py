"""Keepalives that follow from what was measured."""

from __future__ import annotations

import pytest

from tonekeeper.core.keepalive import (
    LONGEST,
    KeepaliveMethod,
    keepalive_method,
    keepalive_policy,
)
from tonekeeper.core.nat.result import Lifetimes
from tonekeeper.core.site import Transport

LINUX = Lifetimes(unreplied=(29.0, 30.6), replied=(29.0, 30.6), stream=(119.3, 125.5))


def test_where_nothing_is_known_it_is_what_rfc_5626_advises():
    policy = keepalive_policy(Transport.UDP, None)
    assert (policy.first_s, policy.steady_s) == (29.0, 29.0)
    assert "nobody has measured" in policy.reason


def test_a_stream_needs_fewer_keepalives_than_the_first_exchange():
    policy = keepalive_policy(Transport.UDP, LINUX)
    assert policy.first_s == pytest.approx(0.75 * 29.0)
    assert policy.steady_s == pytest.approx(0.75 * 119.3)


def test_a_kind_that_was_not_checked_is_taken_from_the_other_or_from_the_rfc():
    assert keepalive_policy(Transport.UDP, Lifetimes(stream=(119.3, 125.5))).first_s == 29.0
    assert keepalive_policy(Transport.UDP, Lifetimes(replied=(60.0, 63.0))).steady_s == pytest.approx(45.0)
    assert keepalive_policy(Transport.UDP, Lifetimes(unreplied=(10.0, 11.0))).steady_s == 29.0


def test_a_stream_that_dies_before_a_replied_binding_sets_both():
    policy = keepalive_policy(Transport.UDP, Lifetimes(replied=(60.0, 63.0), stream=(40.0, 42.0)))
    assert policy.first_s == policy.steady_s == pytest.approx(30.0)


def test_however_long_bindings_live_a_dead_flow_is_noticed_within_two_minutes():
    policy = keepalive_policy(Transport.UDP, Lifetimes(replied=(330.0, None), stream=(330.0, None)))
    assert policy.steady_s == LONGEST == 120.0
    assert "noticed in time" in policy.reason


@pytest.mark.parametrize(("low", "impolite"), [(20.0, False), (19.9, True), (8.0, True), (0.0, True)])
def test_only_a_short_lifetime_forces_keepalives_more_often_than_every_fifteen_seconds(low, impolite):
    policy = keepalive_policy(Transport.UDP, Lifetimes(replied=(low, low + 1), stream=(low, low + 1)))
    assert policy.is_impolite is impolite
    assert policy.steady_s >= 1.0


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_a_connection_is_kept_with_crlf_twice_in_four_minutes(transport):
    policy = keepalive_policy(transport, LINUX, peer_does_stun=True)
    assert (policy.method, policy.steady_s) == (KeepaliveMethod.CRLF, 120.0)
    assert keepalive_policy(transport, Lifetimes(tcp=(60.0, 63.0))).steady_s == pytest.approx(45.0)


def test_udp_is_kept_with_stun_where_the_peer_does_that_and_with_options_elsewhere():
    assert keepalive_method(Transport.UDP, peer_does_stun=True) is KeepaliveMethod.STUN
    assert keepalive_method(Transport.UDP, peer_does_stun=False) is KeepaliveMethod.OPTIONS


def test_one_lost_keepalive_and_its_repetition_fit_into_every_lifetime_of_ten_seconds_and_more():
    for low in (10.0, 29.0, 119.3, 330.0):
        policy = keepalive_policy(Transport.UDP, Lifetimes(replied=(low, low + 1), stream=(low, low + 1)))
        assert policy.steady_s + 2.0 < low


@pytest.mark.parametrize(("transport", "usual"), [(Transport.UDP, 29.0), (Transport.TLS, 120.0)])
def test_a_binding_that_outlived_a_short_measurement_asks_for_no_more_than_is_usual(transport, usual):
    outlived = (20.0, None)
    policy = keepalive_policy(transport, Lifetimes(replied=outlived, stream=outlived, tcp=outlived))
    assert (policy.first_s, policy.steady_s) == (usual, usual)
    assert "for 20 s at least" in policy.reason
