"""Findings that follow from a measured NAT."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

import pytest

from tonekeeper.core.nat.result import Evidence, Lifetimes, NatResult, SipAlg
from tonekeeper.core.nat.verdicts import nat_observations
from tonekeeper.core.site import Role

GOOD = NatResult(
    wan="fibre",
    mapping="endpoint-independent",
    filtering="address-dependent",
    mapped_address="203.0.113.7:61000",
    local_address="192.168.1.2:40001",
    lifetime_s=Lifetimes(unreplied=(300.0, 315.0), replied=(300.0, 315.0), stream=(330.0, None)),
    sip_alg=SipAlg.NO,
    elapsed_s=340.0,
)


def codes(result, **options):
    return {one.code for one in nat_observations(result, **options)}


def lived(seconds):
    return replace(GOOD, lifetime_s=Lifetimes(*[(seconds, seconds + 1.0)] * 3))


def test_a_nat_as_rfc_4787_wants_it_is_nobodys_business():
    assert codes(GOOD, phones_keepalive_s=60.0) == set()


def test_what_was_not_checked_leads_to_nothing():
    nothing = replace(
        GOOD, mapping="not checked", mapped_address="", lifetime_s=Lifetimes(), sip_alg=SipAlg.NOT_CHECKED
    )
    assert codes(nothing, role=Role.ROUTER, phones_keepalive_s=3600.0) == set()
    assert codes(replace(lived(5.0), abandoned=True)) == set()


def test_phones_that_speak_less_often_than_the_nat_forgets():
    assert "nat-binding-short" in codes(lived(119.0), phones_keepalive_s=119.0)
    assert "nat-binding-short" not in codes(lived(119.0), phones_keepalive_s=118.0)
    assert "nat-binding-short" not in codes(lived(119.0))


def test_a_lifetime_that_forces_impolite_keepalives():
    assert "nat-binding-short" in codes(lived(19.0))
    assert "nat-binding-short" not in codes(lived(20.0))


@pytest.mark.parametrize("mapping", ["address-dependent", "address-and-port-dependent"])
def test_a_mapping_that_depends_on_the_destination(mapping):
    assert codes(replace(GOOD, mapping=mapping)) == {"nat-symmetric"}


def test_a_second_nat_upstream_of_a_router():
    assert codes(GOOD, role=Role.ROUTER) == {"cgn-detected"}
    assert codes(replace(GOOD, mapped_address="192.168.1.2:40001"), role=Role.ROUTER) == set()


def test_a_shared_address_is_a_carriers_nat_whoever_has_it():
    assert codes(replace(GOOD, local_address="100.64.3.4:40001")) == {"cgn-detected"}
    assert codes(replace(GOOD, local_address="[2001:db8::2]:40001", mapped_address="[2001:db8::7]:1")) == set()


def test_a_gateway_that_rewrites_sip_is_told_with_what_was_seen():
    pieces = (Evidence("via", SipAlg.YES, "received=192.168.1.2"), Evidence("mirror", SipAlg.NOT_CHECKED, "none"))
    (found,) = nat_observations(replace(GOOD, sip_alg=SipAlg.YES, evidence=pieces))
    assert found.code == "sip-alg-active"
    assert found.evidence == {"evidence": "received=192.168.1.2"}


def test_timeouts_below_what_rfc_4787_asks_for():
    assert codes(lived(118.9)) == {"nat-udp-timeout-below-rfc4787"}
    assert codes(lived(119.5)) == set(), "the true value may be above 120 s"
    assert codes(replace(GOOD, lifetime_s=Lifetimes(unreplied=(50.0, None)))) == set()


def test_every_finding_fills_the_blanks_of_its_sentences():
    worst = replace(lived(9.0), mapping="address-dependent", sip_alg=SipAlg.YES)
    found = nat_observations(worst, role=Role.ROUTER, phones_keepalive_s=60.0)
    assert len(found) == 5
    for one in found:
        known = {"subject": one.subject, **one.evidence}
        for text in (one.entry.summary, one.entry.remedy):
            assert {name for _, name, _, _ in Formatter().parse(text) if name} <= set(known), one.code
