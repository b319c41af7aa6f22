"""The rules of this router."""

from tonekeeper.faces.playbook.advice import Advice

_ORACLE = (
    "Certain for this router as it stands: the live ruleset was copied into an empty network of its own, the packet of "
    "a phone was sent there, and the kernel named the rule."
)
_LOOK = "`tonekeeper firewall -c /etc/tonekeeper/site.toml` shows every flow with its rule, and what to type."
_TYPE = "Type the change from the finding: it was tried in the copy, and the packets then passed."
_KEEP = "Write it into the router's own configuration (UCI, firewalld, /etc/nftables.conf), or the next start loses it."

FIREWALL = {
    "firewall-blocks-alternate": Advice(
        means="The firewall allows one SBC and not this one. Today nobody notices; on the day of the failover, nothing "
        "works.",
        sureness=f"{_ORACLE} A filter upstream would not show here.",
        try_first=(_LOOK, _TYPE, _KEEP, "Look again: the finding must be gone."),
        leave_alone='Do not allow "any" to be quick: allow the addresses of the SBCs, which '
        "`tonekeeper firewall -c /etc/tonekeeper/site.toml --allow-list` prints.",
    ),
    "firewall-blocks-sip": Advice(
        means="The firewall lets no SIP out to this SBC, over any WAN.",
        sureness=_ORACLE,
        try_first=(_LOOK, _TYPE, _KEEP),
        leave_alone="Do not switch the firewall off to try: the copy has tried it already.",
    ),
    "firewall-blocks-rtp": Advice(
        means="SIP passes and the voice does not: phones ring, and nobody hears anything.",
        sureness=f"{_ORACLE} Of the range of ports the first, the middle and the last were asked, and those beside "
        "every port that a rule names.",
        try_first=(
            "Is the range right? Where `rtp` is not configured, 10000-20000 is assumed; "
            "`tonekeeper firewall -c /etc/tonekeeper/site.toml --rtp 16384-32767` asks about another.",
            _TYPE,
            _KEEP,
        ),
        leave_alone="Do not narrow the range to what one phone uses today.",
    ),
    "firewall-blocks-return": Advice(
        means="Packets get out over this WAN, and the answers to them are dropped. Everything looks dead from inside.",
        sureness=_ORACLE,
        try_first=(
            _LOOK,
            "Most often `ct state established,related accept` is missing for this WAN, or stands behind a drop.",
            _TYPE,
            _KEEP,
        ),
        leave_alone="Do not accept everything that comes in on the WAN instead.",
    ),
    "firewall-blocks-dns": Advice(
        means="The name servers of this WAN cannot be asked. SBCs that are named cannot be found over it.",
        sureness=f"{_ORACLE} It may be meant, to keep everybody on the router's own resolver.",
        try_first=(
            _LOOK,
            "Meant so? Then name the allowed servers in `[[wan]] resolvers`.",
            "Not meant: type the change from the finding.",
            _KEEP,
        ),
        leave_alone="Do not open port 53 to everywhere for the LAN if somebody closed it on purpose.",
    ),
    "firewall-wan-specific": Advice(
        means="What passes over another WAN is stopped on this one: the rules were written before this WAN came.",
        sureness=_ORACLE,
        try_first=(
            _LOOK,
            "Is the WAN's interface in the zone or list of the WANs? On OpenWrt: `option network` of the zone `wan`.",
            _TYPE,
            _KEEP,
        ),
        leave_alone="Do not take the interface out of its zone: masquerading would go with it.",
    ),
    "firewall-rate-limits-sip": Advice(
        means="A rule counts packets between phones and SBC and drops what is too much. It hits when many phones "
        "register at once, after an outage of all times.",
        sureness="Certain that the flow meets the limit's other conditions. Whether the limit is ever reached is not "
        "known.",
        try_first=(
            _LOOK,
            "Put a rule before it that accepts the SBCs' addresses; `tonekeeper firewall -c /etc/tonekeeper/site.toml "
            "--allow-list --format nft` prints them as rules.",
            _KEEP,
        ),
        leave_alone="Do not take the limit away for everybody: it is there against floods.",
    ),
    "dnat-captures-sip": Advice(
        means="A rule redirects SIP to another place than the SBC it was sent to, such as a local proxy or PBX.",
        sureness=f"{_ORACLE} Whether it is meant, only the owner of the rule knows.",
        try_first=(
            "See where it leads: is there a PBX or proxy at that address, and does it know both SBCs?",
            "Meant so: leave it. The agent's probes go around it, so it proves less than phones need.",
            "Not meant: except the addresses of the SBCs from it.",
        ),
        leave_alone="Do not delete it before somebody has said what it is for.",
    ),
    "sip-helper-attached": Advice(
        means="The kernel's SIP helper is attached on this router: a SIP ALG of your own.",
        sureness="Certain that it is attached: read from the ruleset and the kernel's settings. What it rewrites "
        "depends on the SBC.",
        try_first=(
            "Remove the rule from the finding; on OpenWrt `option auto_helper 0` in the zone and a reload.",
            "`sysctl -w net.netfilter.nf_conntrack_helper=0`, where that setting exists.",
            "`conntrack -D -p udp --dport 5060`: connections keep their helper until they end.",
        ),
        leave_alone="Do not unload the module while rules name it: the ruleset would not load any more.",
    ),
    "flow-offload-udp": Advice(
        means="UDP connections bypass the rules once they stand: marks, counters and moves of calls do not see them.",
        sureness="Certain: read from the ruleset. It matters where the agent steers.",
        try_first=(
            "Limit the rule to TCP: `meta l4proto tcp flow add @f`.",
            "On OpenWrt: `option flow_offloading 0`, if speed allows.",
        ),
        leave_alone="Nothing needs a change where the agent only observes.",
    ),
    "firewall-udp-timeout-low": Advice(
        means="This router itself forgets idle UDP flows early; phones behind it miss calls.",
        sureness="Certain: read from the kernel or from the rule that sets it. Below 20 s unanswered or 60 s answered "
        "it is told.",
        try_first=(
            "`sysctl -w net.netfilter.nf_conntrack_udp_timeout=30 net.netfilter.nf_conntrack_udp_timeout_stream=120`",
            "Write both into a file in `/etc/sysctl.d/`.",
            "A `ct timeout` policy is named in the finding: change it in the ruleset.",
        ),
        leave_alone="Do not raise it to hours: the table of connections is finite.",
    ),
}
