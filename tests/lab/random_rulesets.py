"""Rulesets drawn by lot: nonsense as a firewall, but every rule means something to SIP and RTP of a small site."""

from __future__ import annotations

from random import Random

from tests.lab.crossing import PHONE, SERVERS

_REJECTS = (
    "reject",
    "reject with icmpx type admin-prohibited",
    "reject with icmpx type port-unreachable",
    "meta l4proto tcp reject with tcp reset",
)
_INEXACT = (
    "limit rate 5/second",
    "limit rate over 1/second",
    "meta skuid 0",
    "numgen random mod 4 < 2",
    "ct count over 1",
    'meta hour "08:00"-"09:00"',
    "quota over 1 mbytes",
    "ct original packets > 1",
    "ct bytes > 100",
    "ether saddr 00:00:5e:00:53:01",
    "meta iifgroup 7",
    "add @met { ip saddr limit rate over 1/second }",
)


def nftables(random: Random) -> str:
    """A ruleset as `nft -f` takes it, flushing what was there."""
    chains = [_jumped(random, name) for name in ("first", "second")]
    hooks = ("forward", "output", "input", "prerouting", "postrouting")
    chains += [_base(random, hook) for hook in hooks if random.random() < 0.8]
    sets = (
        f"set servers {{ type ipv4_addr; elements = {{ {random.choice(SERVERS)} }} }}\n"
        f"set passing {{ type ipv4_addr; flags timeout; elements = {{ {random.choice(SERVERS)} timeout 1h }} }}\n"
        "set seen { type ipv4_addr; flags dynamic, timeout; timeout 1m; }\n"
        "set met { type ipv4_addr; flags dynamic; size 16; }\n"
        'ct helper sip-5060 { type "sip" protocol udp; }\n'
        "set media { type inet_service; flags interval; elements = { 10000-14000, 18000-20000 } }\n"
        f"map doors {{ type ipv4_addr : verdict; elements = {{ {SERVERS[0]} : {_verdict(random)} }} }}\n"
    )
    table = f"table inet drawn {{\n{sets}{''.join(chains)}}}\n"
    return f"flush ruleset\n{table}{_nat(random)}{_mangle(random)}"


def _base(random: Random, hook: str) -> str:
    policy = random.choice(("accept", "accept", "drop")) if hook in ("forward", "output", "input") else "accept"
    priority = random.choice(("-150", "0", "10"))
    rules = [_rule(random, hook) for _ in range(random.randint(0, 7))]
    if random.random() < 0.5:
        rules.insert(0, "ct state established,related accept")
    if policy == "drop":
        rules.append(f"ip daddr {random.choice(SERVERS)} accept")
    body = "".join(f"        {rule}\n" for rule in rules)
    return f"    chain {hook} {{\n        type filter hook {hook} priority {priority}; policy {policy};\n{body}    }}\n"


def _jumped(random: Random, name: str) -> str:
    rules = [_rule(random, "", jumps=False) for _ in range(random.randint(1, 4))]
    return f"    chain {name} {{\n" + "".join(f"        {rule}\n" for rule in rules) + "    }\n"


def _rule(random: Random, hook: str, *, jumps: bool = True) -> str:
    conditions = _conditions(random, hook)
    inexact = f" {random.choice(_INEXACT)}" if random.random() < 0.05 else ""
    counter = random.choice(("", " counter", ' log prefix "x"', ""))
    if jumps and random.random() < 0.15:
        return f"{conditions}{inexact}{counter} {random.choice(('jump', 'goto'))} {random.choice(('first', 'second'))}"
    if random.random() < 0.08:
        return "ip daddr vmap @doors"
    if random.random() < 0.1:
        return f"{conditions} {random.choice(_statements(hook, is_tcp='tcp' in conditions))}"
    verdict = _verdict(random)
    if hook in ("prerouting", "postrouting") and verdict == "reject":
        verdict = "drop"
    if verdict == "reject":
        reject = random.choice(_REJECTS)
        if "l4proto" in reject and "udp" in conditions:
            reject = "reject"
        return f"{conditions}{inexact}{counter} {reject}"
    return f'{conditions}{inexact}{counter} {verdict} comment "drawn"'


def _statements(hook: str, *, is_tcp: bool) -> list[str]:
    """What a rule may do beside judging."""
    found = ["meta mark set 1", "meta mark set 2", "ct mark set 7", "add @seen { ip saddr }", "ip dscp set ef"]
    if hook in ("prerouting", "output") and not is_tcp:
        found += ['udp dport 5060 ct helper set "sip-5060"']
    return found


def _verdict(random: Random) -> str:
    return random.choice(("accept", "accept", "drop", "drop", "return"))


def _conditions(random: Random, hook: str) -> str:
    """One or two that do not contradict each other: nft refuses what can never be."""
    first, second = _condition(random, hook), _condition(random, hook)
    both = f"{first} {second}"
    return first if random.random() < 0.5 or ("udp" in both and "tcp" in both) else both


def _condition(random: Random, hook: str) -> str:
    server = random.choice(SERVERS)
    choices = [
        f"ip daddr {server}",
        f"ip saddr {server}",
        f"ip saddr {PHONE}",
        "ip daddr @servers",
        "ip daddr != @servers",
        "ip daddr 198.51.100.0/28",
        "udp dport 5060",
        "udp dport { 5060, 10000 }",
        "udp dport 10000-16000",
        "udp dport @media",
        "udp sport 5060",
        "tcp dport 5060",
        "meta l4proto udp",
        "meta l4proto tcp",
        "ct state new",
        "ct state established",
        "ct state invalid",
        "ct direction reply",
        "ct status dnat",
        "meta mark 1",
        "meta mark 2",
        "ip length > 30",
        "th dport 5060",
        "ip daddr @passing",
        "ip saddr @seen",
        "meta l4proto . th dport { udp . 5060, tcp . 5060 }",
        f"ip saddr . ip daddr {{ {PHONE} . {server} }}",
        "@th,16,16 5060",
        "udp length > 100",
        "ip ttl > 10",
        "ip dscp cs0",
        "ct mark 7",
        "fib daddr type unicast",
        'iifname "eth9"',
    ]
    if hook in ("forward", "input", "prerouting"):
        choices += ['iifname "lan0"', 'iifname { "wan0", "wan1" }', 'iifname "wan1"', 'iif "lan0"', "meta pkttype host"]
    if hook in ("input", "prerouting"):
        choices += ["fib saddr . iif oif missing"]
    if hook in ("forward", "output", "postrouting"):
        choices += ['oifname "wan0"', 'oifname "wan1"', 'oifname "lan0"', 'oifname "w*"']
    return random.choice(choices)


def _nat(random: Random) -> str:
    source = random.choice(
        (
            'oifname { "wan0", "wan1" } masquerade',
            'oifname "wan0" masquerade\n        oifname "wan1" snat to 203.0.113.6',
            "ip saddr 192.0.2.0/24 masquerade",
        )
    )
    target = random.choice(("", "", f"ip daddr {SERVERS[1]} udp dport 5060 dnat to {SERVERS[0]}:5060"))
    early = f"    chain pre {{\n        type nat hook prerouting priority -100;\n        {target}\n    }}\n"
    return (
        f"table ip nat {{\n{early if target else ''}    chain post {{\n"
        f"        type nat hook postrouting priority 100;\n        {source}\n    }}\n}}\n"
    )


def _mangle(random: Random) -> str:
    if random.random() < 0.6:
        return ""
    rule = random.choice(
        (
            f"ip daddr {SERVERS[0]} meta mark set 1",
            "udp dport 10000-20000 meta mark set 2",
            "ct mark set 7",
            f"ip daddr {SERVERS[1]} udp dport 15000 notrack",
        )
    )
    hook = "type filter hook prerouting priority -350;"
    return f"table ip mangle {{\n    chain pre {{\n        {hook}\n        {rule}\n    }}\n}}\n"


def iptables(random: Random) -> str:
    """As `iptables-restore` takes it."""
    rules = [f"-A {random.choice(('FORWARD', 'FORWARD', 'OUTPUT', 'INPUT', 'own'))} {_match(random)}" for _ in range(9)]
    rules.insert(random.randint(0, 9), "-A FORWARD -j own")
    if random.random() < 0.6:
        rules.insert(0, "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
    policies = [
        f":{chain} {random.choice(('ACCEPT', 'ACCEPT', 'DROP'))} [0:0]" for chain in ("INPUT", "FORWARD", "OUTPUT")
    ]
    nat = [
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        ":INPUT ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":POSTROUTING ACCEPT [0:0]",
    ]
    nat += ["-A POSTROUTING -o wan0 -j MASQUERADE", "-A POSTROUTING -o wan1 -j MASQUERADE", "COMMIT"]
    return "\n".join(["*filter", *policies, ":own - [0:0]", *rules, "COMMIT", *nat, ""])


def _match(random: Random) -> str:
    server = random.choice(SERVERS)
    match = random.choice(
        (
            f"-d {server}",
            f"-s {server}",
            "-p udp -m udp --dport 5060",
            "-p udp -m udp --dport 10000:16000",
            "-p udp -m multiport --dports 5060,20000",
            "-p tcp -m tcp --dport 5060 --tcp-flags FIN,SYN,RST,ACK SYN",
            "-m conntrack --ctstate NEW",
            f"-m iprange --dst-range {SERVERS[0]}-198.51.100.15",
            f"-d {server} -p udp -m length --length 0:64",
            "-p udp -m limit --limit 5/sec",
            "-p udp -m statistic --mode nth --every 2 --packet 0",
            f"-d {server} -m comment --comment drawn",
        )
    )
    target = random.choice(("ACCEPT", "ACCEPT", "DROP", "DROP", "RETURN", "REJECT --reject-with icmp-port-unreachable"))
    return f"{match} -j {target}"
