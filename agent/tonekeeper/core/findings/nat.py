"""The NATs on the way."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

NAT = (
    Entry(
        "sip-alg-active",
        Severity.WARNING,
        "Something on the way over {subject} rewrites SIP: {evidence}.",
        "Switch the SIP helper or ALG off (RFC 4787 REQ-10): on Linux remove `ct helper` rules and "
        'nf_conntrack_sip, on a modem look for "SIP ALG".',
    ),
    Entry(
        "nat-binding-short",
        Severity.WARNING,
        "The NAT behind {subject} forgets an idle UDP binding after {low}-{high} s: phones that keep alive more "
        "slowly than every {keepalive} s miss inbound calls.",
        "Set the phones' keepalive to {keepalive} s or less, or raise the UDP timeout of the router or provider.",
    ),
    Entry(
        "nat-symmetric",
        Severity.INFO,
        "The NAT behind {subject} maps each destination to another port ({mapping}): a phone's address is not the "
        "same for every SBC.",
        "Nothing, as long as the SBCs answer to where requests come from (rport, RFC 3581); do not use STUN in phones.",
    ),
    Entry(
        "cgn-detected",
        Severity.WARNING,
        "The provider of {subject} translates once more: this router has {local}, the world sees {mapped}.",
        "Ask the provider for a public address where short bindings or port limits hurt.",
        depends_on=("double-nat",),
    ),
    Entry(
        "nat-udp-timeout-below-rfc4787",
        Severity.INFO,
        "The NAT behind {subject} forgets idle UDP bindings ({kinds}) after {high} s at most; RFC 4787 REQ-5 asks "
        "for 120.",
        "Raise it where the router is yours: net.netfilter.nf_conntrack_udp_timeout and _stream on Linux.",
    ),
)
