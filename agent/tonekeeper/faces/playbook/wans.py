"""The site and its WANs."""

from tonekeeper.faces.playbook.advice import Advice

WANS = {
    "site-offline": Advice(
        means="No SBC answers over any WAN. Nobody at the site can call or be called, unless phones have another way.",
        sureness="`confidence: certain` where the kernel says that every WAN lacks its interface, carrier or address. "
        "`strong` where SBCs are silent over two WANs or more. `likely` with one WAN: what stands in front of the "
        "Internet, and a rule that blocks SIP, look the same from here.",
        try_first=(
            "Look at the WANs in `tonekeeper status`: carrier, addresses, since when.",
            "Power, modem, cable; `ip -br address` shows whether the WAN has an address.",
            "Open a web page from the LAN. If that works, the Internet is there and SIP is not: "
            "`tonekeeper firewall -c /etc/tonekeeper/site.toml` says whether this router stops it, then ask the "
            "provider what is filtered.",
            "If nothing works, the provider's status page, then the provider, with the evidence of the finding.",
        ),
        leave_alone="Do not restart the phones: they come back by themselves, and all at once they make it worse. Do "
        "not restart the agent either: what it has seen is what the provider will ask for.",
    ),
    "wan-down": Advice(
        means="Nothing gets through over this WAN. Where another one works and the agent steers, the site has moved.",
        sureness="`certain` where the kernel says that there is no interface, carrier or address. `strong` where two "
        "SBCs or more are silent over it while another WAN reaches them. `likely` with one SBC only: it may as well be "
        "the way to that SBC.",
        try_first=(
            "`ip -br link show dev eth0`: without a carrier it is the cable, the port or the modem's power.",
            "`ip -br address show dev eth0`: without an address it is DHCP or PPP; restart the modem once and wait "
            "five minutes.",
            "`ping -c 3 -I eth0 198.51.100.1`, the gateway of this WAN: if it answers, the fault is behind it.",
            "Call the provider of the line with the times and the reason of the finding.",
        ),
        leave_alone="Do not change default routes by hand: the agent compares the WANs by them. Do not move phones to "
        "another network; the SBCs are reached over the other WAN already, or not at all.",
    ),
    "wan-flapping": Advice(
        means="The WAN is lost and comes back again and again. It is used only while nothing else works, so that calls "
        "are not broken at each return.",
        sureness="The losses are counted, not estimated: carrier, address or health, three within about two minutes. "
        "Why it is lost, the reasons in the journal tell; the counter does not.",
        try_first=(
            "`tonekeeper status`: losses of the last hour, and when the WAN is trusted again.",
            "`tonekeeper replay /var/lib/tonekeeper` lists every loss with its time and reason.",
            "Lost carrier: change the cable and the port, look at the modem's power supply.",
            "Carrier stays, health is lost: have the provider measure the line, with these times.",
        ),
        leave_alone="Do not pull the cable to try: each loss adds to the penalty. Do not raise `[damping] suppress` to "
        "be rid of the finding: the calls would break instead.",
    ),
    "wan-degraded": Advice(
        means="The WAN works, and everything over it suffers: probes to all SBCs are lost, or all answers are late.",
        sureness="Taken from the best of its paths: 5 % of the probes to every SBC lost, or more than 1 s for an "
        "answer of any. With one SBC configured it may be that SBC. Loss is counted there and back together.",
        try_first=(
            "Ask what the line is used for now: backups, cameras, updates. Pause it and see whether the finding goes.",
            "`ip -s link show dev eth0`: errors or drops that grow are the port, the cable or the modem.",
            "`tc -s qdisc show dev eth0`: a queue without management (`pfifo_fast`) on a slow upload needs one that "
            "shapes to a little less than the line.",
            "`ping -c 50 -I eth0 198.51.100.1`, the gateway: loss on this first hop is the access line.",
            "The provider, with the figures of the finding and of the ping.",
        ),
        leave_alone="Do not lengthen timers of the phones to sit it out: it only hides what callers hear.",
    ),
    "single-wan": Advice(
        means="There is one WAN. The agent can say what is wrong with it and cannot go around it.",
        sureness="Certain: it is what the configuration and the default route say.",
        try_first=(
            "Offer the customer a second access of another kind and another provider; mobile will do for calls.",
            "Is there a second one already? Add it as `[[wan]]` and try the file: "
            "`tonekeeper check /etc/tonekeeper/site.toml`.",
        ),
        leave_alone="Nothing is broken. A second name for the same line would only hide this.",
    ),
    "shared-fate": Advice(
        means="Two WANs leave through the same first router: one fault there takes both away.",
        sureness="Routers on the way were asked by packets of rising TTL, once an hour; two WANs got an answer from "
        "the same address. Two modems of one make may both be 192.168.1.1 without being the same: look at the "
        "address. Routers that do not answer are not seen, so no finding is no proof.",
        try_first=(
            "Find the router's address in the finding. Is it one box here, such as a modem with two lines?",
            "`ip route show default` shows through which gateway each WAN leaves.",
            "Ask both providers whether they share a line, a mast or an exchange.",
        ),
        leave_alone="Do not take the second WAN out: it still helps against everything but that router.",
    ),
    "rp-filter-strict": Advice(
        means="The kernel drops answers that arrive over a WAN that is not the best way back. The idle WAN then looks "
        "dead, and dies in earnest at a failover.",
        sureness="Certain: read from the kernel (the higher of `all` and the interface counts, RFC 3704). Whether it "
        "bites depends on the routes.",
        try_first=(
            "`sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.eth0.rp_filter` shows both.",
            "`sysctl -w net.ipv4.conf.eth0.rp_filter=2`, and the same for `all` if that is 1.",
            "Write both into a file in `/etc/sysctl.d/`, or the next start brings it back.",
        ),
        leave_alone="Do not set it to 0 on a WAN: 2 still drops what could come from nowhere.",
    ),
    "stale-binding": Advice(
        means="The site has moved, and some SIP or RTP flows still leave with the old WAN's address: those phones are "
        "cut off until the flow ends.",
        sureness="Certain: read from connection tracking, 10 s after the move and again until they are gone.",
        try_first=(
            "Wait two minutes: a flow on which the phone is silent ends by itself.",
            "`conntrack -L -d 198.51.100.20` lists the flows to an SBC.",
            "`conntrack -D -p udp -d 198.51.100.20` deletes them; the phones' next packets make new ones.",
        ),
        leave_alone="Do not flush the whole table (`conntrack -F`): every connection of the site would break.",
    ),
    "captive-portal": Advice(
        means="Somebody on this line answers for servers that are not there: a login page, a page about an unpaid bill "
        "or a used-up volume, or a proxy. Until that is settled, SIP gets nowhere, or only as far as it allows.",
        sureness="Certain that somebody answers: an address was asked at which nobody can live (RFC 5737). An error "
        "page of a proxy is information only, for it may let SIP alone.",
        try_first=(
            "Open the page from the finding in a browser on this line, and log in.",
            "Ask its owner to let the router through for good: by its MAC address, or without a login.",
            "A mobile line: is the bill paid, and is there volume left?",
        ),
        leave_alone="Do not enter a customer's password on a page that nobody here knows.",
    ),
    "double-nat": Advice(
        means="A box in front of this router, mostly the provider's modem, translates too. Calls depend on two tables "
        "that forget independently, and what is opened on this router is not open on that box.",
        sureness="`strong`: one private router and then a public one were seen on the way. `likely`: the way was not "
        "clear, and a carrier that numbers its customers privately looks the same.",
        try_first=(
            "Find the box: its address is in the finding, its page is at that address.",
            "Switch it to bridge mode (modem mode); then this router gets the public address.",
            "No such mode: name this router as exposed host (DMZ) there, and switch its SIP ALG off.",
            "`tonekeeper nat --server stun.example.net` measures how long bindings last then.",
        ),
        leave_alone="Do not chain a third router behind it to get around it.",
    ),
}
