"""A single way from a WAN to an SBC."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

PATHS = (
    Entry(
        "path-down",
        Severity.WARNING,
        "The way {subject} is closed, while its WAN and its SBC work otherwise: {why}.",
        "Look for a firewall rule that allows only some SBC addresses, here or upstream.",
        depends_on=("site-offline", "upstream-blocks", "captive-portal", "conntrack-full"),
        visible_after=2.0,
    ),
    Entry(
        "upstream-blocks",
        Severity.WARNING,
        "Something beyond this router does not let SIP through to {subject} ({flows}): {why}.",
        "Give this evidence to the provider of {wan}, or to whoever runs the firewall or modem there: {flows} must be "
        "let out, and the answers in. What passes meanwhile: {passes}.",
        depends_on=(
            "site-offline",
            "wan-down",
            "sbc-down",
            "firewall-blocks-sip",
            "firewall-blocks-alternate",
            "firewall-blocks-return",
            "firewall-wan-specific",
            "captive-portal",
        ),
    ),
    Entry(
        "path-mtu",
        Severity.WARNING,
        "Long packets over {subject}: {why}.",
        "{advice}",
        depends_on=("site-offline", "wan-down", "sbc-down"),
    ),
    Entry(
        "path-degraded",
        Severity.WARNING,
        "Calls to {subject} would suffer: {why}.",
        "Look for congestion between that WAN's provider and the SBC, and report it to both with this evidence.",
        depends_on=("site-offline", "wan-degraded"),
        visible_after=10.0,
    ),
    Entry(
        "probe-refused",
        Severity.CRITICAL,
        "The path {subject} cannot be probed from here: {why}.",
        "See the reason: a missing permission needs CAP_NET_RAW, a forbidden packet needs a rule that lets it out.",
        depends_on=("wan-down", "conntrack-full"),
    ),
)
