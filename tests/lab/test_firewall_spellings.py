""" "Allow outbound to only one IP", as the field writes it: always the same finding, and a change that mends it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.asked_firewall import EVERYTHING, NOTHING, PRIMARY_AND_ALTERNATE, passing, said_of
from tests.lab.crossing import SERVERS, Crossing
from tests.lab.needs import missing
from tonekeeper.app.firewall import Examination, examine, live_host
from tonekeeper.core.firewall.flows import Origin, Places
from tonekeeper.core.site import LanPolicy, Sbc, Site, Target, Transport, Wan
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

PRIMARY, ALTERNATE = SERVERS
ANSWERS = "ct state established,related accept"
SPELLINGS = {
    "a set": f"""
        set sbcs {{ type ipv4_addr; elements = {{ {PRIMARY} }} }}
        chain forward {{ type filter hook forward priority filter; policy drop; {ANSWERS}; ip daddr @sbcs accept; }}
    """,
    "addresses with their ports": f"""
        set sbcs {{
            type ipv4_addr . inet_service; flags interval
            elements = {{ {PRIMARY} . 5060, {PRIMARY} . 10000-20000 }}
        }}
        chain forward {{
            type filter hook forward priority filter; policy drop
            {ANSWERS}
            ip daddr . udp dport @sbcs accept
        }}
    """,
    "a map of verdicts": f"""
        chain forward {{
            type filter hook forward priority filter
            {ANSWERS}
            ip daddr vmap {{ {PRIMARY} : accept }}
            iifname lan0 jump refuse
        }}
        chain refuse {{ reject with icmpx admin-prohibited
        }}
    """,
    "all but one": f"""
        chain early {{
            type filter hook prerouting priority mangle
            iifname lan0 udp dport {{ 5060, 10000-20000 }} ip daddr != {PRIMARY} drop
        }}
    """,
    "a network that ends too early": f"""
        chain forward {{
            type filter hook forward priority filter; policy accept
            {ANSWERS}
            udp dport 5060 ip daddr != 198.51.100.0/28 drop
            udp dport 10000-20000 ip daddr != 198.51.100.0/28 drop
        }}
    """,
}
ANSWERED = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
MULTIPORT = f"""*filter
:FORWARD ACCEPT [0:0]
{ANSWERED}
-A FORWARD -d {PRIMARY} -p udp -m multiport --dports 5060,10000:20000 -j ACCEPT
-A FORWARD -i lan0 -j REJECT
COMMIT
"""
OWN_CHAIN = f"""*filter
:FORWARD DROP [0:0]
:voip - [0:0]
{ANSWERED}
-A FORWARD -i lan0 -p udp -j voip
-A voip -d {PRIMARY} -j ACCEPT
-A voip -j LOG --log-prefix "not voip "
COMMIT
"""
OPENWRT = f"""
table inet fw4 {{
    chain forward {{
        type filter hook forward priority filter; policy drop;
        ct state vmap {{ established : accept, related : accept }} comment "!fw4: Handle forwarded flows"
        iifname "lan0" jump forward_lan comment "!fw4: Handle lan IPv4/IPv6 forward traffic"
        jump handle_reject
    }}
    chain forward_lan {{
        ip daddr {PRIMARY} counter jump accept_to_wan comment "!fw4: Allow-SBC"
        jump reject_to_wan comment "!fw4: Reject lan to wan forwarding"
    }}
    chain accept_to_wan {{
        meta nfproto ipv4 oifname {{ "wan0", "wan1" }} ct state invalid counter drop comment "!fw4: Prevent NAT leakage"
        oifname {{ "wan0", "wan1" }} counter accept comment "!fw4: accept wan IPv4/IPv6 traffic"
    }}
    chain reject_to_wan {{
        oifname {{ "wan0", "wan1" }} counter jump handle_reject comment "!fw4: reject wan IPv4/IPv6 traffic"
    }}
    chain handle_reject {{
        meta l4proto tcp reject with tcp reset comment "!fw4: Reject TCP traffic"
        reject comment "!fw4: Reject any other traffic"
    }}
}}
"""
PRIMARY_6, ALTERNATE_6 = "2001:db8:f::10", "2001:db8:f::20"


@pytest.fixture(scope="module")
def crossing() -> Iterator[Crossing]:
    if reason := missing():
        pytest.skip(reason)
    with Crossing() as crossing:
        _add_ipv6(crossing)
        yield crossing


@pytest.fixture
def site(crossing, tmp_path) -> Iterator[Path]:
    path = tmp_path / "site.toml"
    path.write_text(PRIMARY_AND_ALTERNATE)
    yield path
    crossing.router.nft("flush ruleset")
    crossing.router.run("iptables-legacy-restore", stdin="*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")


def change(crossing: Crossing, site: Path, begin: str) -> str:
    """What to paste, of the one finding there is; nothing of it passes so far."""
    (finding,) = said_of(crossing, site)["findings"]
    assert (finding["code"], finding["subject"]) == ("firewall-blocks-alternate", "alternate")
    assert finding["remedy"].startswith(begin)
    assert passing(crossing, Origin.LAN) == NOTHING
    remedy: str = finding["remedy"]
    return remedy


def is_mended(crossing: Crossing, site: Path) -> bool:
    return passing(crossing, Origin.LAN) == EVERYTHING and said_of(crossing, site)["findings"] == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_in_rules_of_nftables(crossing, site, spelling):
    crossing.router.nft(f"table inet strict {{ {SPELLINGS[spelling]} }}")
    crossing.router.run("sh", "-e", stdin=change(crossing, site, "nft insert rule inet strict "))
    assert is_mended(crossing, site)


@pytest.mark.parametrize("program", ["iptables-nft", "iptables-legacy"])
@pytest.mark.parametrize("rules", [MULTIPORT, OWN_CHAIN], ids=["multiport", "own chain"])
def test_in_rules_of_iptables(crossing, site, program, rules):
    crossing.router.run(f"{program}-restore", stdin=rules)
    said = change(crossing, site, program.removesuffix("-nft") + " -t filter -I FORWARD -d 198.51.100.20 ")
    crossing.router.run("sh", "-e", stdin=said)
    assert is_mended(crossing, site)


def test_in_a_set_of_ipset(crossing, site):
    crossing.router.run("ipset", "restore", stdin=f"create sbcs hash:ip\nadd sbcs {PRIMARY}\n")
    try:
        rules = f"*filter\n:FORWARD DROP [0:0]\n{ANSWERED}\n-A FORWARD -m set --match-set sbcs dst -j ACCEPT\nCOMMIT\n"
        crossing.router.run("iptables-nft-restore", stdin=rules)
        crossing.router.run("sh", "-e", stdin=change(crossing, site, "iptables -t filter -I FORWARD "))
        assert is_mended(crossing, site)
    finally:
        crossing.router.nft("flush ruleset")
        crossing.router.run("ipset", "destroy", "sbcs")


def test_in_zones_of_openwrt(crossing, site):
    """There is no OpenWrt here: what its fw4 makes of the change is written by hand, at the place where it does."""
    crossing.router.nft(OPENWRT)
    said = change(crossing, site, "uci add firewall rule\n")
    assert said.endswith("uci commit firewall\nservice firewall restart")
    listed = crossing.router.run("nft", "-a", "list", "chain", "inet", "fw4", "forward")
    (answers,) = [line.split()[-1] for line in listed.splitlines() if "Handle forwarded flows" in line]
    for ports in ("5060", "10000-20000"):
        assert f"dest_port='{ports}'" in said
        rule = f"ip daddr {ALTERNATE} udp dport {ports} counter accept"
        crossing.router.nft(f'add rule inet fw4 forward handle {answers} {rule} comment "!fw4: tonekeeper"')
    assert is_mended(crossing, site)


@pytest.mark.parametrize("interface", ["wan0", "wan1"])
def test_where_there_is_one_wan(crossing, site, interface):
    first, last = PRIMARY_AND_ALTERNATE.index("[[wan]]"), PRIMARY_AND_ALTERNATE.index("[[sbc]]")
    only = f'[[wan]]\nname = "only"\ninterface = "{interface}"\n'
    site.write_text(PRIMARY_AND_ALTERNATE[:first] + only + PRIMARY_AND_ALTERNATE[last:])
    crossing.router.nft(f"table inet strict {{ {SPELLINGS['a set']} }}")
    (finding,) = said_of(crossing, site)["findings"]
    assert (finding["code"], finding["subject"]) == ("firewall-blocks-alternate", "alternate")
    assert finding["evidence"]["wans"] == "only"


@pytest.mark.parametrize(
    ("rules", "begin"),
    [
        (f"ip daddr {PRIMARY} accept", "nft insert rule inet strict forward ip6 daddr "),
        (f"meta nfproto ipv4 accept; ip6 daddr {PRIMARY_6} accept", "nft insert rule inet strict forward ip6 daddr "),
    ],
)
def test_where_the_alternate_is_an_address_of_ipv6(crossing, site, rules, begin):
    site.write_text(PRIMARY_AND_ALTERNATE.replace(ALTERNATE, f"[{ALTERNATE_6}]"))
    crossing.router.nft(
        f"table inet strict {{ chain forward {{ type filter hook forward priority filter; policy drop; {ANSWERS}\n"
        f"{rules}\nicmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept\n}}\n}}"
    )
    (finding,) = said_of(crossing, site)["findings"]
    assert (finding["code"], finding["subject"]) == ("firewall-blocks-alternate", "alternate")
    assert finding["evidence"]["wans"] == "fibre"  # the other one has no such address
    assert finding["remedy"].startswith(f"{begin}{ALTERNATE_6} udp dport 5060 accept")
    assert not _arrives_over_ipv6(crossing)
    crossing.router.run("sh", "-e", stdin=finding["remedy"])
    assert _arrives_over_ipv6(crossing)
    assert said_of(crossing, site)["findings"] == []


def test_where_rules_of_ip6tables_forget_the_alternate(crossing, site):
    site.write_text(PRIMARY_AND_ALTERNATE.replace(ALTERNATE, f"[{ALTERNATE_6}]"))
    crossing.router.run("ip6tables-nft", "-P", "FORWARD", "DROP")
    (finding,) = said_of(crossing, site)["findings"]
    assert finding["code"] == "firewall-blocks-alternate"
    assert finding["remedy"].startswith(f"ip6tables -t filter -I FORWARD -d {ALTERNATE_6} -p udp --dport 5060")
    crossing.router.run("sh", "-e", stdin=finding["remedy"])
    assert _arrives_over_ipv6(crossing)


def test_where_one_sbc_has_several_addresses(crossing, site):
    crossing.router.nft(f"table inet strict {{ {SPELLINGS['a set']} }}")
    found = examined(crossing, Sbc("provider", "sip:sbc.example.net", "sbc.example.net"), PRIMARY, ALTERNATE)
    (problem,) = found.problems
    assert (problem.code, problem.subject) == ("firewall-blocks-alternate", f"provider/{ALTERNATE}:5060")
    assert problem.evidence["reached"] == PRIMARY
    assert problem.evidence["unreached"] == f"{ALTERNATE} of provider"
    crossing.router.run("sh", "-e", stdin=problem.evidence["change"])
    assert passing(crossing, Origin.LAN) == EVERYTHING


def examined(crossing: Crossing, sbc: Sbc, *hosts: str) -> Examination:
    """Asked about an SBC whose name has these addresses."""
    site = Site("lab", (Wan("fibre", "wan0"), Wan("lte", "wan1")), (sbc,), lan=LanPolicy(("lan0",)))
    targets = tuple(Target(Transport.UDP, Endpoint(host, 5060)) for host in hosts)
    return crossing.router.inside(lambda: examine(live_host(site), Places({sbc.name: targets}, {})))


def _add_ipv6(crossing: Crossing) -> None:
    """Over the fibre only; its servers are addresses of the other end."""
    addresses = {
        (crossing.phone, "lan"): ("2001:db8:1::64/64", "default via 2001:db8:1::1"),
        (crossing.router, "lan0"): ("2001:db8:1::1/64", ""),
        (crossing.router, "wan0"): ("2001:db8:2::2/64", "default via 2001:db8:2::1"),
        (crossing.world, "wan0"): ("2001:db8:2::1/64", "2001:db8:1::/64 via 2001:db8:2::2"),
        (crossing.world, "lo"): (f"{ALTERNATE_6}/128", ""),
    }
    for (namespace, device), (address, route) in addresses.items():
        namespace.set_sysctls({f"net.ipv6.conf.{device}.disable_ipv6": "0"})
        namespace.run("ip", "address", "add", address, "dev", device, "nodad")
        if route:
            namespace.run("ip", "-6", "route", "add", *route.split())
    crossing.router.set_sysctls({"net.ipv6.conf.all.forwarding": "1"})


def _arrives_over_ipv6(crossing: Crossing) -> bool:
    """A datagram from the phone to the alternate."""
    with crossing.world.socket(socket.AF_INET6) as server, crossing.phone.socket(socket.AF_INET6) as phone:
        server.bind((ALTERNATE_6, 5060))
        server.settimeout(0.5)
        phone.sendto(b"OPTIONS", (ALTERNATE_6, 5060))
        try:
            return server.recv(64) == b"OPTIONS"
        except TimeoutError:
            return False
