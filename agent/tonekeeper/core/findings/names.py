"""DNS."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

NAMES = (
    Entry(
        "sbc-unresolved",
        Severity.CRITICAL,
        "The name of SBC {subject} ({host}) leads nowhere: {why}.",
        "Check the name in the configuration, then this host's resolvers (/etc/resolv.conf).",
        visible_after=5.0,
    ),
    Entry(
        "dns-broken",
        Severity.WARNING,
        "The DNS server {resolver} of WAN {subject} does not answer as it should: {why}.",
        "Restart or replace it, or name other servers in [[wan]] resolvers; the SBCs' remembered addresses are "
        "used meanwhile.",
        depends_on=("site-offline", "wan-down", "captive-portal", "conntrack-full"),
        visible_after=5.0,
    ),
    Entry(
        "dns-lies",
        Severity.WARNING,
        "The DNS server {resolver} of WAN {wan} says that {host} is at {named}, where nothing speaks SIP. "
        "{kept} is used on.",
        "Look for a captive portal, a landing page or a filter that rewrites DNS on {wan}; phones that ask this "
        "server go there.",
        depends_on=("site-offline", "captive-portal"),
    ),
    Entry(
        "dns-stale",
        Severity.WARNING,
        "Nobody has confirmed the addresses of SBC {subject} ({host}) for {age}: {why}. {kept} is used on.",
        "Check this host's DNS servers; phones that start now find no SBC.",
        depends_on=("site-offline",),
    ),
)
