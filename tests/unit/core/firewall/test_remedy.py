"""The change that lets a blocked flow pass: where it goes, and how it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tonekeeper.core.firewall.flows import Direction, FlowQuestion, FlowVerdict, Origin, RuleSeen, Traffic, Verdict
from tonekeeper.core.firewall.owners import Owner, Place, owner_of, place_of
from tonekeeper.core.firewall.reading import Rulebook
from tonekeeper.core.firewall.remedy import openings_for
from tonekeeper.core.firewall.remedy_words import written_for
from tonekeeper.core.site import RtpRange
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ruleset import Listing, parse_listing

ALTERNATE, ALTERNATE_6 = "198.51.100.20", "2001:db8::20"
RTP = {"alternate": RtpRange(10000, 20000)}


def table(name: str, *chains: str) -> str:
    """A table of the family inet whose chains have these names, each with one rule."""
    body = "".join(f"\tchain {chain} {{\n\t\tdrop # handle {number}\n\t}}\n" for number, chain in enumerate(chains, 2))
    return f"table inet {name} {{\n{body}}}\n"


OPENWRT = """table inet fw4 {
	chain forward {
		type filter hook forward priority filter; policy drop;
		meta l4proto tcp accept # handle 3
		ct state vmap { established : accept, related : accept } comment "!fw4: Handle forwarded flows" # handle 4
		iifname "br-lan" jump forward_lan # handle 5
	}
}
"""
OPENWRT_OF_OLD = """table ip filter {
	chain FORWARD {
		-A FORWARD -m comment --comment "!fw3: Custom forwarding rule chain" -j forwarding_rule # handle 3
		-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "!fw3" -j ACCEPT # handle 4
	}
	chain zone_lan_forward {
	}
}
"""
RULESETS = {
    Owner.NFT: table("fw", "forward"),
    Owner.IPTABLES: "table inet fw {\n\tchain forward {\n\t\t-A forward -j DROP # handle 2\n\t}\n}\n",
    Owner.OPENWRT: OPENWRT,
    Owner.FIREWALLD: table("firewalld", "filter_FORWARD", "filter_FORWARD_POLICIES_pre"),
    Owner.UFW: table("filter", "FORWARD", "ufw-user-forward"),
}
WHERE = {
    Owner.NFT: ("fw", "forward"),
    Owner.IPTABLES: ("fw", "forward"),
    Owner.OPENWRT: ("fw4", "forward"),
    Owner.FIREWALLD: ("firewalld", "filter_FORWARD"),
    Owner.UFW: ("filter", "FORWARD"),
}


def blocked(owner: Owner, *ports: int, host: str = ALTERNATE, direction: Direction = Direction.OUT):
    name, chain = WHERE[owner]
    rule = RuleSeen("inet", name, "only_one", 7, "drop", "", chain, "forward")
    for port in ports:
        traffic = Traffic.UDP if port == 5060 else Traffic.RTP
        question = FlowQuestion(
            Origin.LAN, "alternate", "fibre", traffic, Endpoint(host, port), direction=direction, lan="lan0"
        )
        yield FlowVerdict(question, Verdict.DROP, rule)


def book(owner: Owner, *, owned: bool = False) -> Rulebook:
    """The copy's handles are a hundred more."""
    listing = parse_listing(RULESETS[owner])
    copy = parse_listing(RULESETS[owner].replace("# handle ", "# handle 10"))
    tables = frozenset(listing.tables) if owned else frozenset()
    return Rulebook(copy, Listing(listing.chains, listing.tables, listing.blocks, tables), {}, {})


def openings(owner: Owner, *ports: int, plain: bool = False, **other):
    return openings_for(list(blocked(owner, *ports, **other)), RTP, book(owner), plain=plain)


def test_an_opening_names_the_addresses_and_the_whole_range_of_media():
    assert [opening.nft for opening in openings(Owner.NFT, 5060, 10000, 20000)] == [
        "insert rule inet fw forward ip daddr 198.51.100.20 udp dport 5060 accept",
        "insert rule inet fw forward ip daddr 198.51.100.20 udp dport 10000-20000 accept",
    ]


def test_answers_pass_as_answers_first_and_by_address_where_that_does_not_help():
    group = list(blocked(Owner.NFT, 5060, direction=Direction.RETURN))
    assert [one.nft for one in openings_for(group, RTP, book(Owner.NFT))] == [
        "insert rule inet fw forward ct state established,related accept"
    ]
    assert [one.nft for one in openings_for(group, RTP, book(Owner.NFT), stateful=False)] == [
        "insert rule inet fw forward ip saddr 198.51.100.20 udp sport 5060 accept"
    ]


@pytest.mark.parametrize(
    ("owner", "begin"),
    [
        (Owner.OPENWRT, "add rule inet fw4 forward handle 104 "),
        (Owner.FIREWALLD, "insert rule inet firewalld filter_FORWARD_POLICIES_pre "),
        (Owner.UFW, "insert rule inet filter ufw-user-forward "),
    ],
)
def test_an_opening_is_tried_where_the_owner_of_the_rules_would_put_it(owner, begin):
    (opening,) = openings(owner, 5060)
    assert opening.nft == f"{begin}ip daddr 198.51.100.20 udp dport 5060 accept"
    (plain,) = openings(owner, 5060, plain=True)
    assert plain.nft.startswith(f"insert rule inet {' '.join(WHERE[owner])} ")
    assert plain.owner is owner.tool


def test_a_table_that_only_its_program_may_change_is_opened_in_the_words_of_that_one_or_not_at_all():
    group = list(blocked(Owner.FIREWALLD, 5060))
    assert openings_for(group, RTP, book(Owner.FIREWALLD, owned=True))
    assert openings_for(group, RTP, book(Owner.FIREWALLD, owned=True), plain=True) == ()
    assert openings_for(list(blocked(Owner.NFT, 5060)), RTP, book(Owner.NFT, owned=True)) == ()


@pytest.mark.parametrize(
    ("ruleset", "name", "owner"),
    [
        *((text, WHERE[owner][0], owner) for owner, text in RULESETS.items()),
        (OPENWRT_OF_OLD.replace("ip filter", "inet filter"), "filter", Owner.OPENWRT),
    ],
)
def test_what_owns_a_table_is_known_by_what_it_leaves_there(ruleset, name, owner):
    assert owner_of(parse_listing(ruleset), "inet", name) is owner


def test_a_table_with_nothing_but_policies_is_of_iptables_if_its_chains_are_called_so():
    text = "table ip6 filter {{\n\tchain {} {{\n\t\ttype filter hook forward priority filter; policy drop;\n\t}}\n}}\n"
    assert owner_of(parse_listing(text.format("FORWARD")), "ip6", "filter") is Owner.IPTABLES
    assert owner_of(parse_listing(text.format("forward")), "ip6", "filter") is Owner.NFT


def test_rules_of_the_older_openwrt_stand_behind_the_one_for_answers_too():
    assert place_of(Owner.OPENWRT, parse_listing(OPENWRT_OF_OLD), "ip", "filter", "FORWARD") == Place("FORWARD", 2)


@pytest.mark.parametrize("chain", ["filter_OUTPUT_POLICIES_pre", "filter_OUTPUT_POLICIES", "filter_OUTPUT_dispatch"])
def test_the_policies_of_firewalld_are_found_whatever_its_version_calls_them(chain):
    listing = parse_listing(table("firewalld", "filter_OUTPUT", chain))
    assert place_of(Owner.FIREWALLD, listing, "inet", "firewalld", "filter_OUTPUT") == Place(chain)


@pytest.mark.parametrize("hook_chain", ["mangle_forward", "filter_PREROUTING", "FORWARD"])
def test_for_other_chains_than_its_own_an_owner_has_no_words(hook_chain):
    listing = parse_listing(table("firewalld", hook_chain))
    assert place_of(Owner.FIREWALLD, listing, "inet", "firewalld", hook_chain) is None


@pytest.mark.parametrize(
    ("owner", "first"),
    [
        (
            Owner.NFT,
            "nft insert rule inet fw forward ip daddr 198.51.100.20 udp dport 5060 accept comment '\"tonekeeper\"'",
        ),
        (Owner.IPTABLES, "iptables -t fw -I forward -d 198.51.100.20 -p udp --dport 5060 -j ACCEPT"),
        (Owner.OPENWRT, "uci add firewall rule"),
        (Owner.FIREWALLD, "firewall-cmd --permanent --new-policy tonekeeper-lan || true"),
        (Owner.UFW, "ufw route prepend allow proto udp from any to 198.51.100.20 port 5060"),
    ],
)
def test_a_change_is_written_in_the_words_of_what_owns_the_rules(owner, first):
    assert written_for(openings(owner, 5060))[0] == first


def test_rules_of_the_old_iptables_are_changed_with_the_old_iptables():
    (opening,) = openings(Owner.IPTABLES, 5060, host=ALTERNATE_6)
    (written,) = written_for([replace(opening, owner=Owner.IPTABLES_LEGACY)])
    assert written == "ip6tables-legacy -t fw -I forward -d 2001:db8::20 -p udp --dport 5060 -j ACCEPT"


def test_a_change_of_firewalld_makes_its_policy_once_and_takes_it_over_at_the_end():
    written = written_for((*openings(Owner.FIREWALLD, 5060, 10000), *openings(Owner.FIREWALLD, 5060, host=ALTERNATE_6)))
    assert [line for line in written if "--new-policy" in line] == [written[0]]
    assert len([line for line in written if "--add-rich-rule" in line]) == 3
    assert [line for line in written if "family=ipv6" in line] == [written[-2]]
    assert written[-1] == "firewall-cmd --reload"


def test_a_change_of_openwrt_goes_from_any_zone_to_any_and_comes_first():
    written = written_for(openings(Owner.OPENWRT, 5060, 10000))
    assert written.count("uci set firewall.@rule[-1].src='*'") == 2
    assert written.count("uci reorder firewall.@rule[-1]=0") == 2
    assert written[-2:] == ("uci commit firewall", "service firewall restart")
