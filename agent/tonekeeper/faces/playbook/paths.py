"""A single way from a WAN to an SBC."""

from tonekeeper.faces.playbook.advice import Advice

PATHS = {
    "path-down": Advice(
        means="This SBC answers over another WAN, and another SBC answers over this one: only this way between the two "
        "is closed.",
        sureness="`strong`: the rest of the matrix is the proof. An ICMP error in `last_sign` names who closed it; "
        "silence does not.",
        try_first=(
            "`tonekeeper firewall -c /etc/tonekeeper/site.toml`: it names the rule if this router closes the way.",
            "If every flow passes here, it is closed upstream: ask the WAN's provider which addresses it filters.",
            "`ping -c 3 -I eth0 198.51.100.20`: an answer shows that the address is reached and only SIP is not. No "
            "answer shows nothing; many SBCs do not answer.",
            "The SBC's operator may filter by source address: is this WAN's address allowed there?",
        ),
        leave_alone="Do not open the firewall altogether to try. Do not restart the SBC or the WAN: both work.",
    ),
    "path-degraded": Advice(
        means="This way answers, but loses so many probes, or takes so long, that calls over it would suffer. The "
        "other ways are fine.",
        sureness="From 15 % of loss or 1 s for an answer on (until less than 5 % and 0.7 s), compared with the other "
        "WAN and the other SBC. With one SBC there is nothing to compare with, and `confidence` says `likely`.",
        try_first=(
            "`tonekeeper status` shows loss and round trip of every path side by side.",
            "Note time, WAN, SBC and figures, and look again after a quarter of an hour: congestion comes and goes.",
            "Report it to the WAN's provider and to the SBC's operator; it is between the two.",
        ),
        leave_alone="Do not change anything at the site: what it owns is proven to work by the other paths.",
    ),
    "probe-refused": Advice(
        means="The agent itself may not send on this path, so it knows nothing of it. Phones may well get through.",
        sureness="Certain: the kernel refused the socket or the packet, and its reason is in the finding.",
        try_first=(
            "`EPERM` or `EACCES` when sending: a rule forbids it; `tonekeeper firewall -c /etc/tonekeeper/site.toml` "
            "names it.",
            "`EPERM` when opening: give the agent `CAP_NET_RAW` in its service unit.",
            "Address or device missing: see the WAN's `interface` and `source` in the configuration.",
        ),
        leave_alone="Do not run the agent as root for good when one capability is what it lacks.",
    ),
}
