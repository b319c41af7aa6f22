"""Two NATs of the site, told apart from one of the provider's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.beside.double_nat import WanSeen, judge_double_nat, needs_a_walk
from tonekeeper.core.checks import Outcome
from tonekeeper.core.site import Role

SBC = "203.0.113.2"
MODEM = "192.168.178.1"
BEHIND_MODEM = WanSeen("fibre", local="192.168.178.20", destination=SBC)


def seen(**changes: object) -> WanSeen:
    return WanSeen(**({"wan": "fibre", "local": "192.168.178.20", "destination": SBC} | changes))


def judged(wan: WanSeen, role: Role = Role.ROUTER, translates: bool | None = True):
    return judge_double_nat([wan], role, translates=translates)


def evidence(wan: WanSeen, role: Role = Role.ROUTER) -> dict[str, str]:
    (one,) = judged(wan, role).observations
    assert (one.code, one.subject) == ("double-nat", "fibre")
    return one.evidence


# --- on the router


@pytest.mark.parametrize("local", ["203.0.113.9", "198.51.100.2", "100.64.0.7", "172.32.0.1", "2001:db8::2"])
def test_a_wan_address_that_is_not_private_is_no_double_nat(local):
    assert judged(seen(local=local)).outcome is Outcome.OK


def test_the_address_of_a_carriers_nat_is_named_as_that():
    assert judged(seen(local="100.64.0.7")).detail == (
        "fibre: 100.64.0.7 is shared with the provider's other customers"
    )


def test_a_private_router_in_front_of_a_public_one_is_the_second_nat():
    found = evidence(seen(hops=(MODEM, "198.51.100.65"), mapped="203.0.113.9"))
    assert found["outer"] == MODEM
    assert found["confidence"] == "strong"
    assert found["why"] == (
        "this router has the private address 192.168.178.20 there, and 192.168.178.1 translates it to 203.0.113.9"
    )
    assert found["hops"] == "192.168.178.1, 198.51.100.65"


@pytest.mark.parametrize(
    "hops", [None, (), (MODEM,), (MODEM, "10.1.1.1", "198.51.100.65"), ("", MODEM, "", "198.51.100.65")]
)
def test_where_the_way_is_not_clear_it_is_likely_only(hops):
    expected = "strong" if hops and "10.1.1.1" not in hops and len(hops) > 1 else "likely"
    assert evidence(seen(hops=hops))["confidence"] == expected


def test_a_private_address_on_a_line_without_a_router_is_the_providers_doing():
    assert judged(seen(is_point_to_point=True)).outcome is Outcome.OK
    assert judged(seen(hops=("198.51.100.65",))).outcome is Outcome.OK


def test_a_private_network_that_leads_to_a_private_sbc_proves_nothing():
    result = judged(seen(local="10.1.0.2", destination="10.9.0.1", hops=("10.1.0.1", "10.8.0.1")))
    assert result.outcome is Outcome.NOT_CHECKED
    assert evidence(seen(destination="", mapped="203.0.113.9"))["outer"] == "what is in front"


def test_a_router_that_does_not_translate_itself_is_one_nat_only():
    assert judged(BEHIND_MODEM, translates=False).outcome is Outcome.OK
    assert judged(BEHIND_MODEM, translates=None).outcome is Outcome.PROBLEM


# --- on a laptop behind it


def test_a_laptop_behind_one_router_is_where_it_should_be():
    assert judged(seen(local="192.168.1.20", hops=("192.168.1.1", "198.51.100.65")), Role.ENDPOINT).outcome is (
        Outcome.OK
    )


def test_a_laptop_behind_two_private_routers_is_behind_two_nats():
    found = evidence(seen(local="192.168.1.20", hops=("192.168.1.1", MODEM, "198.51.100.65")), Role.ENDPOINT)
    assert found["outer"] == MODEM
    assert found["confidence"] == "likely"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"hops": None}, Outcome.NOT_CHECKED),
        ({"hops": ("192.168.1.1", MODEM), "destination": "10.0.0.1"}, Outcome.NOT_CHECKED),
        ({"hops": ("192.168.1.1", MODEM)}, Outcome.PROBLEM),
        ({"hops": ()}, Outcome.NOT_CHECKED),
        ({"hops": ("198.51.100.65",)}, Outcome.OK),
        ({"local": "203.0.113.9", "hops": None}, Outcome.OK),
    ],
)
def test_what_a_laptop_can_say(changes, outcome):
    assert judged(seen(**({"local": "192.168.1.20"} | changes)), Role.ENDPOINT).outcome is outcome


# --- both


def test_a_wan_without_an_address_is_not_checked():
    result = judge_double_nat([seen(local="203.0.113.9"), WanSeen("lte", unknown="no way there")], Role.ROUTER)
    assert (result.outcome, result.detail.endswith("lte: no way there")) == (Outcome.NOT_CHECKED, True)
    assert judge_double_nat([], Role.ROUTER).outcome is Outcome.NOT_CHECKED


def test_nobody_walks_where_the_address_says_it_all():
    assert needs_a_walk(BEHIND_MODEM, Role.ROUTER)
    assert not needs_a_walk(seen(local="203.0.113.9"), Role.ROUTER)
    assert not needs_a_walk(seen(hops=()), Role.ROUTER)
    assert not needs_a_walk(seen(destination=""), Role.ROUTER)
    assert not needs_a_walk(seen(is_point_to_point=True), Role.ROUTER)
    assert not needs_a_walk(WanSeen("lte"), Role.ENDPOINT)


ADDRESSES = st.sampled_from(["", "192.168.1.1", "10.0.0.1", "100.64.0.1", "203.0.113.1", "2001:db8::1"])


@given(
    st.builds(
        WanSeen,
        wan=st.just("fibre"),
        local=ADDRESSES,
        mapped=ADDRESSES,
        destination=ADDRESSES,
        hops=st.none() | st.lists(ADDRESSES, max_size=4).map(tuple),
        is_point_to_point=st.booleans(),
    ),
    st.sampled_from(Role),
)
def test_whatever_is_seen_there_is_a_verdict_and_what_is_found_has_a_private_address(wan, role):
    result = judge_double_nat([wan], role)
    assert (result.outcome is Outcome.PROBLEM) == bool(result.observations)
    assert not result.observations or wan.local in ("192.168.1.1", "10.0.0.1")
    assert wan.local or result.outcome is Outcome.NOT_CHECKED
