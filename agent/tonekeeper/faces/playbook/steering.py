"""Where the site is, and what keeps it there."""

from tonekeeper.faces.playbook.advice import Advice

STEERING = {
    "steering-refused": Advice(
        means="The agent decided where the site should be, and the kernel did not take the routes. All is as it was "
        "before the attempt.",
        sureness="Certain: every route is read back; the reason is the kernel's.",
        try_first=(
            "No permission: give the agent `CAP_NET_ADMIN` in its service unit.",
            "`ip rule show`: a rule of somebody else with a smaller number catches the same packets; move it behind "
            "7070.",
            "`ip route show default`: does the new WAN have a gateway?",
            "It is tried again every 30 s; the finding goes by itself.",
        ),
        leave_alone="Do not put the routes by hand: the agent would find somebody else's and keep off.",
    ),
    "steering-disturbed": Advice(
        means="Another program keeps removing the agent's routes or rules. They are put back, but calls may break each "
        "time.",
        sureness="Certain that they were gone, three times within a minute. Who does it, the kernel does not tell.",
        try_first=(
            "`ip -t monitor route rule` beside the logs of what manages the network: who speaks at the same moment?",
            "systemd-networkd: `ManageForeignRoutes=no` and `ManageForeignRoutingPolicyRules=no`.",
            "Multi-WAN scripts (mwan3, failover scripts of the CPE): let only one of the two steer.",
        ),
        leave_alone="Do not stop the agent in the middle of it: on a clean end it removes what is left of its own.",
    ),
    "flows-unseen": Advice(
        means="The agent cannot see the router's connections. After a move, phones keep sending into the old one until "
        "it expires, minutes perhaps.",
        sureness="Certain: the kernel refused to list them.",
        try_first=(
            "`modprobe nf_conntrack_netlink`, and have it loaded at every start.",
            "Give the agent `CAP_NET_ADMIN` in its service unit.",
            "After a move meanwhile: `conntrack -D -p udp -d 198.51.100.20` for each address of an SBC.",
        ),
        leave_alone="Do not flush the whole table (`conntrack -F`).",
    ),
    "switch-taken-back": Advice(
        means="The site moved to a place that failed right afterwards, with nowhere else to go. It went back, once.",
        sureness="Certain. The place had answered probes before; why it failed under load is the question.",
        try_first=(
            "`tonekeeper replay /var/lib/tonekeeper` shows the minute before and after the move.",
            "Deeper probes show what OPTIONS cannot: `[sbc.register]` and `[sbc.call]` for that SBC.",
            "A metered or shaped WAN may carry probes and no calls: ask its provider about UDP.",
        ),
        leave_alone="Do not force the site there: it is left out until it has been proven anew.",
    ),
    "no-alternate": Advice(
        means="If the place in use fails, there is nowhere to go.",
        sureness="Certain for this moment: either nothing else is configured, or no other place has answered its "
        "latest probes. The reason says which.",
        try_first=(
            "Nothing else configured: add a second `[[sbc]]` or `[[wan]]`.",
            "Configured, not proven: the findings about those WANs and SBCs say why; begin with the worst.",
            "`tonekeeper firewall -c /etc/tonekeeper/site.toml`: a firewall that allows only the primary is the most "
            "frequent reason.",
        ),
        leave_alone="Plan no maintenance at what is in use until this is gone.",
    ),
    "not-on-first-choice": Advice(
        means="The site is where it works, not where it belongs. The way back is taken without anybody's help.",
        sureness="Certain. When, `tonekeeper status` says: the first choice must be proven for `failback_after` "
        "without a gap.",
        try_first=(
            "See why it moved: the reason in the finding.",
            "Wait. A first choice that does not get proven has a finding of its own.",
        ),
        leave_alone="Do not hurry it with a restart of the agent: that forgets how often the first choice failed.",
    ),
    "failover-suppressed": Advice(
        means="A move is due and not made: a guardrail holds it back, or no other place is proven.",
        sureness="Certain; the reason names which.",
        try_first=(
            "`nowhere to go`, `nowhere better to go`: see [no-alternate](#no-alternate) and mend one of the others.",
            "`the last switch is too recent`: it is made after `[failover] min_dwell`; wait.",
            "`switches in a short time are enough`: something keeps failing; mend that first.",
        ),
        leave_alone="Do not raise `switches` to make it move: it moved that often already, and it did not help.",
    ),
}
