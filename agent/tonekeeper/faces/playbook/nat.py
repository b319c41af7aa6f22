"""The NATs on the way."""

from tonekeeper.faces.playbook.advice import Advice

NAT = {
    "nat-binding-short": Advice(
        means="The NAT forgets a silent phone sooner than the phone speaks again. In between, calls do not come in; "
        "calling out works, which hides it.",
        sureness="Measured, not assumed: a binding that was idle for the lower figure lived, one idle for the upper "
        "was dead. Told where a phone seen here speaks more rarely than that, or where keepalives would have to come "
        "faster than every 15 s.",
        try_first=(
            "`tonekeeper nat --server stun.example.net --interface eth0 --max 120` measures it again while you wait.",
            "Your own router: `sysctl net.netfilter.nf_conntrack_udp_timeout "
            "net.netfilter.nf_conntrack_udp_timeout_stream`; raise them to 30 and 120 or more.",
            "The modem: bridge mode, or its UDP timeout.",
            "The phones: `tonekeeper tune --profile yealink-desk --url http://127.0.0.1:8642` computes what "
            "they should do.",
        ),
        leave_alone="Do not shorten the registration to a few seconds instead: the registrar may refuse or block that.",
    ),
    "nat-symmetric": Advice(
        means="Towards each destination the NAT shows the phone with another port. SIP bears that; a phone that learns "
        "its address by STUN does not.",
        sureness="Measured with two addresses of one server (RFC 5780).",
        try_first=(
            "Nothing, as long as calls work.",
            "Phones with STUN switched on: switch it off.",
            "Media in one direction only: the SBC must answer to where the voice comes from; ask its operator.",
        ),
        leave_alone="Do not forward ports to get around it: the next phone needs them too.",
    ),
    "cgn-detected": Advice(
        means="This WAN's address is not public: the provider translates once more, with time-outs and port limits of "
        "its own.",
        sureness="Certain that something beyond this router translates: the server saw another address than the WAN "
        "has. Usually it is the provider. A modem in router mode looks the same.",
        try_first=(
            "Is the WAN's address from 192.168/16, 10/8 or 172.16/12? Then it is probably your own modem: bridge mode.",
            "100.64/10 is the provider's (RFC 6598): ask for a public address if bindings are short.",
        ),
        leave_alone="Nothing needs a change while calls work both ways.",
    ),
    "sip-alg-active": Advice(
        means="Something between this host and the SBC rewrites SIP. One-way audio, lost registrations and calls that "
        "drop after a while come from that.",
        sureness="Each piece of evidence in the finding is enough by itself: our own address where only the NAT's can "
        "stand (`via`), a request that arrived changed (`mirror`), SIP treated otherwise on port 5060, or a helper "
        "attached on this router (`helper`).",
        try_first=(
            "`tonekeeper nat --server stun.example.net --interface eth0 --sip sbc1.example.net` repeats it.",
            "This router: `nft list ruleset` and look for `ct helper`; `lsmod` for `nf_conntrack_sip`; OpenWrt: "
            "`option auto_helper 0`.",
            'The modem: switch off "SIP ALG", "SIP pass-through", "VoIP helper"; then restart the modem.',
            "Cannot be switched off: bridge mode, or SIP over TLS, which nobody on the way can rewrite.",
        ),
        leave_alone="Do not mend its effects in the phones (STUN, a fixed address): the ALG rewrites those too.",
    ),
    "nat-udp-timeout-below-rfc4787": Advice(
        means="The NAT forgets idle UDP bindings sooner than RFC 4787 allows. Phones that keep alive often enough do "
        "not notice.",
        sureness="Measured, as for [nat-binding-short](#nat-binding-short).",
        try_first=(
            "Nothing, as long as that finding is not there too.",
            "Your own router: raise `net.netfilter.nf_conntrack_udp_timeout` and `_stream` with `sysctl -w`.",
        ),
        leave_alone="Do not raise the phones' keepalive intervals on this line.",
    ),
}
