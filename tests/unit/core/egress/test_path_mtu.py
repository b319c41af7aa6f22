"""How long a packet may be, found out over ways that cut, tell, swallow and lose."""

from __future__ import annotations

import errno
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.egress.world import TOO_BIG, Router, Way, World, examine, question
from tonekeeper.core.egress.messages import IcmpReceived, SendRefused
from tonekeeper.core.egress.path_mtu import PLATEAUS, SHORTEST
from tonekeeper.core.egress.result import Fact, Icmp, Outcome, PathMtu
from tonekeeper.core.site import Transport

MOST_PACKETS = 190
LONGEST = 60.0


def narrow(mtu: int, *, tells: bool = True, **changes: object) -> Way:
    return Way([Router("192.0.2.1"), Router("192.0.2.2", mtu=mtu, tells=tells), Router("192.0.2.3")], **changes)


def measured(way: Way) -> PathMtu:
    trial = examine(way)
    assert trial.mtu is not None, trial
    assert trial.packets <= MOST_PACKETS
    assert trial.elapsed_s <= LONGEST
    return trial.mtu


def test_a_way_that_is_well_takes_the_longest_packet_and_its_fragments():
    assert measured(Way()) == PathMtu(tried=1500, largest=1500, pieces=Fact.YES)


def test_it_begins_with_what_the_interface_takes():
    assert measured(Way(interface_mtu=1492)).largest == 1492


def test_an_interface_for_jumbo_frames_is_asked_about_what_phones_send():
    assert measured(Way([Router("192.0.2.1")], interface_mtu=9000)).tried == 1500


@given(st.integers(SHORTEST + 1, 1499))
def test_a_router_that_says_how_long_it_may_be_is_believed_and_tried(mtu):
    found = measured(narrow(mtu))
    assert (found.largest, found.told, found.told_by) == (mtu, mtu, "192.0.2.2")
    assert not found.is_black_hole
    assert (found.cut, found.pieces) == (Fact.YES, Fact.YES)


def test_a_router_that_tells_costs_few_packets():
    assert examine(narrow(1400)).packets <= 6


@given(st.integers(SHORTEST, 1499))
def test_a_black_hole_is_measured_to_the_byte_and_placed(mtu):
    found = measured(narrow(mtu, tells=False))
    assert (found.largest, found.told_by, found.lost_after) == (mtu, "", "192.0.2.2")
    assert found.is_black_hole
    assert found.cut is Fact.YES


@pytest.mark.parametrize("mtu", PLATEAUS)
def test_what_links_have_is_found_with_few_packets(mtu):
    assert examine(narrow(mtu, tells=False)).packets <= 90


def test_a_way_that_lets_no_padded_packet_through_has_no_length():
    found = measured(narrow(500, tells=False))
    assert found.largest is None
    assert found.is_black_hole


def test_two_narrow_links_are_told_one_after_the_other():
    routers = [Router("192.0.2.1", mtu=1492), Router("192.0.2.2", mtu=1400)]
    found = measured(Way(routers))
    assert (found.largest, found.told, found.told_by) == (1400, 1400, "192.0.2.2")


def test_a_black_hole_below_what_a_router_told_is_one_all_the_same():
    routers = [Router("192.0.2.1", mtu=1492), Router("192.0.2.2", mtu=1400, tells=False)]
    found = measured(Way(routers))
    assert (found.largest, found.told) == (1400, 1492)
    assert found.is_black_hole


@pytest.mark.parametrize("nonsense", [0, 68, 1500, 9000])
def test_a_router_that_errs_about_the_length_does_not_mislead(nonsense):
    world = World(narrow(1400, tells=False))
    world.run(until=lambda world: any(sent.whole for sent in world.sent))
    world.tell(IcmpReceived(Icmp(*TOO_BIG, "192.0.2.2", nonsense)))
    found = world.run().mtu
    assert found is not None
    assert found.largest == 1400


def test_fragments_that_are_lost_are_noticed():
    way = Way([Router("192.0.2.1"), Router("192.0.2.2", drops_fragments=True)])
    assert measured(way) == PathMtu(tried=1500, largest=1500, pieces=Fact.NO)


def test_a_black_hole_that_swallows_fragments_too_is_known_by_the_walk():
    routers = [Router("192.0.2.1", mtu=1400, tells=False, drops_fragments=True), Router("192.0.2.2")]
    found = measured(Way(routers))
    assert (found.largest, found.pieces, found.lost_after) == (1400, Fact.NO, "192.0.2.1")


def test_a_way_that_closes_meanwhile_has_no_length():
    world = World(narrow(1400, tells=False))
    world.happens[5] = lambda: setattr(world.way.routers[0], "drops", True)
    trial = world.run()
    assert (trial.outcome, trial.mtu) == (Outcome.ANSWERED, None)


def test_an_interface_that_takes_less_than_it_says_is_asked_again():
    world = World()
    world.run(until=lambda world: any(sent.whole for sent in world.sent))
    world.forget()
    world.tell(SendRefused(errno.EMSGSIZE, 1420))
    found = world.run().mtu
    assert found is not None
    assert (found.tried, found.largest) == (1420, 1420)


def test_fragments_that_this_host_does_not_send_are_not_checked():
    world = World()
    world.run(until=lambda world: any(sent.octets > 1500 for sent in world.sent))
    world.tell(SendRefused(errno.EMSGSIZE))
    assert world.run().mtu == PathMtu(tried=1500, largest=1500)


@given(st.integers(0, 2**32), st.sampled_from([0.02, 0.05, 0.1]))
def test_loss_is_no_limit(seed, share):
    """One in ten lost each way: four tries fail together once in 700 times, and then six more would have to."""
    random = Random(seed)
    trial = examine(Way(loses=lambda number: random.random() < share))
    if trial.mtu is not None:
        assert trial.mtu.largest == 1500


def test_patience_grows_with_the_round_trip():
    near = World(narrow(1400, tells=False), question())
    near.run()
    assert near.result is not None
    assert near.result.elapsed_s < 20.0


def test_over_tcp_no_packet_is_measured():
    assert examine(Way(), Transport.TCP).mtu is None
