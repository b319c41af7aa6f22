"""The rules of this router."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

FIREWALL = (
    Entry(
        "firewall-blocks-alternate",
        Severity.CRITICAL,
        "The firewall lets {origin} reach {reached} but not {unreached}: a failover to it would not work. "
        "It is stopped by {rule}.",
        "{change}",
    ),
    Entry(
        "firewall-blocks-sip",
        Severity.CRITICAL,
        "The firewall does not let {origin} reach {subject} ({flows}): {rule}.",
        "{change}",
    ),
    Entry(
        "firewall-blocks-rtp",
        Severity.CRITICAL,
        "The firewall lets SIP through to {subject}, and not its media ({flows}): {rule}.",
        "{change}",
    ),
    Entry(
        "firewall-blocks-return",
        Severity.CRITICAL,
        "The firewall lets packets out over {subject} and drops the answers to them ({flows}): {rule}.",
        "{change}",
    ),
    Entry(
        "firewall-blocks-dns",
        Severity.WARNING,
        "The firewall does not let {origin} ask the name servers of {subject} ({flows}): {rule}.",
        "{change}",
    ),
    Entry(
        "firewall-wan-specific",
        Severity.CRITICAL,
        "The firewall stops on WAN {subject} what it lets through on another one ({flows}): {rule}.",
        "{change}",
    ),
    Entry(
        "firewall-rate-limits-sip",
        Severity.WARNING,
        "A rule limits how much may pass between {origin} and {subject} ({flows}): {rule}.",
        "Take SIP and RTP of the SBCs out of the limit: a rule that accepts them before this one.",
    ),
    Entry(
        "dnat-captures-sip",
        Severity.WARNING,
        "SIP from {origin} to {subject} does not get there: a rule redirects it to {arrives_at}.",
        "Except the addresses of the SBCs from the redirection, if it is not meant for them.",
    ),
    Entry(
        "sip-helper-attached",
        Severity.WARNING,
        "The ruleset attaches the kernel's SIP helper, which rewrites SIP: {rule}.",
        "Remove the rule (on OpenWrt: `option auto_helper 0` in the zone), or set "
        "net.netfilter.nf_conntrack_helper = 0; then `conntrack -D -p udp --dport 5060`.",
    ),
    Entry(
        "flow-offload-udp",
        Severity.INFO,
        "Flows of UDP are offloaded past the rules: counters, marks and moves of calls do not see them: {rule}.",
        "Offload TCP only (`meta l4proto tcp flow add ...`), where SIP and RTP are to be steered or seen.",
    ),
    Entry(
        "firewall-udp-timeout-low",
        Severity.WARNING,
        "This firewall forgets UDP flows early: {timeouts} ({set_by}).",
        "Raise them: sysctl -w net.netfilter.nf_conntrack_udp_timeout=30 "
        "net.netfilter.nf_conntrack_udp_timeout_stream=120, or the policy of the ct timeout.",
    ),
)
