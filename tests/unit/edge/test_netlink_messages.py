"""Messages as the kernel writes them, through pyroute2's decoder, into the table. No socket is opened."""

from __future__ import annotations

import pytest
from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from tonekeeper.core.events import LinkChanged
from tonekeeper.edge.link_table import LinkTable
from tonekeeper.edge.netlink.exchange import split
from tonekeeper.edge.netlink.link_messages import learn

UP, RUNNING, LOWER_UP, DORMANT = 0x1, 0x40, 0x10000, 0x20000
AF_INET, AF_INET6, AF_BRIDGE = 2, 10, 7
UNIVERSE, LINK = 0, 253


def through_the_wire(message, kind):
    message["header"]["type"] = kind
    message.encode()
    (read,) = split(bytes(message.data))
    return read


def link(name="eth0", index=2, flags=UP | RUNNING | LOWER_UP, family=0, kind=rtnl.RTM_NEWLINK):
    message = ifinfmsg()
    message["index"], message["flags"], message["family"] = index, flags, family
    message["attrs"] = [("IFLA_IFNAME", name)]
    return through_the_wire(message, kind)


def address(host, family=AF_INET, flags=0, scope=UNIVERSE, peer=None, kind=rtnl.RTM_NEWADDR):
    message = ifaddrmsg()
    message["index"], message["family"], message["prefixlen"], message["scope"] = 2, family, 24, scope
    own = [("IFA_LOCAL", host)] if family == AF_INET or peer else []
    message["attrs"] = [("IFA_ADDRESS", peer or host), *own, ("IFA_FLAGS", flags)]
    return through_the_wire(message, kind)


def state_after(*messages) -> LinkChanged:
    table = LinkTable()
    for message in messages:
        learn(table, message)
    return table.state("eth0")


@pytest.mark.parametrize(
    ("flags", "carrier"),
    [
        (UP | RUNNING | LOWER_UP, True),
        (UP, False),
        (0, False),
        (UP | LOWER_UP | DORMANT, False),
        (UP | RUNNING, False),
    ],
    ids=["up", "cable out", "set down", "802.1X not passed", "no lower layer"],
)
def test_carrier_means_that_packets_can_leave(flags, carrier):
    assert state_after(link(flags=flags)).carrier is carrier


def test_a_deleted_link_is_absent():
    assert not state_after(link(), link(flags=0, kind=rtnl.RTM_DELLINK)).present


def test_a_port_that_leaves_its_bridge_is_not_deleted():
    assert state_after(link(), link(family=AF_BRIDGE, kind=rtnl.RTM_DELLINK)).present


def test_what_a_bridge_says_about_its_port_is_no_news_of_the_link():
    assert not learn(LinkTable(), link(family=AF_BRIDGE))


def test_of_a_point_to_point_link_our_own_end_is_told():
    assert state_after(link(), address("192.0.2.1", peer="192.0.2.254")).addresses == ("192.0.2.1",)
    own, peer = "2001:db8::1", "2001:db8::fe"
    assert state_after(link(), address(own, AF_INET6, peer=peer)).addresses == (own,)


@pytest.mark.parametrize("flag", [0x40, 0x08, 0x20], ids=["tentative", "duplicate", "deprecated"])
def test_an_ipv6_address_that_is_not_to_be_used_is_not_told(flag):
    assert state_after(link(), address("2001:db8::1", AF_INET6, flag)).addresses == ()


def test_an_ipv6_address_is_told_when_it_stops_being_tentative():
    messages = (address("2001:db8::1", AF_INET6, 0x40), address("2001:db8::1", AF_INET6, 0x80))
    assert state_after(link(), *messages).addresses == ("2001:db8::1",)


def test_the_flags_of_an_ipv4_address_do_not_matter():
    assert state_after(link(), address("192.0.2.1", flags=0x20)).addresses == ("192.0.2.1",)


def test_link_local_addresses_are_not_told():
    assert state_after(link(), address("fe80::1", AF_INET6, scope=LINK)).addresses == ()


def test_an_address_that_was_removed_is_gone():
    messages = (address("192.0.2.1"), address("192.0.2.1", kind=rtnl.RTM_DELADDR))
    assert state_after(link(), *messages).addresses == ()


def test_other_messages_are_no_news():
    message = through_the_wire(ifinfmsg(), rtnl.RTM_NEWNEIGH)
    assert not learn(LinkTable(), message)
