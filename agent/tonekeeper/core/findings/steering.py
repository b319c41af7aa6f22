"""Where the site is, and what keeps it there."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

STEERING = (
    Entry(
        "steering-refused",
        Severity.CRITICAL,
        "The site should be on {subject}, but the kernel did not take the routes: {why}.",
        "See the reason; a missing permission needs CAP_NET_ADMIN. It is tried again every 30 s.",
    ),
    Entry(
        "steering-disturbed",
        Severity.WARNING,
        "Something on this host keeps removing the {what} that steer SIP and RTP to {subject}: {times} times "
        "within a minute. They are put back, once a second at most.",
        "Find what does it (its log, beside `ip -t monitor route rule`) and have it leave protocol 106 alone; "
        "systemd-networkd needs ManageForeignRoutes=no and ManageForeignRoutingPolicyRules=no.",
    ),
    Entry(
        "flows-unseen",
        Severity.WARNING,
        "Connection tracking cannot be read: {why}. After a move, phones stay on the old WAN until their "
        "entries expire.",
        "Give the agent CAP_NET_ADMIN and the kernel module nf_conntrack_netlink.",
    ),
    Entry(
        "switch-taken-back",
        Severity.WARNING,
        "The move to {subject} did not help and was taken back.",
        "See why {subject} answered probes and failed afterwards; it is not tried again before it is proven anew.",
    ),
    Entry(
        "no-alternate",
        Severity.WARNING,
        "There is nowhere to go if {subject} fails: {why}.",
        "Configure a second SBC or a second WAN, and see that its paths are up.",
        depends_on=("site-offline",),
        visible_after=10.0,
    ),
    Entry(
        "not-on-first-choice",
        Severity.INFO,
        "The site belongs on {preferred} but is better off on {subject} for now: {why}.",
        "None needed: the way back is taken when {preferred} has been proven long enough.",
    ),
    Entry(
        "failover-suppressed",
        Severity.WARNING,
        "A move away from {subject} is due but held back: {why}.",
        "Mend what keeps failing; the guardrails are [failover] switches, switch_refill and min_dwell.",
        depends_on=("site-offline", "no-alternate"),
        visible_after=5.0,
    ),
)
