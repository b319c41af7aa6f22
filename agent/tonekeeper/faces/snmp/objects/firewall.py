"""What the ruleset does to SIP and RTP."""

from collections.abc import Iterable

from tonekeeper.core.report import FirewallReport
from tonekeeper.faces.snmp.definition import Index, Leaf, Read, Served, Table, of
from tonekeeper.faces.snmp.syntax import (
    ENDPOINT_ADDRESS,
    ENDPOINT_ADDRESS_TYPE,
    ENDPOINT_PORT,
    LONG_TEXT,
    NAME,
    NAME_OR_NONE,
    TEXT,
    UNSIGNED,
    text,
    words,
)

ORIGIN = words("TonekeeperOrigin", "Who sends: the phones on a LAN, or this host itself.", "lan", "self")
TRAFFIC = words(
    "TonekeeperTraffic",
    "What the packets carry: SIP over UDP, TCP or TLS, media, DNS.",
    "udp",
    "tcp",
    "tls",
    "rtp",
    "dns",
)
DIRECTION = words("TonekeeperDirection", "Towards the SBC, or the answers that come back.", "out", "return")
VERDICT = words(
    "TonekeeperFirewallVerdict",
    "What the ruleset does: let it through, drop it, refuse it with an answer; notChecked: nobody can tell.",
    "accept",
    "drop",
    "reject",
    "not checked",
)


def _stopped_first(served: Served) -> Iterable[FirewallReport]:
    """Where there are too many, those are left out that pass."""
    return sorted(served.report.firewall, key=lambda flow: flow.verdict == "accept")


def _of_rule(path: str) -> Read:
    read = of(path)

    def of_row(flow: FirewallReport) -> object:
        return None if flow.rule is None else read(flow.rule)

    return of_row


FLOWS = Table(
    22,
    "Firewall",
    _stopped_first,
    (
        Index("FirewallOrigin", ORIGIN, of("origin"), 1, "Who sends."),
        Index(
            "FirewallInterface",
            text(15),
            of("interface"),
            2,
            "The interface at which the packet of a phone arrives; empty where this host sends it.",
        ),
        Index("FirewallSbc", NAME_OR_NONE, of("sbc"), 3, "The SBC it is about; empty for DNS."),
        Index("FirewallWan", NAME, of("wan"), 4, "The WAN it leaves over."),
        Index("FirewallTraffic", TRAFFIC, of("transport"), 5, "What the packets carry."),
        Index("FirewallAddressType", ENDPOINT_ADDRESS_TYPE, of("address"), 6, "The type of tkFirewallAddress."),
        Index("FirewallAddress", ENDPOINT_ADDRESS, of("address"), 7, "The address of the far end."),
        Index("FirewallPort", ENDPOINT_PORT, of("address"), 8, "The port of the far end."),
        Index("FirewallDirection", DIRECTION, of("direction"), 9, "Which way the packets go."),
    ),
    (
        Leaf(10, "Verdict", VERDICT, of("verdict"), "What the ruleset does to the flow."),
        Leaf(
            11,
            "RuleTable",
            TEXT,
            _of_rule("table"),
            "The table of the rule that decided. Like the other objects about the rule, it has no instance where no "
            "rule did.",
        ),
        Leaf(12, "RuleChain", TEXT, _of_rule("chain"), "The chain of the rule."),
        Leaf(13, "RuleHandle", UNSIGNED, _of_rule("handle"), "The handle of the rule; 0 for the policy of the chain."),
        Leaf(14, "RuleText", LONG_TEXT, _of_rule("text"), "The rule as the ruleset has it."),
        Leaf(
            15,
            "Reason",
            TEXT,
            lambda flow: flow.reason or None,
            "Why it was not checked, or what else than a rule stopped it; no instance where there is nothing to say.",
        ),
        Leaf(
            16,
            "ArrivesAt",
            TEXT,
            lambda flow: flow.arrives_at or None,
            "Where a rule redirects it to; no instance: it gets where it should.",
        ),
    ),
    "What the ruleset of this router does to each flow that phones need. Where there are too many, those that pass are "
    "left out.",
    most=256,
    always=False,
)
