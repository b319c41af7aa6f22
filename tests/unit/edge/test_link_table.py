"""Interfaces by index, told by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.events import LinkChanged
from tonekeeper.edge.link_table import Address, Link, LinkTable, WatchedNames


def table(*links: Link) -> LinkTable:
    made = LinkTable()
    for link in links:
        made.put_link(link)
    return made


def give(to: LinkTable, index: int, *hosts: str, is_global: bool = True) -> None:
    for host in hosts:
        to.put_address(Address(index, host, 24), is_global=is_global, usable=True)


def absent(name: str) -> LinkChanged:
    return LinkChanged(name, present=False, carrier=False, addresses=())


def present(name: str, *addresses: str, carrier: bool = True) -> LinkChanged:
    return LinkChanged(name, present=True, carrier=carrier, addresses=addresses)


def test_a_name_that_no_interface_has_is_absent():
    assert table().state("eth0") == absent("eth0")


def test_an_address_may_be_told_before_its_link():
    links = LinkTable()
    give(links, 2, "192.0.2.1")
    links.put_link(Link(2, "eth0", carrier=True))
    assert links.state("eth0") == present("eth0", "192.0.2.1")


def test_ipv4_addresses_come_first_and_each_once():
    links = table(Link(2, "eth0", carrier=True))
    give(links, 2, "2001:db8::1", "192.0.2.2", "192.0.2.1")
    links.put_address(Address(2, "192.0.2.2", 32), is_global=True, usable=True)
    assert links.state("eth0") == present("eth0", "192.0.2.2", "192.0.2.1", "2001:db8::1")


def test_an_address_that_stops_being_usable_is_gone_until_it_is_usable_again():
    links = table(Link(2, "eth0", carrier=True))
    address = Address(2, "2001:db8::1", 64)
    links.put_address(address, is_global=True, usable=True)
    links.put_address(address, is_global=True, usable=False)
    assert links.state("eth0") == present("eth0")
    links.put_address(address, is_global=True, usable=True)
    assert links.state("eth0") == present("eth0", "2001:db8::1")


def test_only_loopback_shows_addresses_of_narrower_scope():
    links = table(Link(1, "lo", carrier=True), Link(2, "eth0", carrier=True))
    give(links, 1, "127.0.0.1", "::1", is_global=False)
    give(links, 2, "169.254.1.1", "fe80::1", is_global=False)
    assert links.state("lo") == present("lo", "127.0.0.1", "::1")
    assert links.state("eth0") == present("eth0")


def test_an_interface_that_is_deleted_takes_its_addresses_along():
    links = table(Link(2, "eth0", carrier=True))
    give(links, 2, "192.0.2.1")
    links.remove_link(2)
    assert links.state("eth0") == absent("eth0")
    links.put_link(Link(2, "eth0", carrier=True))
    assert links.state("eth0") == present("eth0")


def test_an_interface_that_is_made_again_under_another_index_is_the_same_name():
    links = table(Link(2, "eth0", carrier=True))
    links.remove_link(2)
    links.put_link(Link(7, "eth0", carrier=False))
    assert links.state("eth0") == present("eth0", carrier=False)


def test_a_renamed_interface_keeps_its_addresses_and_leaves_its_old_name():
    links = table(Link(2, "eth0", carrier=True))
    give(links, 2, "192.0.2.1")
    watched = WatchedNames(["eth0", "wan"])
    assert watched.news(links) == [present("eth0", "192.0.2.1"), absent("wan")]
    links.put_link(Link(2, "wan", carrier=True))
    assert watched.news(links) == [absent("eth0"), present("wan", "192.0.2.1")]


def test_what_was_told_is_not_told_again_nor_is_a_new_order():
    links = table(Link(2, "eth0", carrier=True))
    give(links, 2, "192.0.2.1", "192.0.2.2")
    watched = WatchedNames(["eth0"])
    assert len(watched.news(links)) == 1
    assert watched.news(links) == []
    links.remove_address(Address(2, "192.0.2.1", 24))
    give(links, 2, "192.0.2.1")
    assert watched.news(links) == []


def test_names_watched_from_now_on_are_told_and_those_that_stay_are_not():
    links = table(Link(2, "eth0", carrier=True))
    watched = WatchedNames(["eth0"])
    watched.news(links)
    watched.watch(["wwan0", "eth0"])
    assert watched.news(links) == [absent("wwan0")]


names = st.sampled_from(["eth0", "wwan0", "wan"])
changes = st.one_of(
    st.builds(Link, st.integers(1, 3), names, st.booleans()),
    st.integers(1, 3),
    st.tuples(st.integers(1, 3), st.sampled_from(["192.0.2.1", "2001:db8::1"]), st.booleans()),
)


@given(st.lists(changes, max_size=40))
def test_who_adds_up_the_news_knows_what_who_asks_at_the_end_is_told(sequence):
    links, watched, heard = LinkTable(), WatchedNames(["eth0", "wwan0", "wan"]), {}
    for change in [None, *sequence]:
        match change:
            case Link():
                links.put_link(change)
            case int():
                links.remove_link(change)
            case (index, host, usable):
                links.put_address(Address(index, host, 24), is_global=True, usable=usable)
        heard |= {state.interface: state for state in watched.news(links)}
    for name, state in heard.items():
        now = links.state(name)
        assert (state.present, state.carrier, set(state.addresses)) == (now.present, now.carrier, set(now.addresses))
