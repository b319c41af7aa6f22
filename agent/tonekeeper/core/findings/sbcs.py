"""SBCs: whether they answer, how deeply they are proven, and how alike they are."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

SBCS = (
    Entry(
        "sbc-flapping",
        Severity.WARNING,
        "SBC {subject} keeps coming and going: {losses} losses in the last hour. "
        "It is not trusted for {minutes} min more.",
        "Report it to the SBC's operator with the times.",
    ),
    Entry(
        "sbc-down",
        Severity.CRITICAL,
        "SBC {subject} does not answer, and it is not this site's WANs: {why}.",
        "Report it to the SBC's operator with the addresses and times below; nothing on this site will mend it.",
        depends_on=(
            "site-offline",
            "tls-invalid",
            "firewall-blocks-alternate",
            "firewall-blocks-sip",
            "conntrack-full",
        ),
    ),
    Entry(
        "sbc-degraded",
        Severity.WARNING,
        "SBC {subject} answers, but not as a healthy one: {why}.",
        "Report the response code to the SBC's operator.",
        depends_on=("site-offline", "sbc-auth-broken", "media-one-way", "media-poor"),
        visible_after=5.0,
    ),
    Entry(
        "sbc-draining",
        Severity.WARNING,
        "SBC {subject} asks to be left alone: {why}.",
        "Usually maintenance: wait, or ask the SBC's operator how long it will take.",
    ),
    Entry(
        "tls-invalid",
        Severity.CRITICAL,
        "The certificate of SBC {subject} at {address} is not acceptable: {why}.",
        "Phones that check certificates cannot connect. Tell the SBC's operator; where it names a CA of your own, "
        "give it as [sbc.tls] ca_file; see that this host's clock is right.",
        depends_on=("site-offline", "clock-wrong"),
    ),
    Entry(
        "tls-expiring",
        Severity.WARNING,
        "The certificate of SBC {subject} at {address} expires in {days} days.",
        "Tell the SBC's operator, who has it renewed (issued by {issuer}).",
    ),
    Entry(
        "same-address-twice",
        Severity.WARNING,
        "The SBCs {subject} {why}: what stops one will stop the other.",
        "Ask the provider for an alternate in another data center, or take the second name out.",
    ),
    Entry(
        "sbc-auth-broken",
        Severity.CRITICAL,
        "SBC {subject} does not accept the test account: {why}.",
        "Check the account in [sbc.account]; if it is right, phones cannot register there either: report it to "
        "the SBC's operator.",
        depends_on=("site-offline", "sbc-down"),
    ),
    Entry(
        "function-failing",
        Severity.WARNING,
        "Over {wans}, {function} with SBC {subject} fails while it works elsewhere: {why}.",
        "Look for what that WAN has of its own: a SIP ALG, a firewall rule, a NAT that forgets early.",
        depends_on=("site-offline", "wan-down", "sbc-auth-broken", "media-one-way", "media-poor"),
    ),
    Entry(
        "media-one-way",
        Severity.CRITICAL,
        "Calls to {subject} are heard one way only: {why}.",
        "Look for a NAT or firewall that lets RTP out and not in, for a SIP ALG that rewrites SDP, and for an SBC "
        "that sends media from another address.",
        depends_on=("site-offline", "sbc-down"),
    ),
    Entry(
        "media-poor",
        Severity.WARNING,
        "Calls to {subject} sound bad: MOS {mos}, {loss} lost, jitter {jitter} ms.",
        "Look for congestion on the WAN (uploads, a queue that is too long); if other SBCs sound well over it, "
        "report it to the SBC's operator.",
        depends_on=("site-offline", "sbc-down", "wan-degraded"),
    ),
    Entry(
        "depth-not-checked",
        Severity.WARNING,
        "SBC {subject} is not proven as deeply as configured, the probe ({depths}) could not be made over {wans}: "
        "{why}.",
        "Mend what the reason names; until then only that it answers is known of it. It is tried again after its "
        "interval, and soon after a SIGHUP.",
        depends_on=("site-offline", "sbc-down"),
    ),
    Entry(
        "standby-unproven",
        Severity.WARNING,
        "The standby {subject} has not passed a {depth} probe {ago}: whether it would work is not known.",
        "See why the probe does not pass ({why}); a standby that was never used is a second incident.",
        depends_on=("site-offline", "sbc-down", "sbc-auth-broken", "depth-not-checked"),
        visible_after=60.0,
    ),
    Entry(
        "standby-drift",
        Severity.WARNING,
        "The standby {subject} differs from {primary} in what phones notice: {why}.",
        "Have the provider configure both alike, or expect phones to behave differently after a failover.",
    ),
)
