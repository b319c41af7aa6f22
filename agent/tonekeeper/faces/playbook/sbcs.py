"""SBCs: whether they answer, how deeply they are proven, and how alike they are."""

from tonekeeper.faces.playbook.advice import Advice

SBCS = {
    "sbc-flapping": Advice(
        means="The SBC is lost and comes back again and again, over every WAN. It is used only while nothing else "
        "works.",
        sureness="The losses are counted, three within about two minutes; each was confirmed by probes and laid to the "
        "SBC because others answered meanwhile.",
        try_first=(
            "`tonekeeper replay /var/lib/tonekeeper` lists every loss with its time and reason.",
            "Report it to the SBC's operator with these times and the site's public addresses.",
            "Ask for the provider's maintenance plan: restarts in turn look like this.",
        ),
        leave_alone="Do not point the phones at it by hand: they would lose their calls with each return.",
    ),
    "sbc-down": Advice(
        means="This SBC does not answer, over any WAN that works. The fault is not at the site.",
        sureness="`strong` where it is silent over two WANs or more while another SBC answers there. `likely` over one "
        "WAN, or where no other SBC is configured: then a filter upstream looks the same. In `last_sign`, port "
        "unreachable and a refused connection mean that the host lives and its program does not.",
        try_first=(
            "See that the site is on the alternate: `active` in `tonekeeper status`.",
            "Over one WAN only: `tonekeeper firewall -c /etc/tonekeeper/site.toml`, to be sure of this router.",
            "Report it to the SBC's operator with the addresses, the times and `last_sign`.",
            "Phones that do not go to the alternate: `tonekeeper forecast --profile yealink-desk --incident "
            "primary-silent` says what to expect of their model.",
        ),
        leave_alone="Do not restart WANs, router or phones: nothing at this site will mend it, and a restart costs the "
        "registrations that still hold.",
    ),
    "sbc-degraded": Advice(
        means="The SBC answers, but not as a healthy one: with an error, at some of its addresses only, late, or with "
        "a function that fails.",
        sureness="Error codes it says itself: certain. Loss and delay are compared with the other SBC: `strong` over "
        "two WANs, `likely` over one. A function counts after two failures in a row, or a refusal that leaves no "
        "doubt.",
        try_first=(
            "Read the reason: response code, silent addresses, function.",
            "5xx, 408, 482, 483 or 3xx: report the code and the times to the SBC's operator.",
            "Silent addresses: give the list to the operator; phones that were told only these are cut off.",
            "A function: see [sbc-auth-broken](#sbc-auth-broken), [media-one-way](#media-one-way) or "
            "[media-poor](#media-poor), whichever comes up.",
        ),
        leave_alone="Do not take it out of the configuration: then nobody sees when it is well again.",
    ),
    "sbc-draining": Advice(
        means="The SBC asks to be left alone: 503 with Retry-After, or with the word maintenance. The site moves away.",
        sureness="Certain: it says so itself. Its word counts for an hour at most, then it is asked again.",
        try_first=(
            "Look for a maintenance notice of the SBC's operator.",
            "See that the site is on the alternate: `active` in `tonekeeper status`.",
            "Longer than announced: ask the operator. An overloaded SBC answers the same way.",
        ),
        leave_alone="Do not have phones register there by hand: they would be refused too, and add to the load.",
    ),
    "tls-invalid": Advice(
        means="The certificate that this SBC shows is not acceptable. Phones that check certificates cannot connect.",
        sureness="The handshake was made, and chain, dates and name (RFC 5922) were checked; the reason says which "
        "failed. Two things look the same: a wrong clock here, and a box on the way that breaks TLS open. If the "
        "subject names one WAN only, it is that WAN's box.",
        try_first=(
            "`date -u`: is the clock right? A wrong year makes every certificate bad.",
            "`openssl s_client -connect sbc1.example.net:5061 -servername sbc1.example.net` shows issuer and dates.",
            "Issuer is a firewall or a virus scanner: take SIP over TLS out of its inspection.",
            "Issuer is a CA of the provider's own: name its file as `[sbc.tls] ca_file`.",
            "Expired, or another name: tell the SBC's operator.",
        ),
        leave_alone="Do not switch certificate checks off in the phones: whoever sits on the way could then listen.",
    ),
    "tls-expiring": Advice(
        means="The certificate of this SBC will expire soon. On that day phones that check it cannot connect.",
        sureness="Read from the certificate, from 14 days before the end on; critical from 3 days. It takes a right "
        "clock.",
        try_first=(
            "Tell the SBC's operator the address, the issuer and the day.",
            "A CA of the provider's own: will the new certificate have the same one? Phones may need it beforehand.",
        ),
        leave_alone="Nothing at the site needs a change before the new certificate is there.",
    ),
    "same-address-twice": Advice(
        means="Two SBCs of the configuration are one place. What stops one stops the other, so there is no alternate.",
        sureness="The same address: certain. Neighbours in one /24 (IPv6: /48) as a rule share rack, line and "
        "announcement; the provider may know better.",
        try_first=(
            "`dig sbc1.example.net A` and the same for the other name: does it agree with what was ordered?",
            "Ask the provider for an alternate in another data center.",
            "If one of the names is just an alias, take it out of the configuration.",
        ),
        leave_alone="Do not count on it for a failover before this is settled.",
    ),
    "sbc-auth-broken": Advice(
        means="The SBC answers and refuses the test account. If phones are refused as well, nobody can register.",
        sureness="Certain for the test account: it was refused after its credentials were sent, or with 403 or 404. "
        "For customers' accounts it is a strong hint and no proof. It is not tried again before its interval, or the "
        "account would be locked.",
        try_first=(
            "Do phones register? `tonekeeper status --json` has their last answer (`phones[].status`).",
            "They do: the account is wrong or locked. See `[sbc.account]`, then send the agent SIGHUP; it asks anew.",
            "They do not: report it to the SBC's operator, with the answer in the finding.",
            "Only one SBC refuses: its account database is not in step with the other's; that is the operator's.",
        ),
        leave_alone="Do not try passwords, and do not reset a phone's: after a few refusals many registrars lock the "
        "account or block the site's address.",
    ),
    "function-failing": Advice(
        means="One function of this SBC fails over one WAN and works over another: that WAN, or something on it, is in "
        "the way.",
        sureness="`strong`: the same SBC does it over another WAN. Two failures in a row, or a refusal that leaves no "
        "doubt.",
        try_first=(
            "`tonekeeper nat --server stun.example.net --interface eth0 --sip sbc1.example.net` on that WAN: an ALG "
            "shows itself.",
            "`tonekeeper firewall -c /etc/tonekeeper/site.toml`: does a rule treat that WAN otherwise?",
            "Registration: does the operator know this WAN's public address? Some filter by it.",
            "The modem's settings: SIP helper, VoIP pass-through, packet inspection off.",
        ),
        leave_alone="Do not change the SBC or its accounts: over the other WAN they are proven good.",
    ),
    "media-one-way": Advice(
        means="A call is set up, and voice goes one way only. Callers hear silence.",
        sureness="Two calls in a row to the echo number, of 100 packets each, of which none came back, or which "
        "stopped midway. The reason tells silence, an ICMP error and voice from an unexpected address apart. A broken "
        "echo service looks the same; make a call yourself.",
        try_first=(
            "Call from a phone of the site and ask who hears whom.",
            "`tonekeeper firewall -c /etc/tonekeeper/site.toml`: is RTP let out, and the answers in?",
            "`tonekeeper nat --server stun.example.net --interface eth0 --sip sbc1.example.net`: an ALG that rewrites "
            "the address of the media?",
            "Voice from another address than agreed: report it to the SBC's operator with both addresses.",
            "Over every WAN and with a clean firewall: report it to the SBC's operator.",
        ),
        leave_alone="Do not forward the whole RTP range to one phone: it mends that one and breaks the others.",
    ),
    "media-poor": Advice(
        means="Calls over this SBC sound bad: too much of the voice is lost, or too late.",
        sureness="Two calls in a row below MOS 3.1, computed from measured loss, jitter and delay (ITU-T G.107). Each "
        "is a sample of two seconds.",
        try_first=(
            "Compare with the other SBC and the other WAN in `tonekeeper status`.",
            "Bad over one WAN only: see [wan-degraded](#wan-degraded).",
            "Bad at one SBC only: report loss, jitter and times to its operator.",
            "Bad only while the line is busy: upload shaping on this router.",
        ),
        leave_alone="Do not change codecs at once: fewer bits do not help a queue that is full of other traffic.",
    ),
    "depth-not-checked": Advice(
        means="A deeper probe is configured and could not be made. Nothing is known beyond that the SBC answers.",
        sureness="Certain that it was not made; the reason says what was missing. It says nothing against the SBC.",
        try_first=(
            "A password: `tonekeeper check /etc/tonekeeper/site.toml` reads the file as the agent does.",
            "The number is busy: give every site an echo number of its own, or make `[sbc.call] interval` longer.",
            "A redirection: name the SBC that it leads to.",
            "Send the agent SIGHUP; it asks again soon.",
        ),
        leave_alone="Do not use a customer's account for the probe.",
    ),
    "standby-unproven": Advice(
        means="Nobody knows whether the standby would work: its deepest probe has not passed for long.",
        sureness="Certain about the time. Why it does not pass is in the finding; if nothing failed, the probe could "
        "not be made or left doubt.",
        try_first=(
            "Look for [depth-not-checked](#depth-not-checked) or [sbc-auth-broken](#sbc-auth-broken), also of the "
            "past: `tonekeeper replay /var/lib/tonekeeper`.",
            "Does the test account exist at the standby? It often exists at the primary only.",
            "Ask the SBC's operator for a test of the standby.",
        ),
        leave_alone="Do not move the site there to find out, unless the customer agrees to the risk.",
    ),
    "standby-drift": Advice(
        means="The standby differs from the first SBC in something that phones notice. After a failover they would "
        "behave otherwise.",
        sureness="Both said so themselves, in answers to OPTIONS, handshakes and deep probes. What one did not tell "
        "counts as no difference. Whether your phones use what differs is for you to judge.",
        try_first=(
            "Read the differences; the worst come first.",
            "Have the SBCs' operator configure both alike.",
            "Where that cannot be: try a phone of each model at the standby, in a quiet hour.",
        ),
        leave_alone="Do not copy settings of the standby to the phones: then the primary would be the odd one.",
    ),
}
