"""The site and its WANs."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

WANS = (
    Entry(
        "site-offline",
        Severity.CRITICAL,
        "No SBC answers over any WAN: {why}.",
        "Check this site's own connection first (power, modem, cabling, the provider's status page); "
        "then what all WANs have in common.",
        depends_on=("conntrack-full",),
    ),
    Entry(
        "wan-down",
        Severity.CRITICAL,
        "WAN {subject} carries nothing: {why}.",
        "Check the line and the modem of {subject} (interface {interface}), then call its provider with this evidence.",
        depends_on=("rp-filter-strict", "captive-portal", "conntrack-full"),
    ),
    Entry(
        "wan-flapping",
        Severity.WARNING,
        "WAN {subject} keeps coming and going: {losses} losses in the last hour. "
        "It is not trusted for {minutes} min more.",
        "Have the line of {subject} (interface {interface}) measured by its provider; nothing is moved back to it "
        "before it has been quiet.",
    ),
    Entry(
        "wan-degraded",
        Severity.WARNING,
        "WAN {subject} {why}.",
        "Look for congestion (uploads, a queue that is too long) on {subject}, then have the line measured.",
        depends_on=("site-offline",),
        visible_after=10.0,
    ),
    Entry(
        "single-wan",
        Severity.INFO,
        "This site has one WAN, {subject}: when it fails, nothing can be done about it.",
        "Add a second access circuit, best of another kind and another provider.",
    ),
    Entry(
        "shared-fate",
        Severity.WARNING,
        "The WANs {subject} leave through the same router {router}: what stops one will stop the other.",
        "Ask the providers for circuits that share neither modem, line nor first router.",
    ),
    Entry(
        "rp-filter-strict",
        Severity.WARNING,
        "Strict rp_filter on {interface} makes the kernel drop answers that come over {subject} while the main "
        "route leads elsewhere.",
        "sysctl -w net.ipv4.conf.{interface}.rp_filter=2 (and net.ipv4.conf.all.rp_filter=2 if that is 1), "
        "and keep it in /etc/sysctl.d/.",
    ),
    Entry(
        "stale-binding",
        Severity.WARNING,
        "{count} SIP or RTP flows still leave with the address of another WAN than {subject}: {flows}.",
        "They die by themselves when the phone is silent; or delete them: conntrack -D -p udp -d ADDRESS.",
    ),
    Entry(
        "captive-portal",
        Severity.WARNING,
        "Something on the way over {subject} answers HTTP in place of others: {why}.",
        "Log in there, or have its owner let this site through without (a portal of a hotel or an office, an unpaid "
        "line, a data volume that is used up); phones cannot log in.",
    ),
    Entry(
        "double-nat",
        Severity.WARNING,
        "What leaves over {subject} is translated twice at this site: {why}.",
        "Switch {outer} to bridge mode (modem mode), so that this router has the public address. Where that cannot be, "
        "have it forward everything to this router (exposed host), or switch off this router's own NAT and give "
        "{outer} a route to the LAN.",
    ),
)
