"""Each test is a sentence of RFC 4787 or of the Linux kernel's conntrack."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.drivers.sim.nat import LINUX, Dependence, Nat, NatBehaviour
from tonekeeper.wire.endpoint import Endpoint

PHONE = Endpoint("192.0.2.10", 5060)
SBC = Endpoint("198.51.100.10", 5060)
SBC_OTHER_PORT = Endpoint("198.51.100.10", 5080)
OTHER_SBC = Endpoint("198.51.100.20", 5060)
ENDPOINT_INDEPENDENT, ADDRESS_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT = Dependence


def a_nat(behaviour=None, **changes):
    return Nat("203.0.113.10", replace(behaviour or NatBehaviour(), **changes))


@pytest.mark.parametrize(
    ("mapping", "other_address_same_port", "other_port_same_port"),
    [
        (ENDPOINT_INDEPENDENT, True, True),
        (ADDRESS_DEPENDENT, False, True),
        (ADDRESS_AND_PORT_DEPENDENT, False, False),
    ],
)
def test_mapping_looks_at_as_much_of_the_remote_endpoint_as_its_name_says(
    mapping, other_address_same_port, other_port_same_port
):
    nat = a_nat(mapping=mapping)
    first = nat.outward(0.0, PHONE, SBC)
    assert (nat.outward(0.0, PHONE, OTHER_SBC) == first) is other_address_same_port
    assert (nat.outward(0.0, PHONE, SBC_OTHER_PORT) == first) is other_port_same_port


@pytest.mark.parametrize(
    ("filtering", "lets_in_other_address", "lets_in_other_port"),
    [
        (ENDPOINT_INDEPENDENT, True, True),
        (ADDRESS_DEPENDENT, False, True),
        (ADDRESS_AND_PORT_DEPENDENT, False, False),
    ],
)
def test_filtering_looks_at_as_much_of_the_remote_endpoint_as_its_name_says(
    filtering, lets_in_other_address, lets_in_other_port
):
    nat = a_nat(filtering=filtering)
    external = nat.outward(0.0, PHONE, SBC)
    assert nat.inward(1.0, external, SBC) == PHONE
    assert (nat.inward(1.0, external, OTHER_SBC) == PHONE) is lets_in_other_address
    assert (nat.inward(1.0, external, SBC_OTHER_PORT) == PHONE) is lets_in_other_port


def test_a_port_that_nothing_is_bound_to_lets_nothing_in():
    nat = a_nat()
    assert nat.inward(0.0, Endpoint("203.0.113.10", 40000), SBC) is None
    assert nat.refused == 1


def test_an_unanswered_binding_ends_after_the_unreplied_lifetime():
    nat = a_nat(unreplied=30.0)
    external = nat.outward(0.0, PHONE, SBC)
    assert nat.inward(30.0, external, SBC) is None


def test_a_datagram_outwards_refreshes_a_binding():
    nat = a_nat(unreplied=30.0)
    external = nat.outward(0.0, PHONE, SBC)
    assert nat.outward(29.0, PHONE, SBC) == external
    assert nat.inward(58.9, external, SBC) == PHONE


def test_an_expired_binding_is_replaced_by_one_on_another_port():
    nat = a_nat(unreplied=30.0)
    external = nat.outward(0.0, PHONE, SBC)
    assert nat.outward(31.0, PHONE, SBC) != external


@pytest.mark.parametrize(("refreshes", "gets_in"), [(True, True), (False, False)])
def test_a_datagram_inwards_refreshes_only_where_the_nat_does_that(refreshes, gets_in):
    nat = a_nat(replied=30.0, inbound_refreshes=refreshes)
    external = nat.outward(0.0, PHONE, SBC)
    assert nat.inward(1.0, external, SBC) == PHONE
    assert nat.inward(20.0, external, OTHER_SBC) is None, "a refused datagram refreshes nothing"
    assert nat.inward(29.0, external, SBC) == PHONE
    assert (nat.inward(45.0, external, SBC) == PHONE) is gets_in


def test_the_answer_gives_a_binding_the_replied_lifetime_even_where_it_does_not_refresh():
    nat = a_nat(unreplied=10.0, replied=60.0, inbound_refreshes=False)
    external = nat.outward(0.0, PHONE, SBC)
    assert nat.inward(9.0, external, SBC) == PHONE
    assert nat.inward(59.0, external, SBC) == PHONE
    assert nat.inward(60.0, external, SBC) is None


def test_linux_gives_one_quick_exchange_no_more_than_thirty_seconds():
    nat = a_nat(LINUX)
    external = nat.outward(0.0, PHONE, SBC)
    assert nat.inward(0.02, external, SBC) == PHONE
    assert nat.inward(30.1, external, SBC) is None


def test_linux_calls_it_a_stream_when_datagrams_pass_more_than_two_seconds_after_the_first():
    nat = a_nat(LINUX)
    external = nat.outward(0.0, PHONE, SBC)
    nat.inward(0.02, external, SBC)
    nat.outward(2.01, PHONE, SBC)
    assert nat.inward(122.0, external, SBC) == PHONE


def test_linux_does_not_call_it_a_stream_when_the_second_datagram_comes_within_two_seconds():
    nat = a_nat(LINUX)
    external = nat.outward(0.0, PHONE, SBC)
    nat.inward(0.02, external, SBC)
    nat.outward(1.99, PHONE, SBC)
    assert nat.inward(32.0, external, SBC) is None


def test_linux_does_not_call_it_a_stream_while_nobody_answers():
    nat = a_nat(LINUX)
    external = nat.outward(0.0, PHONE, SBC)
    nat.outward(20.0, PHONE, SBC)
    assert nat.inward(50.0, external, SBC) is None


def test_what_either_end_says_on_a_connection_keeps_its_entry():
    nat = a_nat(tcp=100.0)
    external = nat.connection_outward(0.0, PHONE, SBC, opens=True)
    assert nat.connection_inward(99.0, external, SBC) == PHONE
    assert nat.connection_inward(198.0, external, SBC) == PHONE
    assert nat.connection_outward(297.0, PHONE, SBC, opens=False) == external
    assert nat.connection_inward(397.5, external, SBC) is None


@pytest.mark.parametrize("is_loose", [True, False])
def test_after_its_time_a_connection_goes_on_from_inside_if_the_nat_is_loose(is_loose):
    nat = a_nat(tcp=100.0, is_loose=is_loose)
    external = nat.connection_outward(0.0, PHONE, SBC, opens=True)
    assert nat.connection_inward(100.5, external, SBC) is None
    assert nat.connection_outward(101.0, PHONE, SBC, opens=False) == (external if is_loose else None)
    assert nat.connection_inward(102.0, external, SBC) == (PHONE if is_loose else None)


def test_a_connection_that_was_never_opened_lets_nobody_in_or_out():
    nat = a_nat()
    assert nat.connection_outward(0.0, PHONE, SBC, opens=False) is None
    assert nat.connection_inward(0.0, Endpoint("203.0.113.7", PHONE.port), SBC) is None


@given(st.lists(st.tuples(st.floats(0.0, 60.0), st.integers(1, 40), st.integers(1, 40)), max_size=60))
def test_no_two_live_bindings_share_an_external_port(moves):
    nat = a_nat(mapping=ADDRESS_AND_PORT_DEPENDENT)
    now, owner = 0.0, {}
    for wait, local_port, remote_port in moves:
        now += wait
        local, remote = Endpoint("192.0.2.10", local_port), Endpoint("198.51.100.10", remote_port)
        external = nat.outward(now, local, remote)
        previous = owner.get(external)
        if previous is not None:
            assert previous == (local, remote)
        owner[external] = (local, remote)
        assert nat.inward(now, external, remote) == local
