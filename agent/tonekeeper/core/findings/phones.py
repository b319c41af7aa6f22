"""Phones, and what their firmware cannot do."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

PHONES = (
    Entry(
        "phone-cannot-failover-fast",
        Severity.WARNING,
        "Phones of the model {subject} cannot leave a silent SBC fast: {why}.",
        "Incoming calls fail for up to {nearest}. Have the agent steer the site to the SBC that works, which no "
        "phone notices, or use another model where this matters.",
        depends_on=("phone-no-alternate",),
    ),
    Entry(
        "phone-keepalive-above-nat-lifetime",
        Severity.WARNING,
        "Phones of the model {subject} cannot keep a binding alive: it takes a packet every {needed} ({why}), and "
        "the nearest they can do is {nearest}.",
        "Raise the UDP timeout of the router or provider, let the registrar accept a shorter expiry, or use TCP.",
    ),
    Entry(
        "phone-no-jitter",
        Severity.INFO,
        "Phones of the model {subject} have no jitter: {phones} of them that failed together come back together.",
        "Nearest to it: {nearest}.",
    ),
    Entry(
        "phone-no-alternate",
        Severity.WARNING,
        "Phones of the model {subject} have nowhere to go when their SBC fails: {why}.",
        "Use {nearest}.",
    ),
    Entry(
        "phones-exceed-registrar",
        Severity.WARNING,
        "After an outage, {phones} phones of the model {subject} exceed the {rate} registrations per second that "
        "the registrar takes: {nearest} are the fewest that they can do.",
        "Ask the provider what the registrar bears, spread the phones over several, or have it answer 503 with "
        "Retry-After.",
    ),
)
