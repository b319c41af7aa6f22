"""How long the what-if takes: four SBCs over two WANs with three transports each and RTP, both directions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

from tests.bench.results import Figure, Row, Table, median_and_worst
from tests.lab.namespace import Namespace, Watchman
from tonekeeper.core.firewall.flows import Places, questions_of, rtp_of
from tonekeeper.core.firewall.judgement import openable, problems_in
from tonekeeper.core.site import Sbc, Site, Target, Transport, Wan
from tonekeeper.edge.shadow import Answer, Scene, ask_shadow
from tonekeeper.edge.shadow_ruleset import read_ruleset
from tonekeeper.edge.shadow_surroundings import read_surroundings
from tonekeeper.wire.endpoint import Endpoint

RUNS = 9
LARGE_MOST, ROUTER_MOST = 500.0, 200.0
"""Milliseconds."""

SBCS = tuple(f"198.51.100.{10 * number}" for number in range(1, 5))
SITE = Site(
    "bench",
    (Wan("fibre", "wan0"), Wan("lte", "wan1")),
    tuple(Sbc(address, f"sip:{address}", address) for address in SBCS),
)
PLACES = Places(
    {
        address: tuple(
            Target(transport, Endpoint(address, 5061 if transport is Transport.TLS else 5060))
            for transport in Transport
        )
        for address in SBCS
    },
    {},
)
NAMES = [sbc.name for sbc in SITE.sbcs]

OPENWRT = """
table inet fw4 {
    set allowed { type ipv4_addr; elements = { 198.51.100.10, 198.51.100.20 } }
    chain input {
        type filter hook input priority filter; policy drop;
        iif "lo" accept comment "!fw4: Accept traffic from loopback"
        ct state vmap { established : accept, related : accept } comment "!fw4: Handle inbound flows"
        tcp flags & (fin | syn | rst | ack) == syn jump syn_flood comment "!fw4: Rate limit TCP syn packets"
        iifname "lan0" jump input_lan comment "!fw4: Handle lan IPv4/IPv6 input traffic"
        iifname { "wan0", "wan1" } jump input_wan comment "!fw4: Handle wan IPv4/IPv6 input traffic"
        jump handle_reject
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state vmap { established : accept, related : accept } comment "!fw4: Handle forwarded flows"
        iifname "lan0" jump forward_lan comment "!fw4: Handle lan IPv4/IPv6 forward traffic"
        iifname { "wan0", "wan1" } jump forward_wan comment "!fw4: Handle wan IPv4/IPv6 forward traffic"
        jump handle_reject
    }
    chain output {
        type filter hook output priority filter; policy accept;
        oif "lo" accept comment "!fw4: Accept traffic towards loopback"
        ct state vmap { established : accept, related : accept } comment "!fw4: Handle outbound flows"
        oifname { "wan0", "wan1" } jump output_wan comment "!fw4: Handle wan IPv4/IPv6 output traffic"
    }
    chain prerouting { type filter hook prerouting priority filter; policy accept; }
    chain handle_reject { meta l4proto tcp reject with tcp reset
        reject comment "!fw4: Reject any other traffic"
    }
    chain syn_flood {
        limit rate 25/second burst 50 packets return comment "!fw4: Accept SYN packets below rate-limit"
        drop comment "!fw4: Drop excess packets"
    }
    chain input_lan { jump accept_from_lan
    }
    chain forward_lan {
        jump accept_to_wan comment "!fw4: Accept lan to wan forwarding"
    }
    chain input_wan {
        udp dport 68 accept comment "!fw4: Allow-DHCP-Renew"
        icmp type echo-request accept comment "!fw4: Allow-Ping"
        jump handle_reject
    }
    chain forward_wan { jump handle_reject
    }
    chain output_wan { jump accept_to_wan
    }
    chain accept_from_lan { iifname "lan0" counter accept
    }
    chain accept_to_wan {
        meta nfproto ipv4 oifname { "wan0", "wan1" } ct state invalid counter drop comment "!fw4: Prevent NAT leakage"
        oifname { "wan0", "wan1" } counter accept
    }
    chain srcnat {
        type nat hook postrouting priority srcnat; policy accept;
        oifname { "wan0", "wan1" } jump srcnat_wan comment "!fw4: Handle wan IPv4/IPv6 srcnat traffic"
    }
    chain srcnat_wan { meta nfproto ipv4 masquerade comment "!fw4: Masquerade IPv4 wan traffic"
    }
    chain mangle_forward {
        type filter hook forward priority mangle; policy accept;
        iifname { "wan0", "wan1" } tcp flags syn tcp option maxseg size set rt mtu
        oifname { "wan0", "wan1" } tcp flags syn tcp option maxseg size set rt mtu
    }
}
"""


def bench(seed: int) -> Iterator[Table]:
    watchman = Watchman(("router",))
    try:
        router = watchman.namespaces["router"]
        _lay_out(router)
        rows = tuple(
            _row(router, name, ruleset, most)
            for name, ruleset, most in (
                ("OpenWrt's default", OPENWRT, ROUTER_MOST),
                ("1,000 rules", large(Random(seed)), LARGE_MOST),
                ("1,000 rules, alternates blocked", large(Random(seed), policy="drop"), None),
            )
        )
    finally:
        watchman.dismiss()
    yield Table(
        "Firewall: what the ruleset does to every SBC",
        "Four SBC addresses over two WANs, SIP over UDP, TCP and TLS, and RTP at three or more ports, from the phones "
        "and from the router, both directions. From reading the live ruleset, interfaces and routes to the last "
        "verdict, with the copy made and removed. Where alternates are blocked, remedies are tried as well.",
        ("median", "worst", "flows"),
        rows,
    )


def _row(router: Namespace, name: str, ruleset: str, most: float | None) -> Row:
    router.nft("flush ruleset")
    router.nft(ruleset)
    measured = [router.inside(_ask) for _ in range(RUNS)]
    times = [elapsed for elapsed, _ in measured]
    return Row(name, (*median_and_worst(times, "ms", (most, None)), Figure(len(measured[0][1].verdicts), "")))


def _ask() -> tuple[float, Answer]:
    started = time.perf_counter()
    ruleset = read_ruleset()
    surroundings = read_surroundings([])
    questions = questions_of(SITE, PLACES, ("lan0",), ruleset=ruleset.text)
    wans = tuple((wan.name, wan.interface) for wan in SITE.wans)
    scene = Scene(surroundings, ruleset, ("lan0",), wans, rtp_of(SITE))
    answer = ask_shadow(scene, questions, lambda verdicts: openable(problems_in(verdicts, NAMES)))
    return (time.perf_counter() - started) * 1000, answer


def _lay_out(router: Namespace) -> None:
    addresses = {"lan0": "192.0.2.1/24", "wan0": "203.0.113.2/30", "wan1": "203.0.113.6/30"}
    lines = [f"link add {name} type veth peer far-{name}\nlink set {name} up\n" for name in addresses]
    lines += [f"link set far-{name} up\n" for name in addresses]
    lines += [f"address add {address} dev {name}\n" for name, address in addresses.items()]
    lines += ["route add default via 203.0.113.1 metric 100\n", "route add default via 203.0.113.5 metric 200\n"]
    router.run("ip", "-batch", "-", stdin="".join(lines))
    router.set_sysctls({"net.ipv4.ip_forward": "1"})


def large(random: Random, *, policy: str = "accept") -> str:
    """A thousand rules, none of which concerns the site but the last ones."""
    lots = random.randrange
    drawn = [
        f"ip saddr 10.{lots(256)}.{lots(256)}.0/24 {protocol} dport {lots(1, 9999)} drop"
        for protocol in random.choices(("tcp", "udp"), k=994)
    ]
    rules = ["ct state established,related accept", *drawn, "ip daddr { 198.51.100.10, 198.51.100.20 } accept"]
    forward = "".join(f"        {rule}\n" for rule in rules)
    return (
        "table inet filter {\n    chain forward {\n"
        f"        type filter hook forward priority filter; policy {policy};\n"
        f"{forward}    }}\n    chain output {{ type filter hook output priority filter; policy accept; }}\n}}\n"
        "table ip nat {\n    chain post {\n        type nat hook postrouting priority srcnat;\n"
        '        oifname { "wan0", "wan1" } masquerade\n    }\n}\n'
    )
