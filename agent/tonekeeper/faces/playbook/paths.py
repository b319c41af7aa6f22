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
    "upstream-blocks": Advice(
        means="Packets to this SBC leave the router and are stopped further on: by a modem, a provider's firewall, or "
        "a router that knows no way there. What the finding lists under `passes` gets through meanwhile.",
        sureness="`certain`: a router on the way said so itself (`hop`). `strong` and `likely`: silence or a reset "
        "over this WAN, while another WAN reaches the same place; `last_hop` is the last router that was heard of, and "
        "packets are lost there or right behind it. A filter in front of the SBC looks the same.",
        try_first=(
            "`tonekeeper firewall -c /etc/tonekeeper/site.toml` sends the packets again and shows where they stop.",
            "Whose is `hop`, or `last_hop`? A private address is a modem or a second router at the site: look there "
            "for a rule, or for parental and SIP filters.",
            "Else give address, port, `hop` and the time to the WAN's provider.",
            "The SBC's operator may allow only known addresses: is this WAN's among them?",
        ),
        leave_alone="Do not change this router's rules: its packets do leave it.",
    ),
    "path-mtu": Advice(
        means="Short packets pass and long ones do not, or only in pieces. OPTIONS and REGISTER look fine, while an "
        "INVITE with many codecs may vanish, or calls fail to certain phones only.",
        sureness="`certain`: a router told the limit, or the same packet passed when routers might cut it, or a router "
        "heard of short ones only. `strong`: another WAN takes long ones to the same SBC. An SBC that ignores long "
        "requests looks alike, which is why nothing is said where no WAN takes them.",
        try_first=(
            "Is `largest` 1492? Then it is PPPoE in the modem: type what the finding proposes.",
            "Tunnels and mobile networks take 1280 to 1440: the same change, with `largest`.",
            "Where `fragments` is `no`: SIP over TCP on the phones, or fewer codecs; and ask who drops fragments.",
            "`tonekeeper firewall -c /etc/tonekeeper/site.toml` measures it again.",
        ),
        leave_alone="Do not block ICMP anywhere: routers use it to say how long a packet may be.",
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
