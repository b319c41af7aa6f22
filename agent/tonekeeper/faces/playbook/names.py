"""DNS."""

from tonekeeper.faces.playbook.advice import Advice

NAMES = {
    "sbc-unresolved": Advice(
        means="The name of this SBC leads to no address, and none is remembered from before: it cannot be probed, and "
        "a phone that starts now finds it no better.",
        sureness="Every resolver of every WAN was asked; the reason is the last answer. `NXDOMAIN` is an answer: the "
        "name is wrong or was removed. Timeouts are the resolvers'.",
        try_first=(
            "Read the name in the configuration aloud to whoever gave it: a typing error is the most frequent cause.",
            "`dig _sip._udp.sbc1.example.net SRV` and `dig sbc1.example.net A`, at the site and from elsewhere.",
            "Do other names resolve? If not, see [dns-broken](#dns-broken).",
            "The operator of the name, if it resolves nowhere.",
        ),
        leave_alone="Do not write today's address into the phones: the next move of the SBC would strand them.",
    ),
    "dns-broken": Advice(
        means="A resolver that this WAN uses fails for every SBC's name. What was proven before is used on; phones "
        "that start now may find nothing.",
        sureness="Two failures in a row for every name it was asked, over that WAN. NXDOMAIN counts only where another "
        "resolver knows the name.",
        try_first=(
            "`dig @192.0.2.53 sbc1.example.net` with the address from the finding.",
            "If it is this router's own forwarder, restart it and see whether what it forwards to answers.",
            "Give that WAN other servers: `[[wan]] resolvers`, then send the agent SIGHUP.",
            "If it is the provider's, tell the provider; phones need a change in the DHCP server of the LAN.",
        ),
        leave_alone="Do not delete `addresses.json` in the state directory: it is what keeps the site working now.",
    ),
    "dns-lies": Advice(
        means="A resolver names an address for the SBC where nothing speaks SIP, while the real one is known. Phones "
        "that ask this resolver go to the wrong place.",
        sureness="The named address was probed for 15 s and stayed silent, while addresses named by others, or proven "
        "before, answer. An SBC that was moved to a new address and is not up there yet looks the same.",
        try_first=(
            "Open a web page on that WAN: a captive portal or a bill that was not paid shows itself.",
            "`dig @192.0.2.53 sbc1.example.net` and the same at another resolver: whose answer is it?",
            "Switch off DNS rewriting in the modem (parental control, search assistant, safe browsing).",
            "Ask the SBC's operator whether the SBC has just moved.",
        ),
        leave_alone="Do not restart the agent to make it believe the new address: it takes it as soon as SIP answers.",
    ),
    "dns-stale": Advice(
        means="Nobody has been able to look this SBC up for ten minutes. The site runs on addresses that were proven "
        "before; if the SBC moves now, nobody will notice.",
        sureness="Certain that every resolver of every WAN fails for this name; the age is in the finding. The "
        "remembered addresses are probed as ever, so what `tonekeeper status` says of them holds.",
        try_first=(
            "See whether [dns-broken](#dns-broken) names a resolver, and follow that page.",
            "`dig sbc1.example.net` from elsewhere: if that fails too, the name's own servers are down; tell its "
            "operator.",
        ),
        leave_alone="Do not restart phones: those that are registered work, those that start find no SBC.",
    ),
}
