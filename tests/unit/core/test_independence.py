from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.independence import SharedPlace, shared_places


def test_two_sbcs_with_networks_of_their_own_share_nothing():
    assert shared_places({"primary": ["192.0.2.10"], "alternate": ["198.51.100.10"]}) == []


def test_the_same_address_twice_is_one_machine():
    assert shared_places({"primary": ["192.0.2.10"], "alternate": ["198.51.100.1", "192.0.2.10"]}) == [
        SharedPlace("primary", "alternate", "have the same address 192.0.2.10")
    ]


def test_two_addresses_of_one_v4_24_are_neighbours():
    assert shared_places({"primary": ["192.0.2.10"], "alternate": ["192.0.2.200"]}) == [
        SharedPlace("primary", "alternate", "are neighbours in 192.0.2.0/24 (192.0.2.10 and 192.0.2.200)")
    ]


def test_the_next_v4_24_is_another_place():
    assert shared_places({"primary": ["198.51.100.255"], "alternate": ["198.51.101.0"]}) == []


def test_two_addresses_of_one_v6_48_are_neighbours():
    assert shared_places({"primary": ["2001:db8:1:1::5"], "alternate": ["2001:db8:1:ffff::5"]}) == [
        SharedPlace(
            "primary",
            "alternate",
            "are neighbours in 2001:db8:1::/48 (2001:db8:1:1::5 and 2001:db8:1:ffff::5)",
        )
    ]


def test_the_next_v6_48_is_another_place():
    assert shared_places({"primary": ["2001:db8:1::5"], "alternate": ["2001:db8:2::5"]}) == []


def test_the_same_address_is_said_rather_than_the_neighbourhood():
    shared = shared_places({"primary": ["192.0.2.1", "198.51.100.7"], "alternate": ["192.0.2.2", "198.51.100.7"]})
    assert [place.why for place in shared] == ["have the same address 198.51.100.7"]


@pytest.mark.parametrize("written", ["2001:DB8:0:0::5", "2001:db8::5%eth0", "2001:0db8::0005"])
def test_an_address_is_the_same_however_it_is_written(written):
    assert shared_places({"primary": ["2001:db8::5"], "alternate": [written]})[0].why.startswith("have the same")


def test_an_ipv4_address_written_into_ipv6_is_what_it_is():
    assert shared_places({"primary": ["192.0.2.10"], "alternate": ["::ffff:192.0.2.10"]})[0].why == (
        "have the same address 192.0.2.10"
    )


def test_two_addresses_of_one_sbc_are_its_own_business():
    assert shared_places({"primary": ["192.0.2.10", "192.0.2.11"]}) == []


def test_an_sbc_without_addresses_shares_nothing():
    assert shared_places({"primary": [], "alternate": ["192.0.2.10"], "third": []}) == []


def test_of_three_in_one_place_every_pair_is_told_once_in_the_order_of_the_configuration():
    shared = shared_places({"c": ["192.0.2.1"], "a": ["192.0.2.2"], "b": ["192.0.2.3"]})
    assert [(place.one, place.other) for place in shared] == [("c", "a"), ("c", "b"), ("a", "b")]


ADDRESSES = st.lists(st.ip_addresses().map(str), max_size=4)


@given(ADDRESSES, ADDRESSES)
def test_what_two_share_does_not_depend_on_who_is_asked_first(one, other):
    assert bool(shared_places({"a": one, "b": other})) == bool(shared_places({"b": other, "a": one}))


@given(ADDRESSES.filter(bool), ADDRESSES)
def test_a_copy_of_an_sbc_always_shares_a_place_with_it(addresses, more):
    assert shared_places({"a": addresses, "b": [*more, addresses[0]]})
